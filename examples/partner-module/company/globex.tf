module "globex" {
  source = "./.."

  partner    = "globex"
  owner      = "john.roe@example.com"
  expires_at = "2027-04-30T00:00:00Z"
  networks   = ["198.51.100.0/24"]
  decisions  = local.decisions

  identities = {
    invoices = {
      purpose = "Fetch invoices into Globex's archive"
      ceiling = ["invoices/globex/*"]

      federated = {
        issuer    = "https://login.globex.test"
        subject   = "invoice-archive"
        audiences = ["invoices.example.com"]
      }

      grants = {
        monthly = {
          resource = "invoices/globex/monthly/*"
          actions  = ["read", "list"]
          purpose  = "Fetch the month's invoices"
        }
      }
    }
  }
}

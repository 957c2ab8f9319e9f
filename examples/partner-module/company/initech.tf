# A subcontractor of ACME: its access hangs on ACME's, ends with it and stays within its ceiling.

module "initech" {
  source = "./.."

  partner    = "initech"
  owner      = "jane.doe@example.com"
  expires_at = "2027-04-30T00:00:00Z"
  networks   = ["192.0.2.0/24"]
  decisions  = local.decisions

  identities = {
    order-monitor = {
      purpose    = "Watch over ACME's order feed at night"
      ceiling    = ["orders/acme/daily/*"]
      parent_id  = module.acme.ids["orders-etl"]
      expires_at = "2027-03-31T00:00:00Z"
      owner      = "john.roe@example.com"
      contact    = "night@initech.test"

      federated = {
        issuer    = "https://login.initech.test"
        subject   = "order-monitor"
        audiences = ["orders.example.com"]
      }

      grants = {
        daily = {
          resource = "orders/acme/daily/*"
          actions  = ["list"]
          purpose  = "See whether the nightly files came"
        }
      }
    }
  }
}

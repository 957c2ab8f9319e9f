resource "partner_identity" "invoices" {
  partner    = "globex"
  name       = "invoices"
  owner      = "jane.doe@example.com"
  purpose    = "Fetch the invoices of each month"
  expires_at = "2027-03-31T00:00:00Z"
  contact    = "ops@globex.test"
  agreement  = { reference = "DPA-77", ends_at = "2027-12-31T00:00:00Z" }
}

resource "partner_credential" "invoices" {
  identity_id = partner_identity.invoices.id
  owner       = "jane.doe@example.com"
  expires_at  = "2027-02-28T00:00:00Z"

  federated = {
    issuer    = "https://login.globex.test"
    subject   = "svc-invoices"
    audiences = ["invoices.example.com"]
  }
}

resource "partner_grant" "invoices" {
  identity_id = partner_identity.invoices.id
  resource    = "invoices/globex/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the invoices"
  expires_at  = "2027-02-28T00:00:00Z"
}

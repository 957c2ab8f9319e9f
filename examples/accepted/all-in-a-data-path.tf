# An auditor reads the reports of all plants, which lie in a folder named so; "read-all" is one action of that system,
# and not every action.

resource "partner_identity" "audit" {
  partner    = "acme"
  name       = "audit"
  owner      = "jane.doe@example.com"
  purpose    = "Yearly audit of the plants by ACME"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_grant" "all" {
  identity_id = partner_identity.audit.id
  resource    = "reports/acme/all/*"
  actions     = ["list", "read-all"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the reports of all plants"
  expires_at  = "2027-02-28T00:00:00Z"
}

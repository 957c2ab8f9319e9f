# For the inventory the partner reads the stock of every warehouse, for a few weeks. The security officer agreed.
# applied: yes

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_grant" "stock" {
  identity_id = partner_identity.orders.id
  resource    = "stock/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Count the stock of all warehouses"
  expires_at  = "2027-01-31T00:00:00Z"

  waivers = {
    "scope/wildcard-resource" = {
      reason   = "Inventory of all warehouses, project INV-26"
      approver = "ciso@example.com"
      until    = "2027-01-31T00:00:00Z"
    }
  }
}

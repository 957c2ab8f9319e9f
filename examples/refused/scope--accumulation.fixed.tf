# What is not needed any more is gone: two are left.

provider "partner" {
  environment = "prod"

  guardrails = {
    max_grants = 2
    levels     = { "scope/accumulation" = "deny" }
  }
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}

locals {
  feeds = {
    orders = "Read the daily order files"
    stock  = "Read the stock of the warehouses"
  }
}

resource "partner_grant" "feed" {
  for_each = local.feeds

  identity_id = partner_identity.orders.id
  resource    = "${each.key}/acme/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = each.value
  expires_at  = "2027-02-28T00:00:00Z"
}

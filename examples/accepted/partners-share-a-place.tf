# Two carriers write into one exchange, by agreement: the setting names it.
# applied: yes

provider "partner" {
  environment = "prod"

  guardrails = {
    shared = ["exchange/freight/*"]
  }
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
  ceiling    = ["exchange/freight/*", "orders/acme/*"]
}

resource "partner_identity" "bids" {
  partner    = "globex"
  name       = "bids"
  owner      = "jane.doe@example.com"
  purpose    = "Bids for the freight of the week"
  expires_at = "2027-03-31T00:00:00Z"
  ceiling    = ["exchange/freight/bids/*", "orders/globex/*"]
}

resource "partner_grant" "offers" {
  identity_id = partner_identity.orders.id
  resource    = "exchange/freight/bids/+"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the bids of the week"
  expires_at  = "2027-02-28T00:00:00Z"
}

resource "partner_grant" "bids" {
  identity_id = partner_identity.bids.id
  resource    = "exchange/freight/bids/*"
  actions     = ["create"]
  owner       = "jane.doe@example.com"
  purpose     = "Place bids for the week"
  expires_at  = "2027-02-28T00:00:00Z"
}

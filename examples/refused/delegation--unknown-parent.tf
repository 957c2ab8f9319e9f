# The id is mistyped: no such identity exists. Only the apply can know that.
# refused: at apply

resource "partner_grant" "daily" {
  identity_id = "acme/prod/order-etl"
  resource    = "orders/acme/daily/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-02-28T00:00:00Z"
}

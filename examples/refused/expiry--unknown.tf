# timestamp() is computed at apply: nobody can see in the plan when the access ends, and it ends later with every
# apply.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = timeadd(timestamp(), "2160h")
}

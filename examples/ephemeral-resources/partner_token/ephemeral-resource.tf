resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_grant" "orders" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-03-31T00:00:00Z"
}

# Once per run, never stored: revoked when Terraform is done with it.
ephemeral "partner_token" "orders" {
  identity_id = partner_identity.orders.id
  ttl         = "2m"
}

# Before the access is handed over: does the gateway let the partner in to what was granted?
resource "terraform_data" "tried" {
  triggers_replace = [partner_grant.orders.id]

  provisioner "local-exec" {
    command     = "curl --fail --silent --output /dev/null --header \"Authorization: Bearer $TOKEN\" https://gateway.example.com/orders/acme/daily/1.csv"
    environment = { TOKEN = ephemeral.partner_token.orders.token }
  }
}

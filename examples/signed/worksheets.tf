provider "partner" {
  environment = "prod"
  worksheets  = local.sheets # a decision counts as signed only where its whole worksheet is here
}

locals {
  filled_in = {
    "reviews/ciso.csv" = { by = "ciso@example.com", at = "2026-12-24T09:00:00Z" }
  }

  # The file byte by byte, and the signature that ssh-keygen wrote beside it.
  sheets = { for file, who in local.filled_in : file => merge(who, {
    csv       = filebase64("${path.module}/${file}")
    signature = try(file("${path.module}/${file}.sig"), null)
  }) if fileexists("${path.module}/${file}") }

  decisions = provider::partner::decisions(local.sheets, null)
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  name        = "daily"
  resource    = "orders/acme/daily/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = coalesce(try(local.decisions["acme/prod/orders-etl/daily"].until, null), "2027-01-31T00:00:00Z")
  review      = lookup(local.decisions, "acme/prod/orders-etl/daily", null)
}

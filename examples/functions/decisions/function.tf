locals {
  # Who has filled in which worksheet, and when.
  filled_in = {
    "reviews/jane.csv" = { by = "jane.doe@example.com", at = "2026-11-20T09:00:00Z" }
  }

  sheets = { for file, who in local.filled_in : file => merge(who, { csv = file("${path.module}/${file}") }) }

  # A row with a mistake decides nothing.
  decisions = provider::partner::decisions(local.sheets, data.partner_review_worksheet.all.rows, "skip")
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  name        = "daily"
  resource    = "orders/acme/daily/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"

  # It ends when it was decided, or else when it was to end in the first place.
  expires_at = coalesce(try(local.decisions["acme/prod/orders-etl/daily"].until, null), "2027-03-31T00:00:00Z")
  review     = lookup(local.decisions, "acme/prod/orders-etl/daily", null)
}

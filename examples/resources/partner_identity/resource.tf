resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into ACME's ERP"
  expires_at = "2027-03-31T00:00:00Z"
  ceiling    = ["orders/acme/*"]
}

# Extended after a review. The review also covers the identity's credentials and grants.
resource "partner_identity" "invoices" {
  partner    = "acme"
  name       = "invoices"
  owner      = "jane.doe@example.com"
  purpose    = "Deliver ACME's invoices as files"
  expires_at = "2027-05-31T00:00:00Z"

  review = {
    at     = "2026-11-20T09:00:00Z"
    by     = "john.roe@example.com"
    reason = "The e-invoicing gateway comes in June"
  }
}

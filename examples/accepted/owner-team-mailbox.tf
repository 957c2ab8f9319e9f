# A team answers for the access. Its mailbox is read, though it begins with "test".

resource "partner_identity" "lab" {
  partner    = "acme"
  name       = "lab-results"
  owner      = "test-automation@example.com"
  purpose    = "Delivers the results of the lab"
  expires_at = "2027-03-31T00:00:00Z"
}

# A lab tests our devices. The purpose says so, and still tells it from every other.

resource "partner_identity" "lab" {
  partner    = "acme"
  name       = "lab-results"
  owner      = "jane.doe@example.com"
  purpose    = "Test results of the ACME lab for the pump series"
  expires_at = "2027-03-31T00:00:00Z"
}

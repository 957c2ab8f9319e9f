# A partner whose name begins with a digit, and names as EDI has them.
# applied: yes

resource "partner_identity" "invoices" {
  partner    = "4you-2-go"
  name       = "b2b-edi-810-v4"
  owner      = "jane.doe@example.com"
  purpose    = "Sends its invoices as X12 810 messages"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_grant" "invoices" {
  identity_id = partner_identity.invoices.id
  resource    = "edi/4you-2-go/810/+"
  actions     = ["create"]
  owner       = "jane.doe@example.com"
  purpose     = "Deliver the invoices of the day"
  expires_at  = "2027-02-28T00:00:00Z"
  name        = "810-in"
}

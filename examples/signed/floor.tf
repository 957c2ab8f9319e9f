# In security's own configuration: who decides, with which keys, and what nobody decides without a signature.
resource "partner_floor" "this" {
  set_by         = "security@example.com"
  require_signed = ["review", "waiver", "hold_release"]

  deciders = [{
    address = "ciso@example.com"
    keys    = [{ key = file("${path.module}/ciso.pub") }]
    until   = "2027-10-31T00:00:00Z"
  }]
}

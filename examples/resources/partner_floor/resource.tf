# In a configuration, a state and a login of its own: no other one of this access system is looser.
resource "partner_floor" "this" {
  set_by = "ciso@example.com"

  levels     = { "expiry/soon" = "warn", "activity/drift" = "deny" }
  unwaivable = ["scope/privileged", "owner/external"]

  max_lifetime = { identity = "4416h", credential = "2208h", grant = "2208h" }
  max_waiver   = "720h"
  review_every = "2208h"

  owner_domains = ["example.com"]
  environments  = ["prod", "stage"]
  shared        = ["orders/shared/*"]
}

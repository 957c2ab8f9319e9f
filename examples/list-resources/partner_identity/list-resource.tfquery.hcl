# terraform query                                        # what is there
# terraform query -generate-config-out=adopted.tf        # and the blocks that bring it under this configuration

list "partner_identity" "neglected" {
  provider = partner

  config {
    partner = "acme"
    flags   = ["orphaned", "expiring", "unused"]
  }
}

list "partner_grant" "ends_this_quarter" {
  provider         = partner
  include_resource = true # the arguments, too
  limit            = 500  # Terraform's own limit is 100

  config {
    expires_before = "2027-04-01T00:00:00Z"
  }
}

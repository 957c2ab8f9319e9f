# An access system has one floor.
terraform import partner_floor.this floor

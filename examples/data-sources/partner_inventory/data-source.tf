data "partner_inventory" "all" {}

# What ends within 30 days, and who is to be asked about it.
output "ending_soon" {
  value = {
    for item in data.partner_inventory.all.items :
    item.id => "${item.owner}: ends ${item.ends_at}" if contains(item.flags, "expiring")
  }
}

# A plan in CI says so, every night, when something is found that nobody answers for.
check "nothing_is_neglected" {
  assert {
    condition     = data.partner_inventory.all.counts["orphaned"] == 0
    error_message = "An owner left, or access hangs on what is gone."
  }
  assert {
    condition     = data.partner_inventory.all.counts["ungoverned"] == 0 || contains(data.partner_inventory.all.not_checked, "ungoverned")
    error_message = "There is access that nobody declared."
  }
  assert {
    condition     = alltrue([for f in ["dormant", "unused"] : data.partner_inventory.all.counts[f] == 0 || contains(data.partner_inventory.all.not_checked, f)])
    error_message = "There is access that nobody uses."
  }
}

# One partner's, ready for an import under Terraform.
data "partner_inventory" "acme" {
  partner = "acme"
}

output "import_blocks" {
  value = join("\n", compact(data.partner_inventory.acme.items[*].import)) # null where it cannot be adopted; why says so
}

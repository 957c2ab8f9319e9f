# What Jane has to decide on in the next month.
data "partner_review_worksheet" "jane" {
  owner      = "jane.doe@example.com"
  due_within = "720h"
}

# terraform output -raw worksheet > jane.csv opens in a spreadsheet.
output "worksheet" {
  sensitive = true # not secret, but long: this keeps it out of every plan
  value     = data.partner_review_worksheet.jane.csv
}

# Everything that is in force, to tell what has changed since a worksheet was made.
data "partner_review_worksheet" "all" {}

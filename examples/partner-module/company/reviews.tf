# What the owners decided in their worksheets: one file for each, under reviews/. What nobody decides on ends as declared.

locals {
  filled_in = {
    "reviews/acme.csv" = { by = "jane.doe@example.com", at = "2026-11-20T09:00:00Z" }
  }

  sheets = { for file, who in local.filled_in : file => merge(who, { csv = file("${path.module}/${file}") }) }

  decisions = provider::partner::decisions(local.sheets, data.partner_review_worksheet.all.rows, "skip")
  mistakes  = provider::partner::worksheet_mistakes(local.sheets, data.partner_review_worksheet.all.rows)
}

data "partner_review_worksheet" "all" {}

check "worksheets" {
  assert {
    condition     = length(local.mistakes) == 0
    error_message = join("\n", local.mistakes)
  }
}

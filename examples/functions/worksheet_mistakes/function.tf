# Each plan warns of what cannot be taken, by file, row and column.
check "worksheets" {
  assert {
    condition     = length(provider::partner::worksheet_mistakes(local.sheets, data.partner_review_worksheet.all.rows)) == 0
    error_message = join("\n", provider::partner::worksheet_mistakes(local.sheets, data.partner_review_worksheet.all.rows))
  }
}

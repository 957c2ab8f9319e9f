provider "partner" {
  environment = "prod"
  guardrails  = { enforcement = "collect" }
}

run "reading_is_fine" {
  command = plan
}

run "every_action_is_refused" {
  command = plan
  variables {
    actions = ["*"]
  }
  expect_failures = [output.findings]
}

# The files are read as they are when this is planned. Once there is a journal, that is: a first plan has none yet.
locals {
  journal = provider::partner::verify_journal(file(".partner/prod/journal.jsonl"), file(".partner/prod/journal.jsonl.head"))
}

check "journal" {
  assert {
    condition     = local.journal.ok
    error_message = "The journal was changed, or lines of it are missing: ${local.journal.problem}"
  }
}

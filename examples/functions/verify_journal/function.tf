check "journal" {
  assert {
    condition     = provider::partner::verify_journal(file(".partner/prod/journal.jsonl"), file(".partner/prod/journal.jsonl.head")).ok
    error_message = "The journal was changed, or lines of it are missing."
  }
}

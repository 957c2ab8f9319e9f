# The partner comes from IPv6 alone.
# applied: yes

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_credential" "key" {
  identity_id   = partner_identity.orders.id
  owner         = "jane.doe@example.com"
  expires_at    = "2027-02-28T00:00:00Z"
  allowed_cidrs = ["2001:db8:12::/48", "2001:db8:34:100::/56"]
  rotation      = { every = "480h", overlap = "48h" }

  certificate = {
    csr = <<-EOT
      -----BEGIN CERTIFICATE REQUEST-----
      MIHKMHECAQAwDzENMAsGA1UEAwwEYWNtZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
      A0IABJUgv/qDwj3FG68hUgOipQDhWtp2SptbRogxm3PJUJWqiY9dEsON7ARbYrkx
      BGJ7O+4Z6HfRciadomveWGVgld6gADAKBggqhkjOPQQDAgNJADBGAiEAxyE1sse6
      WZ18KfqlYefCHg/2ezM4IT8Y5csoo2AiBe4CIQDzj9Mm1kxOPJj/yQAwATxLZTc7
      4dwSj5yQEf0Js2XEsA==
      -----END CERTIFICATE REQUEST-----
    EOT
  }
}

# The one network that the partner comes from.

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
  allowed_cidrs = ["203.0.113.0/24"]
  rotation      = { every = "480h", overlap = "48h" }

  certificate = {
    csr = <<-EOT
      -----BEGIN CERTIFICATE REQUEST-----
      MIHIMHECAQAwDzENMAsGA1UEAwwEYWNtZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
      A0IABHm/zVLFJZVr4ZwxuyG0d+72tjYgQ3seSRaNnujvjmeL+WZL+eaYX1JpcdZw
      FSecVmiTX310vStQdCFuMuNPjiGgADAKBggqhkjOPQQDAgNHADBEAiAZ9ud+Y3DW
      4qX6SwHjA6e8rQmhRHXr76yc0UNO9jEjlAIgIVrWU4fwzj3CdqSt7CvlSA1T5PRP
      TRFjT48zzYXYDNI=
      -----END CERTIFICATE REQUEST-----
    EOT
  }
}

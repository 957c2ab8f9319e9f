# The request is for an RSA key of 1024 bits.

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
      MIIBTjCBuAIBADAPMQ0wCwYDVQQDDARhY21lMIGfMA0GCSqGSIb3DQEBAQUAA4GN
      ADCBiQKBgQDVvEnQ9DON9BgztWRiq3df6ntGBKLLcin6zgZp0+RDRwvbnL7M/9Nh
      kHRA2+s0GUz0Qqhy8BVOqNuPK6EM0vlmVLwTZomOnc6qbtQ8dC31sJbbam920/VO
      7EprmQPnOFkBj0OfsWNaAgRxoHJEU/7DyWkaTpfEM/sk0R7ZkMmhtQIDAQABoAAw
      DQYJKoZIhvcNAQELBQADgYEALZdM7VW02u+C2ce6WB9JPCxzjcaSEn3hSpQrKJOx
      ZP+w2E1SzMwB8YSK4OJdad+j+J/BR0Iem1ZgPya/gfC8DfB7wgpms1RKfAH3mArw
      AExtie4ihvGp1F9S592+a9H05/HFJ8dNnoBMFfrBr2oRi6z9OIDjT80OWTQeB/7M
      SHI=
      -----END CERTIFICATE REQUEST-----
    EOT
  }
}

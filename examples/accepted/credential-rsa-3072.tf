# A partner whose hardware knows only RSA.

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
      MIIDVDCCAbwCAQAwDzENMAsGA1UEAwwEYWNtZTCCAaIwDQYJKoZIhvcNAQEBBQAD
      ggGPADCCAYoCggGBANLqx4DchVS54sFpMQ3Ku1uA6cb6QIWSllr2TB8ifEkfkYA4
      PdmA2LDDpma8KDQjfb4frGdBg4RRhmqkGeGxzW0XE1EHRdV19QWbHndOoBkourcg
      png/Di52t0KiMSNpcvtyXHT8G+wIg8bFQ7tbCD5YMAexwvxsysv02eoMgdYssHha
      yE5atjAZRRojzhtOJZEy9pnST6ItNVZwKr/eDvYjJ/sDpth+2QcU7LawiFcS+AGJ
      jhokxlLJnuqOXYawsb8vws5/soh7RxYHgWjfdXjFW8vI1WRUGcMGgZKByiHkFdkU
      DZJAEUvRdUVt/V+UyYQj7JXco0aaDfueEtLNJhxZ4BUl/xpvktau8i/no/iWlNhG
      iZtUFeOoUb3zZtQqaTBTgxi7US6crI7wqqv6Use3DvGD44G/T2kiGLrR8Y+0iKx1
      aWmIvvMQcrxGYeNCRxwZdcBcLdcAqpJtZOyjcw6fOwK5GHmkwudWviPAlmMazPc4
      q7hOK4LuVJWGKmjrcQIDAQABoAAwDQYJKoZIhvcNAQELBQADggGBAL7USfa2obqy
      D6OLPvPtIfLx3IeS0NnWElTbDtBqSfBNu7p8H6ShjEKAWpbkUCQj7WfFyPKzxbdr
      0F5PjMzgescPgF05pDOOr5ZiqngEF6PrZCZrcFcGXi3N1qtWa7rzBHmYdyzG99Bk
      KIoWt0JCr4yzElYrgjPURkOdellVjn0tNmCkl991I2DN8UbBBJdTlmq+0Kd0q6pd
      Htg9BeU4v7KlSYz36vZx0hvpdaYSaMCLgzMmzlTtj4PheRHGYf3VvYkt6NbXgF5F
      vkigWKJ/UIsZPsg8F5AUNI0QGjhnRNfTxi6bbqPIbTLGHg99RgRw1u3DXo9hhiaM
      uV7/cfDFXTjNqx/wRzwNh73ababM18uYZLE0RivXUUo6IqBkrDmsDBMkgLRamKxs
      awWq7BSm2vPdcBcShEsrANgub8lwALM9T9gm1o7/Lw8lnKVwvb5v5gH/8e1oBwBv
      Kjvl7ZiY9yw0BAS+ehRYtOWhvQsr43+7eyZgEn8XhXQtded3vIGsBw==
      -----END CERTIFICATE REQUEST-----
    EOT
  }
}

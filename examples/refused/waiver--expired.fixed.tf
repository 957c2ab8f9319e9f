# The exception was approved anew.

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

  waivers = {
    "credential/rsa-2048" = {
      reason   = "The partner moves to its new gateway in January"
      approver = "ciso@example.com"
      until    = "2027-01-31T00:00:00Z"
    }
  }

  certificate = {
    csr = <<-EOT
      -----BEGIN CERTIFICATE REQUEST-----
      MIICVDCCATwCAQAwDzENMAsGA1UEAwwEYWNtZTCCASIwDQYJKoZIhvcNAQEBBQAD
      ggEPADCCAQoCggEBAPipYmbTaFBdW4WKeJ9RJD244vxEg0qJeosetgiDBfsGAh/Y
      t1t0rZlHiIUVJIy+7chG3+ZauPsrpf2rSx71ZU0zMewbBbf8XwIM5Cywg2r4XZxX
      KA/D/aBO4fAW7LNeaIhk66Wovv1M3Eq5p2ZyWjcuG8993C2IWf4PvL0rK0Md+LG9
      lZvJodaYwiz6RjM3/UqlkdWWAcwGocv3u4/7U1TVB2tnQRLtFQq3MFjVYt/nucuA
      a7cnFyrRyNiv7vFyGNFjqzO3Sy4fQ7NGtn6LrZfoaEPFo0ESybmwajoV1gRgcKZo
      pNoKNSPKvfOIkH1+oDI2nRmMkGMEtrQRx+nIgTcCAwEAAaAAMA0GCSqGSIb3DQEB
      CwUAA4IBAQBRFmO842VyLn8MzXsJIuSDScc/EI3p4CH5I0Oc9xbWwVghXqIsTrsm
      PjohSFuBzFLl8EsN21CJakgmCZY7TNgCUGzdK+Z0QZxpw84yDp2Cns87XEN6GFv/
      rernFiKnuUFBvTVvMg+NEZm8sNmaejK/9U5Mn8Vr2Lvrj5FTcIb5UypmjkidQBwm
      4WpI6YnZw1YBDN5dfcCC22JQQLLSs2VIZC+CbWuYEbzGDM8e8YctMsmmsMJIcqhu
      cYNjG9vhsB7dSekAjozmtj1xtf64TUa3TWG/471jpEdnKLQ6ixV4VxvD5+d4A8z9
      B9uAhoOaYlpKiWoC77Ck9OPIMl29s73B
      -----END CERTIFICATE REQUEST-----
    EOT
  }
}

module "acme" {
  source = "./.."

  partner    = "acme"
  owner      = "jane.doe@example.com"
  expires_at = "2027-04-30T00:00:00Z"
  networks   = ["203.0.113.0/24"]
  decisions  = local.decisions

  identities = {
    orders-etl = {
      purpose     = "Nightly order feed into ACME's ERP"
      ceiling     = ["orders/acme/*"]
      certificate = file("${path.module}/keys/acme/orders-etl.csr")

      subcontractors = { allowed = true } # initech works for ACME: initech.tf

      federated = {
        issuer    = "https://login.acme.test"
        subject   = "svc-orders"
        audiences = ["orders.example.com"]
      }

      grants = {
        daily = {
          resource = "orders/acme/daily/*"
          actions  = ["read", "list"]
          purpose  = "Read the daily order files"
        }

        receipts = {
          resource = "orders/acme/receipts/+"
          actions  = ["create"]
          purpose  = "Confirm each file that was imported"
        }
      }
    }

    portal = {
      purpose = "Stock levels in ACME's dealer portal"
      ceiling = ["stock/acme/*"]
      secret  = "age1g4cmkag7wz6v70vmx3zlacnx0ep6x2c4pa348w75gt6t4m97047sq7l5wg"

      grants = {
        levels = {
          resource = "stock/acme/levels/*"
          actions  = ["read"]
          purpose  = "Show stock levels to dealers"
        }
      }
    }

    support = {
      purpose         = "Collect diagnostics from the order hosts"
      ceiling         = ["ssh/diagnose"]
      ssh_certificate = file("${path.module}/keys/acme/support.pub")

      grants = {
        diagnose = {
          resource = "ssh/diagnose"
          actions  = ["login"]
          purpose  = "Log in as diagnose on the order hosts"
        }
      }
    }
  }
}

# The partner renews the root certificates of its own devices: "root" is the name of a folder, not of a login.

resource "partner_identity" "devices" {
  partner    = "acme"
  name       = "device-certs"
  owner      = "jane.doe@example.com"
  purpose    = "Publishes the certificates of the vending machines"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_grant" "root" {
  identity_id = partner_identity.devices.id
  resource    = "certificates/acme/root/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the root certificates of the machines"
  expires_at  = "2027-02-28T00:00:00Z"
}

resource "partner_grant" "sys" {
  identity_id = partner_identity.devices.id
  resource    = "inventory/acme/sys/auth/+"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read which machines know how to authenticate"
  expires_at  = "2027-02-28T00:00:00Z"
}

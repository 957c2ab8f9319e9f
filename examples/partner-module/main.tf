terraform {
  required_version = ">= 1.8" # for the function handover

  required_providers {
    partner = {
      source = "partner-access/partner"
    }
  }
}

locals {
  # One credential for each kind that an identity has: "orders-etl/certificate".
  credentials = merge([
    for name, i in var.identities : {
      for kind in ["federated", "certificate", "ssh_certificate", "secret"] :
      "${name}/${kind}" => { identity = name, kind = kind } if i[kind] != null
    }
  ]...)

  grants = merge([
    for name, i in var.identities : {
      for grant, g in i.grants : "${name}/${grant}" => merge(g, { identity = name, name = grant })
    }
  ]...)

  # What is issued lives for a rotation and its overlap, also if Terraform never runs again.
  rotation = {
    federated       = null
    certificate     = { every = "720h", overlap = "48h" }
    ssh_certificate = { every = "168h", overlap = "24h" }
    secret          = { every = "720h", overlap = "48h" }
  }
}

resource "partner_identity" "this" {
  for_each = var.identities

  partner    = var.partner
  name       = each.key
  owner      = var.owner
  purpose    = each.value.purpose
  expires_at = var.expires_at
  ceiling    = each.value.ceiling
  review     = var.review
  suspended  = var.suspended
}

resource "partner_credential" "this" {
  for_each = local.credentials

  identity_id     = partner_identity.this[each.value.identity].id
  owner           = var.owner
  expires_at      = var.expires_at
  federated       = each.value.kind == "federated" ? var.identities[each.value.identity].federated : null
  certificate     = each.value.kind == "certificate" ? { csr = var.identities[each.value.identity].certificate } : null
  ssh_certificate = each.value.kind == "ssh_certificate" ? { public_key = var.identities[each.value.identity].ssh_certificate } : null
  secret          = each.value.kind == "secret" ? { recipient = var.identities[each.value.identity].secret } : null
  rotation        = local.rotation[each.value.kind]
  allowed_cidrs   = each.value.kind == "federated" ? null : var.networks
}

resource "partner_grant" "this" {
  for_each = local.grants

  identity_id = partner_identity.this[each.value.identity].id
  name        = each.value.name
  resource    = each.value.resource
  actions     = each.value.actions
  owner       = var.owner
  purpose     = each.value.purpose
  expires_at  = var.expires_at
}

terraform {
  required_version = ">= 1.8" # for functions

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

  of = { for key, c in local.credentials : key => var.identities[c.identity] }

  grants = merge([
    for name, i in var.identities : {
      for grant, g in i.grants : "${name}/${grant}" => merge(g, { identity = name, name = grant })
    }
  ]...)

  # What was decided in worksheets on this partner's access, by "orders-etl", "orders-etl/certificate" or "orders-etl/daily". What nobody has
  # decided on ends as declared.
  decided = {
    for id, d in var.decisions : join("/", slice(split("/", id), 2, length(split("/", id)))) => d
    if startswith(id, "${var.partner}/${var.environment != null ? "${var.environment}/" : ""}")
  }

  declared_end = { for name, i in var.identities : name => coalesce(i.expires_at, var.expires_at) }

  # What is issued lives for a rotation and its overlap, also if Terraform never runs again.
  rotation = {
    federated       = null
    certificate     = { every = "720h", overlap = "48h", trigger = null }
    ssh_certificate = { every = "168h", overlap = "24h", trigger = null }
    secret          = { every = "720h", overlap = "48h", trigger = null }
  }
}

resource "partner_identity" "this" {
  for_each = var.identities

  partner        = var.partner
  environment    = var.environment
  name           = each.key
  owner          = coalesce(each.value.owner, var.owner)
  purpose        = each.value.purpose
  expires_at     = coalesce(try(local.decided[each.key].until, null), local.declared_end[each.key])
  ceiling        = each.value.ceiling
  contact        = each.value.contact != null ? each.value.contact : var.contact
  agreement      = each.value.agreement != null ? each.value.agreement : var.agreement
  parent_id      = each.value.parent_id
  subcontractors = each.value.subcontractors
  expected_use   = each.value.expected_use
  review         = contains(keys(local.decided), each.key) ? local.decided[each.key] : each.value.review != null ? each.value.review : var.review
  suspended      = each.value.suspended != null ? each.value.suspended : var.suspended
  hold_released  = each.value.hold_released != null ? each.value.hold_released : var.hold_released
  waivers        = each.value.waivers
}

resource "partner_credential" "this" {
  for_each = local.credentials

  identity_id          = partner_identity.this[each.value.identity].id
  owner                = partner_identity.this[each.value.identity].owner
  expires_at           = provider::partner::earliest(partner_identity.this[each.value.identity].expires_at, coalesce(try(local.decided[each.key].until, null), local.declared_end[each.value.identity]))
  review               = lookup(local.decided, each.key, null)
  federated            = each.value.kind == "federated" ? local.of[each.key].federated : null
  certificate          = each.value.kind == "certificate" ? { csr = local.of[each.key].certificate } : null
  ssh_certificate      = each.value.kind == "ssh_certificate" ? { public_key = local.of[each.key].ssh_certificate } : null
  secret               = each.value.kind == "secret" ? { recipient = local.of[each.key].secret } : null
  rotation             = lookup(local.of[each.key].rotation, each.value.kind, local.rotation[each.value.kind])
  revoke_issued_before = lookup(local.of[each.key].revoke_issued_before, each.value.kind, null)
  allowed_cidrs        = each.value.kind == "federated" ? null : local.of[each.key].networks != null ? local.of[each.key].networks : var.networks
  waivers              = lookup(local.of[each.key].credential_waivers, each.value.kind, null)
}

resource "partner_grant" "this" {
  for_each = local.grants

  identity_id = partner_identity.this[each.value.identity].id
  name        = each.value.name
  resource    = each.value.resource
  actions     = each.value.actions
  owner       = each.value.owner != null ? each.value.owner : partner_identity.this[each.value.identity].owner
  purpose     = each.value.purpose
  expires_at  = provider::partner::earliest(partner_identity.this[each.value.identity].expires_at, coalesce(try(local.decided[each.key].until, null), each.value.expires_at, local.declared_end[each.value.identity]))
  review      = lookup(local.decided, each.key, null)
  waivers     = each.value.waivers
}

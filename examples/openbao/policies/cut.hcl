# What the person on call needs to cut a partner off: to disable, to revoke and to mark it as cut, and nothing that gives access.
#
#     bao read -field=id identity/entity/name/partner/acme/prod/orders-etl &&
#       bao write identity/entity/name/partner/acme/prod/orders-etl disabled=true

path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}

path "identity/entity/name" {
  capabilities = ["list"]
}
path "identity/entity/name/partner/*" {
  capabilities       = ["read", "update"]
  allowed_parameters = { "disabled" = [true, "true"] }
}

# A mark lets a cut last: of a partner, an identity, a credential. It may say nothing but that.
path "sys/policies/acl/partner/+/held" {
  capabilities       = ["create", "update"]
  allowed_parameters = { "policy" = ["# Cut by hand."] }
}
path "sys/policies/acl/partner/+/+/+/held" {
  capabilities       = ["create", "update"]
  allowed_parameters = { "policy" = ["# Cut by hand."] }
}
path "sys/policies/acl/partner/+/+/+/+/held" {
  capabilities       = ["create", "update"]
  allowed_parameters = { "policy" = ["# Cut by hand."] }
}

path "auth/partner-approle/role/+" {
  capabilities = ["delete"]
}
path "auth/partner-approle/role/+/secret-id" {
  capabilities = ["list"]
}
path "auth/partner-approle/role/+/secret-id-accessor/destroy" {
  capabilities = ["create", "update"]
}
path "auth/+/cel/role/+" {
  capabilities = ["delete"]
}
path "auth/partner-cert/certs/+" {
  capabilities = ["delete"]
}
path "partner-pki/certs/detailed" {
  capabilities = ["list"]
}
path "partner-pki/revoke" {
  capabilities = ["create", "update"]
}

# What the person on call needs to cut a partner off: to disable and to revoke, and nothing that gives access.
#
#     bao write identity/entity/name/partner/acme/prod/orders-etl disabled=true

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

# What `terraform apply` needs beside the policy `plan`.
#
# Whoever may write policies and entities can give themselves anything in this namespace: give partner access a namespace of
# its own, and this policy to the pipeline alone.

path "sys/policies/acl/partner/*" {
  capabilities = ["create", "read", "update", "delete"]
}
path "identity/entity/id/+" {
  capabilities = ["create", "read", "update", "delete"]
}
path "identity/entity/name/partner/*" {
  capabilities = ["create", "read", "update", "delete"]
}
path "identity/entity-alias" {
  capabilities = ["create", "update"]
}
path "identity/entity-alias/id/+" {
  capabilities = ["read", "update", "delete"]
}
path "identity/lookup/entity" {
  capabilities = ["create", "update"]
}
path "identity/group/id" {
  capabilities = ["list"]
}
path "identity/group/id/+" {
  capabilities = ["read", "update", "delete"]
}

path "auth/partner-approle/role/+" {
  capabilities = ["create", "read", "update", "delete"]
}
path "auth/partner-approle/role/+/role-id" {
  capabilities = ["create", "read", "update"]
}
path "auth/partner-approle/role/+/custom-secret-id" {
  capabilities = ["create", "update"]
}
path "auth/partner-approle/role/+/secret-id/lookup" {
  capabilities = ["create", "update"]
}
path "auth/partner-approle/role/+/secret-id-accessor/destroy" {
  capabilities = ["create", "update"]
}
path "auth/+/cel/role/+" {
  capabilities = ["create", "read", "update", "delete", "list"]
}
path "auth/partner-cert/certs/+" {
  capabilities = ["create", "read", "update", "delete", "list"]
}
path "auth/partner-cert/crls/+" {
  capabilities = ["create", "read", "update"]
}
path "partner-pki/roles/+" {
  capabilities = ["create", "read", "update", "delete", "list"]
}
path "partner-pki/sign/+" {
  capabilities = ["create", "update"]
}
path "partner-pki/revoke" {
  capabilities = ["create", "update"]
}
path "partner-pki/certs/detailed" {
  capabilities = ["list"]
}

# Roles of a governed name are removed with the identity, on whatever mount. Adopting what nobody declared takes the policies
# from an AppRole or a user: of their settings only these can be written, and only so that they give nothing. A destroy
# removes what was adopted.
path "auth/+/role/+" {
  capabilities = ["read", "update", "delete"]
  allowed_parameters = {
    "token_policies"          = [""]
    "token_no_default_policy" = [true]
  }
}
path "auth/+/users/+" {
  capabilities = ["read", "update", "delete"]
  allowed_parameters = {
    "token_policies"          = [""]
    "token_no_default_policy" = [true]
  }
}

# The ephemeral resource partner_token, a token of an identity for one run, and partner_rehearsal of federated access. Without
# these lines there is none, and what was left of one by a run that was killed is not removed with its identity.
path "auth/token/roles/partner.*" {
  capabilities = ["create", "read", "update", "delete"]
}
path "auth/token/create/partner.*" {
  capabilities = ["create", "update"]
}
path "auth/token/revoke-accessor" {
  capabilities = ["create", "update"]
}

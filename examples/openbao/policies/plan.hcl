# What `terraform plan` needs: it reads, and changes nothing.

path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}

# What is mounted, and what partners hold.
path "sys/auth" {
  capabilities = ["read"]
}
path "sys/mounts" {
  capabilities = ["read"]
}
path "sys/namespaces" {
  capabilities = ["list"]
}
path "sys/policies/detailed/acl/partner" {
  capabilities = ["list"]
}
path "sys/policies/detailed/acl/partner/*" {
  capabilities = ["list"]
}
path "sys/policies/acl/partner/*" {
  capabilities = ["read"]
}
# What no configuration can loosen: who declares access reads it, and cannot change it.
path "sys/policies/acl/partner-access-floor" {
  capabilities = ["read"]
}
path "identity/entity/name/partner/*" {
  capabilities = ["read"]
}

# Who holds an alias that is not where it was: it changes nothing.
path "identity/lookup/entity" {
  capabilities = ["create", "update"]
}

# How they log in. LIST is asked with an empty last segment, which + matches.
path "auth/partner-approle/role/+" {
  capabilities = ["read", "list"]
}
path "auth/partner-approle/role/+/secret-id" {
  capabilities = ["list"]
}
path "auth/partner-approle/role/+/secret-id-accessor/lookup" {
  capabilities = ["create", "update"]
}
path "auth/+/cel/role/+" {
  capabilities = ["read", "list"]
}
path "auth/+/config" {
  capabilities = ["read"]
}
path "auth/partner-cert/certs/+" {
  capabilities = ["read", "list"]
}
path "partner-pki/roles/+" {
  capabilities = ["read", "list"]
}
path "partner-pki/cert/+" {
  capabilities = ["read"]
}
path "partner-pki/issuers/+" {
  capabilities = ["list"]
}
path "partner-pki/issuer/+" {
  capabilities = ["read"]
}
path "partner-pki/issuer/+/json" {
  capabilities = ["read"]
}
path "auth/partner-cert/crls/+" {
  capabilities = ["read", "list"]
}

# What the inventory looks at beside that: whoever else might be a partner's.
path "identity/entity/id/+" {
  capabilities = ["read", "list"]
}
path "identity/entity-alias/id/+" {
  capabilities = ["list"]
}
path "identity/group/id/+" {
  capabilities = ["read", "list"]
}
path "auth/+/role/+" {
  capabilities = ["read", "list"]
}
path "auth/+/role/+/role-id" {
  capabilities = ["read"]
}
path "auth/+/roles/+" {
  capabilities = ["list"]
}
path "auth/+/users/+" {
  capabilities = ["read", "list"]
}
path "auth/+/groups/+" {
  capabilities = ["list"]
}
path "auth/+/certs/+" {
  capabilities = ["list"]
}
path "partner-pki/certs/+" {
  capabilities = ["list"]
}

# What adopting an entity asks: whose logins are asked for a second factor.
path "identity/mfa/login-enforcement/+" {
  capabilities = ["read", "list"]
}

# Many requests as one. It gives nothing that the paths above do not.
path "sys/workflows/manage/partner-bundle" {
  capabilities = ["read"]
}
path "sys/workflows/execute/partner-bundle" {
  capabilities = ["update"]
}

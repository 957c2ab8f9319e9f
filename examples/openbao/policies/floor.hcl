# What the configuration of the floor needs beside the policy `plan`: security's alone, and no pipeline's that declares access.

path "sys/policies/acl/partner-access-floor" {
  capabilities = ["create", "read", "update"]
}

# What the floor was, and which access system this is: every plan reads these with what partners hold.
path "sys/policies/acl/partner/floor" {
  capabilities = ["create", "read", "update"]
}
path "sys/policies/acl/partner/system" {
  capabilities = ["create", "read", "update"]
}

#!/bin/sh
# What an administrator runs once, with BAO_ADDR and BAO_TOKEN set: the mounts that partner access needs, trust in ACME's
# issuer, and the three policies. With bootstrap = true, a provider whose login may do so makes the mounts itself.
set -eu
cd "$(dirname "$0")"
issuer=${1:?usage: setup.sh URL-OF-ACMES-ISSUER}

bao auth enable -path=partner-approle -max-lease-ttl=17568h approle
bao auth tune -user-lockout-disable=true partner-approle # five bad logins by anybody would shut a partner out
bao auth enable -path=partner-cert -max-lease-ttl=17568h cert
bao secrets enable -path=partner-pki -description='Partner access' -max-lease-ttl=87840h pki
bao write -field=serial_number partner-pki/root/generate/internal \
	common_name='Partner access' issuer_name=partner key_type=ec key_bits=256 ttl=87840h

bao auth enable -path=partner-jwt-acme -max-lease-ttl=17568h jwt
bao write auth/partner-jwt-acme/config oidc_discovery_url="$issuer" bound_issuer="$issuer"

for policy in plan apply cut; do
	bao policy write "partner-$policy" "policies/$policy.hcl"
done

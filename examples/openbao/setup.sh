#!/bin/sh
# What an administrator runs, with BAO_ADDR and BAO_TOKEN set: the mounts that partner access needs, trust in ACME's issuer, and
# the three policies. It makes what is missing, so it can be run again. With bootstrap = true, a provider whose login may do so
# makes the mounts itself.
set -eu
cd "$(dirname "$0")"
issuer=${1:?usage: setup.sh URL-OF-ACMES-ISSUER}

# mounted auth|secrets PATH: whether something is mounted there
mounted() {
	there=$(bao "$1" list -format=json)
	case $there in *"\"$2/\":"*) return 0 ;; esac
	return 1
}

mounted auth partner-approle || bao auth enable -path=partner-approle -max-lease-ttl=17568h approle
bao auth tune -user-lockout-disable=true partner-approle # five bad logins by anybody would shut a partner out
mounted auth partner-cert || bao auth enable -path=partner-cert -max-lease-ttl=17568h cert
mounted secrets partner-pki || bao secrets enable -path=partner-pki -description='Partner access' -max-lease-ttl=87840h pki
bao list partner-pki/issuers >/dev/null 2>&1 || # a second authority would be the default then
	bao write -field=serial_number partner-pki/root/generate/internal \
		common_name='Partner access' issuer_name=partner key_type=ec key_bits=256 ttl=87840h

mounted auth partner-jwt-acme || bao auth enable -path=partner-jwt-acme -max-lease-ttl=17568h jwt
bao write auth/partner-jwt-acme/config oidc_discovery_url="$issuer" bound_issuer="$issuer"

for policy in plan apply cut floor; do
	bao policy write "partner-$policy" "policies/$policy.hcl"
done

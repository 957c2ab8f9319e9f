#!/bin/sh
# Cuts a partner, an identity or a credential off by hand, in the folder that this file lies in:
#
#     sh cut.sh PARTNER
#     sh cut.sh PARTNER/ENVIRONMENT/NAME
#     sh cut.sh PARTNER/ENVIRONMENT/NAME/KIND
#
# It needs no key, no state and no Terraform. What was cut before stays cut. In the provider's own directory the cut lasts: a
# file in hold/ is written first. In a gateway's copy it lasts until the next pull.
set -eu
LC_ALL=C
export LC_ALL
unset CDPATH TAR_OPTIONS GZIP # of who calls it
umask 022

fail() {
	echo "cut.sh: $*" >&2
	exit 1
}

what=${1:-}
case $what in
'' | *[!a-z0-9_/-]* | /* | */ | *//*) fail "say what to cut: PARTNER, PARTNER/ENVIRONMENT/NAME or PARTNER/ENVIRONMENT/NAME/KIND" ;;
esac
partner=${what%%/*} of=$what kind=
case $what in
*/*/*/*/*) fail "$what is no id" ;;
*/*/*/*) of=${what%/*} kind=${what##*/} ;;
*/*/*) ;;
*/*) fail "$what is no id" ;;
esac

cd -- "$(dirname -- "$0")"
list=cut/$partner.txt
[ -f policy/hold.json ] && [ -f crl.pem ] && [ -f ssh/revoked_keys ] || fail "$(pwd) is no publication: nothing was cut"
[ -f "$list" ] || fail "nothing of $partner is published in $(pwd): nothing was cut"
awk -v of="$of" -v kind="$kind" '
	$1 == "credential" && kind != "" && $2 == of && $3 == kind { found = 1 }
	$1 == "line" && kind == "" { for (i = 2; i <= NF; i++) if ($i == of || index($i, of "/") == 1) found = 1 }
	END { exit !found }' "$list" || fail "nothing of $what is published in $(pwd): nothing was cut"

if [ -d ../ledger ]; then
	mkdir -p ../hold
	mark=../hold/$(printf %s "$what" | tr / .)
	last=../hold/.last.$$
	cp -p "$mark" "$last" 2>/dev/null || :
	touch "$mark"
	# If the clock has gone back since the last cut, a release of that one would lift this one: what is longer is later.
	if [ -f "$last" ] && [ ! "$mark" -nt "$last" ]; then
		{ printf . >>"$mark" && touch -r "$last" "$mark"; } ||
			echo "cut.sh: the clock is behind the last cut of $what, and ../hold belongs to somebody else: set it, and cut again" >&2
	fi
	rm -f "$last"
fi

# One at a time: whoever publishes waits too, and whoever died here is not waited for.
work=.cutting tries=0
until mkdir "$work" 2>/dev/null; do
	tries=$((tries + 1))
	[ "$tries" -lt 50 ] || rm -rf "$work"
	sleep 0.1 2>/dev/null || sleep 1
done
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

: >.cut-by-hand # whoever publishes next does it anew

# The identities: all that are of a partner or an identity, or hang on one; of a credential its own.
awk -v of="$of" -v kind="$kind" '$1 == "line" {
	hit = $2 == of
	if (kind == "") for (i = 2; i <= NF; i++) if ($i == of || index($i, of "/") == 1) hit = 1
	if (hit) print $2
}' "$list" >"$work/ids"
[ -s "$work/ids" ] || fail "nothing of $what is published in $(pwd): nothing was cut"

# Open Policy Agent: one line for each that is on hold.
awk -v what="$what" '
	released && index($0, "\"" what "/") == 1 { next }
	$0 == "\"" what "\":true," { next }
	{ print }
	index($0, "\"released\":{") { released = 1 }
	index($0, "\"held\":{") { print "\"" what "\":true," }' policy/hold.json >"$work/data.json"
printf '{"rego_version":1,"roots":["partner_hold"]}' >"$work/.manifest"
(cd "$work" && tar -cf hold.tar .manifest data.json && gzip hold.tar)
mv "$work/hold.tar.gz" hold.tar.gz
mv "$work/data.json" policy/hold.json

# Verifiers of certificates: one more signed list for each identity.
if [ -z "$kind" ] || [ "$kind" = certificate ]; then
	cp crl.pem "$work/crl.pem"
	awk 'NR == FNR { ids[$1]; next } $1 == "crl" && $2 in ids {
		print "-----BEGIN X509 CRL-----"
		n = split($3, lines, ",")
		for (i = 1; i <= n; i++) print lines[i]
		print "-----END X509 CRL-----"
	}' "$work/ids" "$list" >>"$work/crl.pem"
	mv "$work/crl.pem" crl.pem
fi

# sshd: one more section of the list, and the lines of the logins.
if [ -z "$kind" ] || [ "$kind" = ssh_certificate ]; then
	cp ssh/revoked_keys "$work/revoked_keys"
	awk 'NR == FNR { ids[$1]; next } $1 == "krl" && $2 in ids { print $3 }' "$work/ids" "$list" >"$work/sections"
	while read -r section; do printf "$section"; done <"$work/sections" >>"$work/revoked_keys"
	mv "$work/revoked_keys" ssh/revoked_keys
	for login in ssh/principals/*; do
		[ -f "$login" ] || continue
		awk 'NR == FNR { ids[$1]; next } !($NF in ids)' "$work/ids" "$login" >"$work/principals"
		cmp -s "$work/principals" "$login" || mv "$work/principals" "$login"
	done
fi
echo "$what is cut in $(pwd)"
[ -d ../hold ] || echo "This is a gateway's copy: the next pull brings it back. Run cut.sh in the provider's directory too."

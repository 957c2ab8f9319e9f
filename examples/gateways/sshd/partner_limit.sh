#!/bin/sh
# Ends the connections to sshd that are older than some seconds, of some logins:
#
#     partner_limit.sh 3600 diagnose deploy exchange
#
# sshd looks at a certificate when a connection begins. In one that is kept open, sessions can be started later, also after the
# end of the certificate or of the grant, and after a cut. This bounds for how long. With 0 it ends all of these connections now.
# It fails if it cannot look, as without the ps of procps, or if it cannot end one.
set -eu

wrong() {
	echo "partner_limit.sh: $1: write partner_limit.sh SECONDS LOGIN..." >&2
	exit 2
}

case ${1-} in
'' | *[!0-9]*) wrong "\"${1-}\" is no number of seconds" ;;
esac
[ $# -gt 1 ] || wrong "no login is named"
seconds=$1
shift

running=$(ps -e -ww -o pid= -o etimes= -o args=)
failed=0
for login; do
	old=$(printf '%s\n' "$running" | awk -v seconds="$seconds" -v login="$login" \
		'$2 + 0 >= seconds + 0 && $3 ~ /^sshd(-session)?:$/ && ($4 == login || index($4, login "@") == 1) { print $1 }')
	for pid in $old; do
		kill "$pid" 2>/dev/null && continue
		if ps -p "$pid" >/dev/null; then # else it has ended meanwhile
			echo "partner_limit.sh: process $pid of $login cannot be ended" >&2
			failed=1
		fi
	done
done
exit "$failed"

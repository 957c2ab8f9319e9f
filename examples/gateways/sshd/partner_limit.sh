#!/bin/sh
# Ends the connections to sshd that are older than some seconds, of some logins:
#
#     partner_limit.sh 3600 diagnose deploy exchange
#
# sshd looks at a certificate when a connection begins. In one that is kept open, sessions can be started later, also after the
# end of the certificate or of the grant, and after a cut. This bounds for how long. With 0 it ends all of these connections now.
set -eu
seconds=$1
shift
for login; do
	ps -e -ww -o pid= -o etimes= -o args= | awk -v seconds="$seconds" -v login="$login" \
		'$2 >= seconds && $3 ~ /^sshd(-session)?:$/ && ($4 == login || index($4, login "@") == 1) { print $1 }'
done | xargs -r kill || : # one that has ended meanwhile

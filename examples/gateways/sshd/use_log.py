#!/usr/bin/env python3
"""Writes the logins of partners as lines for embedded.use_logs.

    journalctl --identifier=sshd --identifier=sshd-session --output=json --lines=all --follow |
        use_log.py /srv/partner/publish/ssh/ca.pub >>/var/log/partner/sshd.jsonl

Only logins count whose certificate is of this authority: another one that the server trusts may sign any name. Whatever else sshd
logs becomes one line an hour that admits nobody. That tells the provider that the log has not stopped.

When it starts, it writes all that the journal holds (--lines=all), also of the time when it did not run. A line that is there twice
counts once.
"""
import base64
import datetime
import hashlib
import json
import re
import sys

# What sshd logs of a login by certificate: the id that was signed, and last the authority that signed it.
ACCEPTED = re.compile(
    r"Accepted publickey for \S+ from \S+ port \d+ ssh2: \S+-CERT SHA256:\S+ "
    r"ID (?P<id>[a-z0-9/-]+) \(serial \d+\) CA \S+ (?P<authority>SHA256:\S+)"
)


def fingerprint(path):
    with open(path, encoding="ascii") as file:
        blob = base64.b64decode(file.read().split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def write(at, **login):
    use = {"time": at.isoformat().replace("+00:00", "Z"), **login, "kind": "ssh_certificate", "admitted": bool(login)}
    print(json.dumps(use), flush=True)


def main(authority_file):
    authority = fingerprint(authority_file)
    hour = None
    for line in sys.stdin.buffer:
        try:
            entry = json.loads(line)
            login = ACCEPTED.fullmatch(entry["MESSAGE"])
            at = datetime.datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) // 1_000_000, datetime.timezone.utc)
        except (KeyError, TypeError, ValueError):  # no line of the journal, or none of text
            continue
        if login and login["authority"] == authority:
            write(at, identity=login["id"])
        elif hour != (at.date(), at.hour):
            hour = (at.date(), at.hour)
            write(at)


main(sys.argv[1])

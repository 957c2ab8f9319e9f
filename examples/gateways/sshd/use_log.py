#!/usr/bin/env python3
"""Writes the logins of partners as lines for embedded.use_logs.

    journalctl --identifier=sshd --identifier=sshd-session --output=json --lines=all --follow |
        use_log.py /srv/partner/publish/ssh/ca.pub /var/log/partner/sshd.jsonl

Only logins count whose certificate is of this authority: another one that the server trusts may sign any name. Only root's lines count:
whoever may run a command can write to the journal and call himself sshd. Whatever else sshd logs becomes one line an hour that admits
nobody. That tells the provider that the log has not stopped.

When it starts, it reads all that the journal holds (--lines=all), and writes what its log lacks: also what came while it did not run.
It looks into the files of before a rotation, too (sshd.jsonl.1), unless they are compressed. A line that is there twice counts once.
"""
import base64
import datetime
import glob
import hashlib
import json
import os
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


def lines_of(log):
    """Returns what the files of a log hold. No character of its name is a wildcard."""
    lines = set()
    for path in glob.glob(glob.escape(log) + "*"):
        if not os.path.isfile(path) or path.endswith(".gz"):
            continue
        try:
            with open(path, "rb") as file:
                lines.update(line.rstrip() for line in file)
        except OSError as error:  # a line that is there twice counts once
            print(error, file=sys.stderr)
    return lines


def entry_of(at, **login):
    use = {"time": at.isoformat().replace("+00:00", "Z"), **login, "kind": "ssh_certificate", "admitted": bool(login)}
    return json.dumps(use).encode("ascii")


def main(authority_file, log):
    authority = fingerprint(authority_file)
    written, hour = lines_of(log), None
    before = b"\n"  # ends a line that was torn, when the machine went down
    for line in sys.stdin.buffer:
        try:
            entry = json.loads(line)
            if entry["_UID"] != "0":  # whose process wrote it, says the kernel
                continue
            login = ACCEPTED.fullmatch(entry["MESSAGE"])
            at = datetime.datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) // 1_000_000, datetime.timezone.utc)
        except (KeyError, TypeError, ValueError):  # no line of the journal, or none of text
            continue
        if login and login["authority"] == authority:
            use = entry_of(at, identity=login["id"])
        elif hour != (at.date(), at.hour):
            hour = (at.date(), at.hour)
            use = entry_of(at)
        else:
            continue
        if use not in written:
            with open(log, "ab") as file:  # by its name each time, so that it may be renamed in between
                file.write(before + use + b"\n")
            before = b""


if len(sys.argv) != 3:
    sys.exit("use_log.py: write use_log.py CA.pub LOG: it writes into LOG itself, and nothing to its output")
main(*sys.argv[1:])

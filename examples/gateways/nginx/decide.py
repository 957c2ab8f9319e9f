#!/usr/bin/env python3
"""Answers nginx's auth_request: asks OPA, and says 200 for what it allows and 403 for everything else.

Runs beside nginx and OPA on the gateway, as a user without rights. Needs nothing but Python 3.7.
"""
import http.server
import json
import os
import urllib.request

OPA = os.environ.get("OPA_URL", "http://127.0.0.1:8181/v1/data/partner/verdict")
PORT = int(os.environ.get("DECIDE_PORT", "9090"))
# The actions of your grants. A method that is not named here is refused.
ACTIONS = {"GET": "read", "HEAD": "read", "PUT": "write", "POST": "write", "DELETE": "delete"}


def allowed(headers):
    question = {
        "credential": {"certificate": {"serial": headers["X-Serial"]}},
        "action": ACTIONS[headers["X-Method"]],
        # Python reads headers as Latin-1, and paths are UTF-8: what is not is refused, since it means nothing to OPA.
        "path": headers["X-Path"].encode("latin-1").decode("utf-8").lstrip("/"),
        "ip": headers["X-Ip"],
    }
    request = urllib.request.Request(OPA, json.dumps({"input": question}).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)["result"]["allow"] is True


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            status = 200 if allowed(self.headers) else 403
        except Exception as problem:  # OPA is away, or the request is not one of ours: nobody is let in
            self.log_error("refused: %r", problem)
            status = 403
        self.send_response(status)
        self.end_headers()

    do_HEAD = do_GET

    def log_request(self, *ignored):
        pass  # OPA's decision log tells


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()

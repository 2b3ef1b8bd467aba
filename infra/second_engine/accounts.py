"""Two ShipStation accounts in front of one sandbox.

The key selects the account. The second account has the same orders under the same ids, but stores, e-mail addresses and
names of its own. ShipStation does not exclude two accounts with equal ids.
"""

import base64
import http.client
import http.server
import re
import threading

FIRST = ("sandbox-key", "sandbox-secret")
SECOND = ("second-key", "second-secret")
# Stores of the sandbox have ids from 310101 to 310105.
STORES = re.compile(rb"\b3101(0\d)\b")
ADDRESSES = re.compile(rb"@([a-z])")


def authorization(credentials):
    return "Basic " + base64.b64encode(":".join(credentials).encode()).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    """Forwards a request to the sandbox, and returns the answer with the values of the key's account."""

    protocol_version = "HTTP/1.1"
    sandbox = 0

    def relay(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection", "accept-encoding")}
        second = headers.get("Authorization", headers.get("authorization")) == authorization(SECOND)
        path = self.path
        if second:
            headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            headers["Authorization"] = authorization(FIRST)
            path = re.sub(r"\b9101(0\d)\b", r"3101\1", path)
        connection = http.client.HTTPConnection("127.0.0.1", self.sandbox, timeout=30)
        connection.request(self.command, path, body=body or None, headers=headers)
        reply = connection.getresponse()
        answer = reply.read()
        if second:
            answer = ADDRESSES.sub(rb"@second-\1", STORES.sub(rb"9101\1", answer))
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        connection.close()

    do_GET = do_POST = do_PUT = do_DELETE = relay

    def log_message(self, *_arguments):
        """Requests are counted by the sandbox."""


def serve(port, sandbox):
    """Starts the accounts on `port`, in front of the sandbox on port `sandbox`."""
    handler = type("AccountsHandler", (Handler,), {"sandbox": sandbox})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server

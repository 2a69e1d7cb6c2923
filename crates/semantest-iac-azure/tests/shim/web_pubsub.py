"""Stands in for Web PubSub's data plane: keeps what it is asked, checks tokens, and knows one connection, `there`.

usage: python web_pubsub.py <access key>; prints its port. GET /asked tells what was asked.
"""
import base64
import hashlib
import hmac
import http.server
import json
import sys
import threading
import time
import urllib.parse

KEY = sys.argv[1].encode()
ASKED = []


def is_authorized(header, urls):
    """A token (JSON Web Token, HS256) for this very address, with its query or without."""
    text, _, signature = header.removeprefix("Bearer ").rpartition(".")

    def decoded(part):
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    wanted = hmac.new(KEY, text.encode(), hashlib.sha256).digest()
    claims = json.loads(decoded(text.split(".")[1]))
    fresh = claims["exp"] > time.time()
    return hmac.compare_digest(decoded(signature), wanted) and claims["aud"] in urls and fresh


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        if self.path == "/asked":
            return self.send(200, json.dumps(ASKED).encode())
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        url = urllib.parse.urlsplit("http://%s%s" % (self.headers["host"], self.path))
        urls = (url.geturl(), url._replace(query="").geturl())
        if not is_authorized(self.headers.get("authorization", ".."), urls):
            return self.send(401, b"")
        query = dict(urllib.parse.parse_qsl(url.query))
        ASKED.append({
            "method": self.command,
            "path": url.path,
            "query": sorted(query),
            "type": self.headers.get("content-type"),
            "body": list(body),
        })
        if "/connections/there" not in url.path:
            return self.send(404, b"")
        return self.send({"POST": 202, "DELETE": 204}.get(self.command, 200), b"")

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

    def send(self, status, body):
        self.send_response_only(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()

"""HTTP: requests read, answers written; and the storage behind signed addresses."""

import hashlib
import json
import urllib.parse
from http.server import BaseHTTPRequestHandler

from tests.loopback_hub.state import Refusal


class Handler(BaseHTTPRequestHandler):
    """Reads a request, answers with a body or a refusal."""

    protocol_version = "HTTP/1.1"

    def handle_any(self):
        self.hub, self.body = self.server.hub, self.read_body()
        self.hub.log.append((self.command, self.path))
        self.url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(self.url.query))
        try:
            with self.hub.lock:
                self.hub.refuse_by_fault(self.command, self.path)
                answer = self.route()
        except Refusal as refusal:
            answer = (refusal.status, refusal.body, refusal.headers)
        self.reply(*answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any

    def read_body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def reply(self, status, body=b"", headers=()):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **dict(headers)}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_):
        """Keep the tests' output clean."""


class StorageHandler(Handler):
    """Objects behind signed addresses."""

    def route(self):
        sha = self.url.path.strip("/")
        if self.headers.get("Authorization"):
            raise Refusal(400, "Only one auth mechanism allowed")
        if self.query.get("key") != self.hub.key:
            raise Refusal(403, "SignatureDoesNotMatch")
        if self.command == "PUT":
            if hashlib.sha256(self.body).hexdigest() != sha:
                raise Refusal(400, "BadDigest")
            self.hub.put(self.body)
            return 200, b"", {}
        return 200, self.hub.content(sha), {"ETag": f'"{sha}"'}

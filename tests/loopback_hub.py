"""A Hugging Face Hub on the loopback interface: enough of its protocol for the genuine client to download a model."""

import contextlib
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = hashlib.sha1(b"the only commit").hexdigest()
NAME = r"([\w.-]+/[\w.-]+)"


@contextlib.contextmanager
def loopback_hub(repositories):
    """Serve folders as repositories, {"user/name": folder}; gives the address for HF_ENDPOINT."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.repositories = repositories
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """Answers what the client asks: information, list of files, files."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.split("?")[0]
        for pattern, answer in (
            (rf"/api/models/{NAME}(?:/revision/([\w.-]+))?", self.info),
            (rf"/api/models/{NAME}/tree/([\w.-]+)", self.tree),
            (rf"/{NAME}/resolve/([\w.-]+)/(.+)", self.file),
        ):
            if found := re.fullmatch(pattern, path):
                return answer(*found.groups())
        return self.reply(404, b"not found")

    do_HEAD = do_GET

    def folder(self, repository, revision):
        """Return the folder of a repository, or answer with the Hub's error and return None."""
        missing = None
        if repository not in self.server.repositories:
            missing = "RepoNotFound"
        elif revision not in (None, "main", COMMIT):
            missing = "RevisionNotFound"
        if missing is None:
            return self.server.repositories[repository]
        self.reply(404, b"{}", {"X-Error-Code": missing, "X-Error-Message": missing})
        return None

    def info(self, repository, revision):
        if folder := self.folder(repository, revision):
            files = [{"rfilename": path.name} for path in sorted(folder.iterdir())]
            self.reply_json({"id": repository, "sha": COMMIT, "private": False, "siblings": files, "tags": []})

    def tree(self, repository, revision):
        if folder := self.folder(repository, revision):
            files = [(path, path.read_bytes()) for path in sorted(folder.iterdir())]
            self.reply_json([{"type": "file", "path": p.name, "size": len(c), "oid": digest(c)} for p, c in files])

    def file(self, repository, revision, name):
        if folder := self.folder(repository, revision):
            if not (folder / name).is_file():
                return self.reply(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
            content = (folder / name).read_bytes()
            self.reply(200, content, {"ETag": f'"{digest(content)}"', "X-Repo-Commit": COMMIT})
        return None

    def reply_json(self, body):
        self.reply(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def reply(self, status, body, headers=()):
        self.send_response(status)
        for name, value in {**dict(headers), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        """Keep the tests' output clean."""


def digest(content):
    return hashlib.sha1(content).hexdigest()

"""What the loopback Hub stores: objects by their hash, repositories with commits, a log of requests, planned faults."""

import fnmatch
import hashlib
import json
import re
import secrets
import struct
import threading
from pathlib import Path

LFS = ("*.ckpt", "*.safetensors", "*.bin", "*.gz", "*.h5", "*.npy", "*.npz", "*.parquet", "*.pt", "*.tar", "*.zip")
GITATTRIBUTES = "".join(f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in LFS).encode()


def git_oid(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def xet_hashes(cas):
    """{sha256: xet hash} of the files that the shards below a folder describe: records of 48 bytes."""
    found = {}
    for content in (path.read_bytes() for path in Path(cas).rglob("shards/*.mdb")):
        at = 48
        while at + 48 <= len(content) and (digest := content[at : at + 32]) != b"\xff" * 32:
            flags, segments = struct.unpack_from("<II", content, at + 32)
            at += 48 + 48 * segments * (2 if flags >> 31 & 1 else 1)
            if flags >> 30 & 1:
                found[_hexadecimal(content[at : at + 32])] = _hexadecimal(digest)
                at += 48
    return found


def _hexadecimal(digest):
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", digest))


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status, message, code=None, body=None, **headers):
        super().__init__(message)
        self.status, self.body = status, body or {"error": message}
        self.headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {}), **headers}


class Repository:
    """Commits (each a tree of entries), branches and tags."""

    def __init__(self, name, private):
        self.name, self.private, self.gated = name, private, False
        self.commits, self.branches, self.tags, self.proposals = {}, {}, {}, 0

    def commit(self, branch, tree, message):
        seed = json.dumps([self.name, tree, message, len(self.commits)], sort_keys=True)
        commit = hashlib.sha1(seed.encode()).hexdigest()
        self.commits[commit], self.branches[branch] = tree, commit
        return commit

    def resolve(self, revision):
        for commit in (self.branches.get(revision), self.tags.get(revision), revision):
            if commit in self.commits:
                return commit
        raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")


class Hub:
    """What the two listeners share: content by its hash, repositories, a log of requests, faults to come."""

    def __init__(self, folder, tokens, xet):
        self.objects, self.tokens = folder / "objects", tokens
        self.objects.mkdir()
        self.cas = folder / "cas" if xet else None
        if xet:
            self.cas.mkdir()
        self.repositories, self.log, self.faults = {}, [], []
        self.lock, self.key = threading.RLock(), secrets.token_hex(8)
        self.url = self.storage_url = ""

    def create(self, kind, name, private):
        self.repositories[kind, name] = Repository(name, private)
        self.add(name, {".gitattributes": GITATTRIBUTES}, kind=kind)

    def add(self, name, contents, kind="model", branch="main"):
        """Commit files, as somebody else might."""
        repository = self.repositories[kind, name]
        tree = dict(repository.commits.get(repository.branches.get(branch), {}))
        for path, content in contents.items():
            tree[path] = self.entry(self.put(content), len(content), is_lfs(path, content, len(content)))
        return repository.commit(branch, tree, "by hand")

    def fail(self, method, pattern, status=503, times=1):
        """Let the next requests that match answer with an error."""
        self.faults.append({"method": method, "pattern": pattern, "status": status, "times": times})

    def refuse_by_fault(self, method, path):
        for fault in self.faults:
            if fault["times"] and fault["method"] == method and re.search(fault["pattern"], path):
                fault["times"] -= 1
                raise Refusal(fault["status"], "a fault that was asked for")

    def writes(self):
        """Requests so far that change something."""
        reading = ("/preupload/", "/paths-info/", "/objects/batch", "/api/validate-yaml", "-token/")
        return [
            (method, path)
            for method, path in self.log
            if method not in ("GET", "HEAD") and not any(part in path for part in reading)
        ]

    def put(self, content):
        sha = hashlib.sha256(content).hexdigest()
        (self.objects / sha).write_bytes(content)
        return sha

    def entry(self, sha, size, lfs):
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha}\nsize {size}\n".encode()
        return {"sha": sha, "size": size, "lfs": lfs, "oid": git_oid(pointer if lfs else self.content(sha))}

    def content(self, sha):
        return (self.objects / sha).read_bytes()

    def has(self, sha):
        return (self.objects / sha).exists() or (self.cas is not None and sha in xet_hashes(self.cas))


def is_lfs(path, content, size):
    name = path.rsplit("/", 1)[-1]
    return size > 10_000_000 or b"\0" in content[:512] or any(fnmatch.fnmatch(name, pattern) for pattern in LFS)

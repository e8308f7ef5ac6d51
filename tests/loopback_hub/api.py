"""The routes of the Hub that its client calls."""

import base64
import io
import json
import re
import time
import urllib.parse

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tests.loopback_hub.handlers import Handler
from tests.loopback_hub.state import Refusal, is_lfs, xet_hashes

LICENSES = ("apache-2.0", "mit", "cc-by-4.0", "cc0-1.0", "other")
NAME = r"(?P<name>[^/]+/[^/]+)"
REPO = rf"/api/(?P<kind>model|dataset)s/{NAME}"
GIT = rf"/(?:(?P<kind>dataset)s/)?{NAME}"
REV = r"(?P<revision>[^/]+)"
ROUTES = [
    ("GET", r"/api/whoami-v2", "whoami"),
    ("POST", r"/api/validate-yaml", "validate"),
    ("POST", r"/api/repos/create", "create"),
    ("GET", REPO, "info"),
    ("GET", rf"{REPO}/revision/{REV}", "info"),
    ("GET", rf"{REPO}/auth-check/write", "may_write"),
    ("GET", rf"{REPO}/refs", "refs"),
    ("GET", rf"{REPO}/tree/{REV}", "tree"),
    ("POST", rf"{REPO}/preupload/{REV}", "preupload"),
    ("POST", rf"{REPO}/commit/{REV}", "commit"),
    ("POST", rf"{REPO}/tag/{REV}", "tag"),
    ("POST", rf"{REPO}/branch/{REV}", "branch"),
    ("GET", rf"{REPO}/xet-(?P<mode>read|write)-token/{REV}", "xet_token"),
    ("GET", rf"/api/resolve-cache/(?P<kind>model|dataset)s/{NAME}/{REV}/(?P<path>.+)", "cached"),
    ("POST", rf"{GIT}\.git/info/lfs/objects/batch", "lfs"),
    ("POST", rf"{GIT}\.git/info/lfs/verify", "lfs_verify"),
    ("GET", rf"{GIT}/resolve/{REV}/(?P<path>.+)", "file"),
]


class HubHandler(Handler):
    """The API."""

    def route(self):
        self.user = self.role = None
        if authorization := self.headers.get("Authorization"):
            who = self.hub.tokens.get(authorization.removeprefix("Bearer "))
            if who is None:
                raise Refusal(401, "Invalid credentials in Authorization header")
            self.user, self.role = who
        method = "GET" if self.command == "HEAD" else self.command
        for known, pattern, name in ROUTES:
            if known == method and (found := re.fullmatch(pattern, self.url.path)):
                parts = {key: urllib.parse.unquote(part) for key, part in found.groupdict().items() if part}
                return getattr(self, "on_" + name)(**parts)
        raise Refusal(404, "Not Found")

    @property
    def json(self):
        return json.loads(self.body or b"{}")

    def owns(self, namespace):
        return self.user == "owner" or (self.user and namespace in (self.user, "group" if self.user == "user" else ""))

    def repository(self, name, kind="model", write=False):
        repository, mine = self.hub.repositories.get((kind, name)), self.owns(name.split("/")[0])
        if repository is None or (repository.private and not mine):
            raise Refusal(404 if self.user else 401, "Repository not found", "RepoNotFound")
        if write and (self.role != "write" or not mine) and not self.query.get("create_pr"):
            raise Refusal(403, f"Forbidden: you must use a write token for {name}")
        return repository

    def tree_at(self, name, kind, revision):
        repository = self.repository(name, kind)
        if repository.gated and not self.owns(name.split("/")[0]):
            raise Refusal(403, f"Access to model {name} is restricted.", "GatedRepo")
        commit = repository.resolve(revision)
        return repository, commit, repository.commits[commit]

    def on_whoami(self):
        if self.user is None:
            raise Refusal(401, "Invalid username or password.")
        groups = [{"name": "group", "type": "org"}] if self.user == "user" else []
        access = {"accessToken": {"displayName": "loopback", "role": self.role}}
        return 200, {"type": "user", "name": self.user, "orgs": groups, "auth": access}, {}

    def on_validate(self):
        found = re.match(r"---\n(.*?)\n---\n", self.json["content"], re.DOTALL)
        try:
            front = YAML(typ="safe").load(io.StringIO(found[1] if found else ""))
            errors = [] if front and front.get("license") in LICENSES else [f'"license" must be one of {LICENSES}']
        except YAMLError as error:
            errors = [f"Invalid YAML: {error}"]
        body = {"errors": [{"message": error} for error in errors], "warnings": []}
        return (400 if errors else 200), body, {}

    def on_create(self):
        wanted = self.json
        kind, owner = wanted.get("type") or "model", wanted.get("organization") or self.user
        name = f"{owner}/{wanted['name']}"
        url = f"{self.hub.url}/{'' if kind == 'model' else kind + 's/'}{name}"
        if self.role != "write" or not self.owns(owner):
            raise Refusal(403, f"You don't have the rights to create a {kind} under this namespace")
        if (kind, name) in self.hub.repositories:
            raise Refusal(409, "You already created this repo", body={"error": "already created", "url": url})
        self.hub.create(kind, name, wanted.get("visibility") == "private" or bool(wanted.get("private")))
        return 200, {"url": url, "id": name, "name": name}, {}

    def on_info(self, name, kind, revision="main"):
        repository, commit, tree = self.tree_at(name, kind, revision)
        files = [{"rfilename": path} for path in sorted(tree)]
        return 200, {"id": name, "sha": commit, "private": repository.private, "siblings": files, "tags": []}, {}

    def on_may_write(self, name, kind):
        self.repository(name, kind, write=True)
        return 200, {}, {}

    def on_refs(self, name, kind):
        repository = self.repository(name, kind)
        branches, tags = (
            [{"name": ref, "ref": f"refs/{what}/{ref}", "targetCommit": commit} for ref, commit in refs.items()]
            for what, refs in (("heads", repository.branches), ("tags", repository.tags))
        )
        return 200, {"branches": branches, "tags": tags, "converts": []}, {}

    def on_tree(self, name, kind, revision):
        _, commit, tree = self.tree_at(name, kind, revision)
        rows = []
        for path, entry in sorted(tree.items()):
            lfs = {"oid": entry["sha"], "size": entry["size"], "pointerSize": 134}
            row = {"type": "file", "path": path, "size": entry["size"], "oid": entry["oid"]}
            rows.append(row | ({"lfs": lfs} if entry["lfs"] else {}))
        start, page = int(self.query.get("cursor", 0)), 1000
        query = urllib.parse.urlencode(self.query | {"cursor": start + page})
        link = {"Link": f'<{self.hub.url}{self.url.path}?{query}>; rel="next"'} if start + page < len(rows) else {}
        return 200, rows[start : start + page], {"X-Repo-Commit": commit, **link}

    def on_file(self, name, revision, path, kind="model"):
        _, commit, tree = self.tree_at(name, kind, revision)
        if path not in tree:
            raise Refusal(404, "Entry not found", "EntryNotFound", **{"X-Repo-Commit": commit})
        entry = tree[path]
        etag = entry["sha"] if entry["lfs"] else entry["oid"]
        headers = {"X-Repo-Commit": commit, "X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(entry["size"])}
        if not entry["lfs"]:
            quoted = urllib.parse.quote(path, safe="")
            return 307, b"", headers | {"Location": f"/api/resolve-cache/{kind}s/{name}/{commit}/{quoted}"}
        headers["Location"] = f"{self.hub.storage_url}/{entry['sha']}?key={self.hub.key}"
        if self.hub.cas and (xet := xet_hashes(self.hub.cas).get(entry["sha"])):
            token = f"{self.hub.url}/api/{kind}s/{name}/xet-read-token/{commit}"
            headers |= {"X-Xet-Hash": xet, "Link": f'<{token}>; rel="xet-auth"'}
        return 302, b"", headers

    def on_cached(self, name, kind, revision, path):
        _, commit, tree = self.tree_at(name, kind, revision)
        entry = tree[path]
        content = self.hub.content(entry["sha"])
        return 200, content, {"X-Repo-Commit": commit, "ETag": f'"{entry["oid"]}"'}

    def on_preupload(self, name, kind, revision):
        repository = self.repository(name, kind, write=True)
        tree = repository.commits[repository.resolve(revision)]
        files = []
        for file in self.json["files"]:
            lfs = is_lfs(file["path"], base64.b64decode(file["sample"]), file["size"])
            entry = tree.get(file["path"])
            oid = entry and entry["sha" if entry["lfs"] else "oid"]
            mode = {"uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False, "oid": oid}
            files.append({"path": file["path"], **mode})
        return 200, {"files": files}, {}

    def on_lfs(self, name, kind="model"):
        self.repository(name, kind)
        objects = []
        for wanted in self.json["objects"]:
            actions = {
                "upload": {"href": f"{self.hub.storage_url}/{wanted['oid']}?key={self.hub.key}"},
                "verify": {"href": f"{self.hub.url}{self.url.path.replace('objects/batch', 'verify')}"},
            }
            objects.append(wanted if self.hub.has(wanted["oid"]) else wanted | {"actions": actions})
        return 200, {"transfer": "basic", "objects": objects}, {}

    def on_lfs_verify(self, name, kind="model"):
        if not self.hub.has(self.json["oid"]):
            raise Refusal(404, "object was not uploaded")
        return 200, {}, {}

    def on_xet_token(self, name, kind, revision, mode):
        self.repository(name, kind, write=mode == "write")
        if self.hub.cas is None:
            raise Refusal(404, "no Xet storage here")
        where, until = f"local://{self.hub.cas}", int(time.time()) + 3600
        headers = {"X-Xet-Cas-Url": where, "X-Xet-Access-Token": "xet", "X-Xet-Token-Expiration": str(until)}
        return 200, {"casUrl": where, "accessToken": "xet", "exp": until}, headers

    def on_commit(self, name, kind, revision):
        repository = self.repository(name, kind, write=True)
        base = repository.resolve(revision)
        lines = [json.loads(line) for line in self.body.splitlines() if line.strip()]
        head, tree = lines[0]["value"], dict(repository.commits[base])
        if head.get("parentCommit") not in (None, base):
            raise Refusal(412, "A commit has happened since. Please refresh and try again.")
        for line in lines[1:]:
            self.apply(tree, line["key"], line["value"])
        done = {"success": True}
        if self.query.get("create_pr"):
            repository.proposals += 1
            revision = f"refs/pr/{repository.proposals}"
            done["pullRequestUrl"] = f"{self.hub.url}/{name}/discussions/{repository.proposals}"
        commit = repository.commit(revision, tree, head["summary"])
        return 200, done | {"commitOid": commit, "commitUrl": f"{self.hub.url}/{name}/commit/{commit}"}, {}

    def apply(self, tree, operation, value):
        if operation == "file":
            content = base64.b64decode(value["content"])
            tree[value["path"]] = self.hub.entry(self.hub.put(content), len(content), lfs=False)
        elif operation == "lfsFile":
            if not self.hub.has(value["oid"]):
                raise Refusal(400, f"LFS pointer {value['oid']} points to a file that does not exist")
            tree[value["path"]] = self.hub.entry(value["oid"], value["size"], lfs=True)
        else:
            raise Refusal(400, f"unknown operation {operation}")

    def on_tag(self, name, kind, revision):
        repository = self.repository(name, kind, write=True)
        if self.json["tag"] in repository.tags:
            raise Refusal(409, "Tag already exists")
        repository.tags[self.json["tag"]] = repository.resolve(revision)
        return 200, {}, {}

    def on_branch(self, name, kind, revision):
        repository = self.repository(name, kind, write=True)
        if revision in repository.branches:
            raise Refusal(409, "Reference already exists")
        repository.branches[revision] = repository.resolve(self.json.get("startingPoint") or "main")
        return 200, {}, {}

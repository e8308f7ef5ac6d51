"""Upload files to the Hub: check before the first byte, send only what differs, load back after the last."""

import functools
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import CommitInfo, CommitOperationAdd, HfApi, ModelCard, hf_hub_download
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile

import nmr_speech
from nmr_speech.checks import InputError, printable, quoted
from nmr_speech.hub.fetch import LOG_IN, REPOSITORY, hub_errors
from nmr_speech.publish.card import pinned, pinned_commit
from nmr_speech.publish.fit import refuse_links

CARD = "README.md"
Files = Mapping[str, Path | bytes]
Say = Callable[[str], Any]
FILES_PER_COMMIT = 200
"""The Hub times out on commits of thousands of files, and an interruption loses at most one commit."""


@dataclass(frozen=True)
class Target:
    """Where to publish.

    Arguments
    ---------
    repository : str
        ``user/name``.
    kind : str
        "model" or "dataset".
    revision : str
        Branch; created if it does not exist.
    private : bool
        Whether a new repository is private; an existing one is not changed.
    tag : str | None
        Tag for the commit, set after it was loaded back.
    create_pr : bool
        Open a pull request, for a repository without write access.

    Example
    -------
    >>> Target("amino")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: the repository must be user/name, got 'amino'
    """

    repository: str
    kind: str = "model"
    revision: str = "main"
    private: bool = False
    tag: str | None = None
    create_pr: bool = False

    def __post_init__(self) -> None:
        if not REPOSITORY.fullmatch(self.repository):
            raise InputError(f"the repository must be user/name, got {quoted(self.repository)}")
        if self.create_pr and self.tag:
            raise InputError("`tag` must be left out with `create_pr`: a proposal cannot be tagged before it is merged")

    @property
    def where(self) -> dict[str, Any]:
        """Keyword arguments of the Hub's client."""
        return {"repo_id": self.repository, "repo_type": self.kind}


@dataclass(frozen=True)
class Difference:
    """What an upload would change.

    Arguments
    ---------
    new, changed, same : list[str]
        Names of local files that the Hub lacks, holds otherwise, or holds.
    there_only : list[str]
        Files that only the Hub holds; they stay.
    size : int
        Bytes to send.
    head : str | None
        Commit of the Hub's branch; None without repository or branch.

    Example
    -------
    >>> print(*Difference(["LICENSE"], [], ["README.md"], [], 11358, None).lines(), sep=chr(10))
    new      LICENSE
    same     README.md
    to upload: 1 files, 11358 bytes
    """

    new: list[str]
    changed: list[str]
    same: list[str]
    there_only: list[str]
    size: int
    head: str | None

    @property
    def to_send(self) -> list[str]:
        """Names of the files that are new or changed."""
        return self.new + self.changed

    def lines(self) -> Iterator[str]:
        """Return the report for the user, one file a line."""
        for word in ("new", "changed", "same"):
            yield from (f"{word:8} {name}" for name in getattr(self, word))
        yield from (f"{'stays':8} {name} (on the Hub alone)" for name in self.there_only)
        yield f"to upload: {len(self.to_send)} files, {self.size} bytes"


def difference(files: Files, target: Target) -> Difference:
    """Compare files with those on the Hub; nothing is changed there.

    Arguments
    ---------
    files : Mapping[str, Path | bytes]
        Name in the repository to local file, or content.
    target : Target
        Where they would be published.

    Returns
    -------
    Difference
    """
    there: dict[str, RepoFile] = {}
    api, head = _api(), None
    try:
        head = api.repo_info(**target.where, revision=target.revision).sha
        tree = api.list_repo_tree(**target.where, revision=head, recursive=True)
        there = {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}
    except (RepositoryNotFoundError, RevisionNotFoundError):
        pass
    new = [name for name in files if name not in there]
    same = [name for name in files if name in there and _is_same(files[name], there[name])]
    changed = [name for name in files if name in there and name not in set(same)]
    # The Hub itself adds .gitattributes to every repository.
    there_only = sorted(set(there) - set(files) - {".gitattributes"})
    return Difference(new, changed, same, there_only, sum(_size(files[name]) for name in new + changed), head)


def publish(
    files: Files, target: Target, load_back: Callable[[str], None], say: Say = print, dry_run: bool = False
) -> str | None:
    """Upload what differs, load it back, write the commit into the card, and tag.

    Calling it again resumes after an interruption, and uploads nothing if nothing has changed.

    Arguments
    ---------
    files : Mapping[str, Path | bytes]
        Name in the repository to local file, or content; ``README.md`` is the card, as bytes.
    target : Target
        Where to publish.
    load_back : Callable[[str], None]
        Loads the files from the Hub at a revision, and raises if they differ from the local ones.
    say : Callable[[str], Any]
        Receives the report, line by line.
    dry_run : bool
        Report what would change, and change nothing.

    Returns
    -------
    str | None
        The commit; None after a dry run or a proposal.
    """
    refuse_links(files)
    with hub_errors(target.repository):
        if not dry_run:
            _refuse_login(target)
        files = dict(files) | {CARD: _current_card(files, target)}
        found = difference(files, target)
        _refuse_settings(target, found)
        if dry_run:
            for line in found.lines():
                say(line)
            return None
        _refuse_card(_content(files[CARD]), target)
        if target.create_pr:
            _propose(files, found, target, load_back, say)
            return None
        commit = _upload(files, found, target, say)
        load_back(commit)
        say(f"loaded back at commit {commit}: identical")
        commit = _pin_card(files, commit, target, say)
        if target.tag and target.tag not in _tags(target):
            _api().create_tag(**target.where, tag=target.tag, revision=commit)
            say(f"tagged {target.tag}")
        return commit


def _api() -> HfApi:
    return HfApi(library_name="nmr_speech", library_version=nmr_speech.__version__)


def _refuse_login(target: Target) -> None:
    me = _api().whoami()
    role = me.get("auth", {}).get("accessToken", {}).get("role")
    if role == "read":
        raise InputError(f"{target.repository}: the token of {me['name']} may only read; create one with write access")
    if target.create_pr:
        return
    if _info(target) is not None:
        # Exact, also for fine-grained tokens; for a new repository only the namespace can be compared.
        _api().auth_check(**target.where, write=True)
        return
    owner, mine = target.repository.split("/")[0], [me["name"], *(group["name"] for group in me.get("orgs", []))]
    if owner not in mine:
        raise InputError(
            f"{target.repository}: {me['name']} may create repositories of {' and '.join(mine)}, not of {owner}; "
            f"correct the name, or {LOG_IN} of another account"
        )


def _refuse_settings(target: Target, found: Difference) -> None:
    info = _info(target)
    if info is None:
        if target.create_pr:
            raise InputError(f"{target.repository}: a proposal needs an existing repository, this one does not exist")
        return
    if target.private and not info.private:
        raise InputError(f"{target.repository}: is public and stays public; make it private on its settings page")
    at = _tags(target).get(target.tag) if target.tag else None
    if at and (found.to_send or at != found.head):
        raise InputError(
            f"{target.repository}: the tag {target.tag} exists at commit {at} and is never moved; give another"
        )


def _refuse_card(card: bytes, target: Target) -> None:
    try:
        ModelCard(card.decode(), ignore_metadata_errors=False).validate(repo_type=target.kind)
    except ValueError as error:
        raise InputError(f"{target.repository}: the Hub does not accept the card ({_problems(error)})") from error


def _problems(error: ValueError) -> str:
    try:
        return "; ".join(problem["message"] for problem in json.loads(str(error))["errors"])
    except (ValueError, KeyError, TypeError):
        return printable(error)


def _info(target: Target) -> Any:
    try:
        return _api().repo_info(**target.where)
    except RepositoryNotFoundError:
        return None


def _tags(target: Target) -> dict[str, str]:
    return {tag.name: tag.target_commit for tag in _api().list_repo_refs(**target.where).tags}


def _current_card(files: Files, target: Target) -> bytes:
    """Return the card, already pinned if every other file is on the Hub."""
    card, found = _content(files[CARD]).decode(), difference(files, target)
    if found.head is None or set(found.to_send) - {CARD}:
        return card.encode()
    there = ""
    if CARD in found.changed:
        path = hf_hub_download(**target.where, filename=CARD, revision=found.head)
        there = Path(path).read_text(encoding="utf-8", errors="replace")  # somebody else's, it may hold anything
    old = pinned_commit(there)
    return pinned(card, old if old and pinned(card, old) == there else found.head).encode()


def _pin_card(files: Files, commit: str, target: Target, say: Say) -> str:
    card = pinned(_content(files[CARD]).decode(), commit).encode()
    if card == files[CARD]:  # already pinned
        return commit
    return _commit({CARD: card}, commit, target, f"Card names commit {commit[:10]}", say).oid


def _upload(files: Files, found: Difference, target: Target, say: Say) -> str:
    if not found.to_send:
        say("nothing to upload")
        return str(found.head)
    commit, api = found.head, _api()
    api.create_repo(**target.where, private=target.private or None, exist_ok=True)
    if commit is None and target.revision != "main":
        api.create_branch(**target.where, branch=target.revision, exist_ok=True)
    # The card last: it must not describe files that are not there yet.
    names = sorted(found.to_send, key=lambda name: (name == CARD, name))
    shares = [names[start : start + FILES_PER_COMMIT] for start in range(0, len(names), FILES_PER_COMMIT)]
    for number, share in enumerate(shares, start=1):
        of = f" ({number} of {len(shares)})" if len(shares) > 1 else ""
        commit = _commit({name: files[name] for name in share}, commit, target, f"Publish{of}", say).oid
    return str(commit)


def _propose(files: Files, found: Difference, target: Target, load_back: Callable[[str], None], say: Say) -> None:
    if not found.to_send:
        say("nothing to propose")
        return
    proposal = _commit({name: files[name] for name in found.to_send}, found.head, target, "Publish", say)
    load_back(str(proposal.pr_revision))
    say(f"proposed: {proposal.pr_url}")


def _commit(files: Files, parent: str | None, target: Target, message: str, say: Say) -> CommitInfo:
    operations = [
        CommitOperationAdd(name, io.BytesIO(content) if isinstance(content, bytes) else content)
        for name, content in files.items()
    ]
    done = _api().create_commit(
        **target.where,
        operations=operations,
        commit_message=f"{message}, nmr_speech {nmr_speech.__version__}",
        revision=target.revision,
        create_pr=target.create_pr,
        parent_commit=parent,  # the Hub refuses the commit (412) if somebody else was faster
    )
    say(f"uploaded {len(files)} files, commit {done.oid}")
    return done


def _content(source: Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


def _size(content: Path | bytes) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _is_same(content: Path | bytes, entry: RepoFile) -> bool:
    if _size(content) != entry.size:
        return False
    if not entry.lfs:
        data = _content(content)
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() == entry.blob_id
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest() == entry.lfs.sha256
    return _sha256(content, content.stat().st_mtime_ns) == entry.lfs.sha256


# Large files are hashed once, though an upload compares them three times; the time of change guards the cache.
@functools.cache
def _sha256(path: Path, _: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

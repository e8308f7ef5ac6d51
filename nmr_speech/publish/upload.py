"""Put files on the Hub: checked before the first byte, compared after the last, and only what differs."""

import functools
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi, ModelCard, hf_hub_download
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

import nmr_speech
from nmr_speech.checks import InputError
from nmr_speech.hub.fetch import LOG_IN, REPOSITORY, one_sentence
from nmr_speech.publish.card import pinned, pinned_commit

CARD = "README.md"
FILES_A_COMMIT = 200
"""A commit of thousands takes the Hub too long; an interruption costs one at most."""


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
        Branch; made if it is not there.
    private : bool
        Whether a new repository is private; an old one stays what it is.
    tag : str | None
        Name for the commit, given once it was loaded back.
    create_pr : bool
        Propose the change to a repository in which one may not write.
    """

    repository: str
    kind: str = "model"
    revision: str = "main"
    private: bool = False
    tag: str | None = None
    create_pr: bool = False

    def __post_init__(self):
        if not REPOSITORY.fullmatch(self.repository):
            raise InputError(f"the repository must be user/name, got {self.repository!r}")
        if self.create_pr and self.tag:
            raise InputError("a proposal cannot be tagged; give --tag once it is merged, or leave --create-pr out")

    @property
    def where(self) -> dict[str, str]:
        """Keywords for the Hub's client."""
        return {"repo_id": self.repository, "repo_type": self.kind}


@dataclass(frozen=True)
class Difference:
    """What an upload would change.

    Arguments
    ---------
    new, changed, same : list[str]
        Names, by what the Hub holds.
    there_only : list[str]
        Files that the Hub alone holds; they stay.
    size : int
        Bytes to send.
    head : str | None
        Commit of the Hub's branch; None without repository or branch.
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
        """For a reader."""
        for word in ("new", "changed", "same"):
            yield from (f"{word:8} {name}" for name in getattr(self, word))
        yield from (f"{'stays':8} {name} (on the Hub alone)" for name in self.there_only)
        yield f"to upload: {len(self.to_send)} files, {self.size} bytes"


def difference(files: Mapping[str, Path | bytes], target: Target) -> Difference:
    """Compare files with what the Hub holds; nothing is changed there.

    Arguments
    ---------
    files : Mapping[str, Path | bytes]
        Name in the repository to file, or content.
    target : Target
        Where they would go.

    Returns
    -------
    Difference
    """
    api, there, head = _api(), {}, None
    try:
        head = api.repo_info(**target.where, revision=target.revision).sha
        tree = api.list_repo_tree(**target.where, revision=head, recursive=True)
        there = {entry.path: entry for entry in tree if hasattr(entry, "blob_id")}
    except (RepositoryNotFoundError, RevisionNotFoundError):
        pass
    new = [name for name in files if name not in there]
    same = [name for name in files if name in there and _is_same(files[name], there[name])]
    changed = [name for name in files if name in there and name not in set(same)]
    there_only = sorted(set(there) - set(files) - {".gitattributes"})
    return Difference(new, changed, same, there_only, sum(_size(files[name]) for name in new + changed), head)


def publish(
    files: Mapping[str, Path | bytes],
    target: Target,
    load_back: Callable[[str], None],
    say: Callable[[str], None] = print,
    dry_run: bool = False,
) -> str | None:
    """Upload what differs, load it back, write the commit into the card, and tag.

    Run again it uploads nothing; after an interruption it goes on.

    Arguments
    ---------
    files : Mapping[str, Path | bytes]
        Name in the repository to file, or content; ``README.md`` is the card, as bytes.
    target : Target
        Where to put them.
    load_back : Callable[[str], None]
        Loads what lies on the Hub at a revision, and raises if it is not what lies here.
    say : Callable[[str], None]
        Takes the report, line by line.
    dry_run : bool
        Report what would change, and change nothing.

    Returns
    -------
    str | None
        The commit; None after a dry run or a proposal.
    """
    with one_sentence(target.repository):
        if not dry_run:
            _refuse_login(target)
        files = dict(files) | {CARD: _current_card(files, target)}
        found = difference(files, target)
        _refuse_settings(target, found)
        if dry_run:
            for line in found.lines():
                say(line)
            return None
        _refuse_card(files[CARD], target)
        if target.create_pr:
            _propose(files, found, target, load_back, say)
            return None
        commit = _upload(files, found, target, say)
        load_back(commit)
        say(f"loaded back at commit {commit}: the same as here")
        commit = _pin_card(files, commit, target, say)
        if target.tag and target.tag not in _tags(target):
            _api().create_tag(**target.where, tag=target.tag, revision=commit)
            say(f"tagged {target.tag}")
        return commit


def _api():
    return HfApi(library_name="nmr_speech", library_version=nmr_speech.__version__)


def _refuse_login(target):
    me = _api().whoami()
    role = me.get("auth", {}).get("accessToken", {}).get("role")
    if role == "read":
        raise InputError(f"{target.repository}: the token of {me['name']} may only read; make one that may write")
    if target.create_pr:
        return
    if _info(target) is not None:
        _api().auth_check(**target.where, write=True)
        return
    owner, mine = target.repository.split("/")[0], [me["name"], *(group["name"] for group in me.get("orgs", []))]
    if owner not in mine:
        raise InputError(
            f"{target.repository}: {me['name']} can make repositories of {' and '.join(mine)}, not of {owner}; "
            f"correct the name, or {LOG_IN} of another account"
        )


def _refuse_settings(target, found):
    info = _info(target)
    if info is None:
        if target.create_pr:
            raise InputError(f"{target.repository}: a proposal needs a repository, and the Hub has none of this name")
        return
    if target.private and not info.private:
        raise InputError(f"{target.repository}: is public, and is not hidden by this; change it on its settings page")
    at = _tags(target).get(target.tag)
    if at and (found.to_send or at != found.head):
        raise InputError(f"{target.repository}: the tag {target.tag} names commit {at} and is not moved; give another")


def _refuse_card(card, target):
    try:
        ModelCard(card.decode(), ignore_metadata_errors=False).validate(repo_type=target.kind)
    except ValueError as error:
        raise InputError(f"{target.repository}: the Hub does not accept the card ({_said(error)})") from error


def _said(error):
    try:
        return "; ".join(problem["message"] for problem in json.loads(str(error))["errors"])
    except (ValueError, KeyError, TypeError):
        return " ".join(str(error).split())


def _info(target):
    try:
        return _api().repo_info(**target.where)
    except RepositoryNotFoundError:
        return None


def _tags(target):
    return {tag.name: tag.target_commit for tag in _api().list_repo_refs(**target.where).tags}


def _current_card(files, target):
    """The card; pinned already if all that it speaks of is on the Hub."""
    card = files[CARD].decode()
    found = difference(files, target)
    if found.head is None or set(found.to_send) - {CARD}:
        return card.encode()
    there = ""
    if CARD in found.changed:
        path = hf_hub_download(**target.where, filename=CARD, revision=found.head)
        there = Path(path).read_text(encoding="utf-8")
    old = pinned_commit(there)
    return pinned(card, old if old and pinned(card, old) == there else found.head).encode()


def _pin_card(files, commit, target, say):
    card = pinned(files[CARD].decode(), commit).encode()
    if card == files[CARD]:  # pinned before
        return commit
    return _commit({CARD: card}, commit, target, f"Card names commit {commit[:10]}", say).oid


def _upload(files, found, target, say):
    if not found.to_send:
        say("nothing to upload")
        return found.head
    commit, api = found.head, _api()
    api.create_repo(**target.where, private=target.private or None, exist_ok=True)
    if commit is None and target.revision != "main":
        api.create_branch(**target.where, branch=target.revision, exist_ok=True)
    # The card last: it must not speak of what is not there.
    names = sorted(found.to_send, key=lambda name: (name == CARD, name))
    shares = [names[start : start + FILES_A_COMMIT] for start in range(0, len(names), FILES_A_COMMIT)]
    for number, share in enumerate(shares, start=1):
        of = f" ({number} of {len(shares)})" if len(shares) > 1 else ""
        commit = _commit({name: files[name] for name in share}, commit, target, f"Publish{of}", say).oid
    return commit


def _propose(files, found, target, load_back, say):
    if not found.to_send:
        say("nothing to propose")
        return
    proposal = _commit({name: files[name] for name in found.to_send}, found.head, target, "Publish", say)
    load_back(proposal.pr_revision)
    say(f"proposed: {proposal.pr_url}")


def _commit(files, parent, target, message, say):
    operations = [CommitOperationAdd(name, _source(content)) for name, content in files.items()]
    done = _api().create_commit(
        **target.where,
        operations=operations,
        commit_message=f"{message}, nmr_speech {nmr_speech.__version__}",
        revision=target.revision,
        create_pr=target.create_pr,
        parent_commit=parent,
    )
    say(f"uploaded {len(files)} files, commit {done.oid}")
    return done


def _source(content):
    return io.BytesIO(content) if isinstance(content, bytes) else content


def _size(content):
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _is_same(content, entry):
    if _size(content) != entry.size:
        return False
    if not entry.lfs:
        data = content if isinstance(content, bytes) else content.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() == entry.blob_id
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest() == entry.lfs.sha256
    return _sha256(content, content.stat().st_mtime_ns) == entry.lfs.sha256


@functools.cache
def _sha256(path, _):
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

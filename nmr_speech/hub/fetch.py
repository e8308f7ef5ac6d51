"""From a folder or a Hugging Face Hub repository to files, with one-sentence errors."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx2
import huggingface_hub
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from nmr_speech.checks import InputError, printable, quoted
from nmr_speech.hub.packaged import packaged

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
COMMIT = re.compile(r"[0-9a-f]{40}")

LOG_IN = "run `hf auth login`, or set HF_TOKEN"
UNREACHABLE = (
    "the Hub cannot be reached, and the cache does not hold it; check the network, HF_ENDPOINT and HF_HUB_OFFLINE"
)
# The first match counts, so subclasses come before their base classes.
KINDS: dict[type[BaseException], str] = {
    GatedRepoError: f"access is granted on request; ask for it on the repository's page, then {LOG_IN}",
    RepositoryNotFoundError: f"the Hub has no such repository, or a private one; check the name, or {LOG_IN}",
    RevisionNotFoundError: "the repository has no such commit, tag or branch; correct `revision`",
    LocalTokenNotFoundError: f"not logged in; {LOG_IN}",
    LocalEntryNotFoundError: UNREACHABLE,
    OfflineModeIsEnabled: UNREACHABLE,
    httpx2.TransportError: UNREACHABLE,
    EntryNotFoundError: "the repository lacks a file",
    HFValidationError: "a repository is called user/name, of letters, digits and . _ -",
}
STATUS = {
    401: f"the Hub refuses the token; {LOG_IN}",
    403: "the token may not do this; create one with write access to this namespace on the Hub's settings page",
    412: "somebody else has changed the repository meanwhile; run the same command again",
    429: "too many requests; run the same command again in a few minutes",
}
CAUGHT: tuple[type[BaseException], ...] = (*KINDS, HfHubHTTPError, httpx2.HTTPError, OSError, RuntimeError)
AGAIN = "run the same command again; files that have arrived are not sent twice"


def locate(
    source: str | Path, revision: str | None, patterns: Sequence[str], kind: str = "model"
) -> tuple[Path, str | None]:
    """Find the files of a model or a data set, in this package, in a local folder or on the Hub.

    Arguments
    ---------
    source : str | Path
        Name of a packaged model, see `nmr_speech.hub.packaged.packaged`; folder; or Hub repository ``user/name``. A
        folder takes precedence over a repository of the same name.
    revision : str | None
        Commit, tag or branch of a repository; None for the main branch. A folder has no revisions.
    patterns : Sequence[str]
        Names of the files to download, with ``*``; files that the repository lacks are no error here.
    kind : str
        "model" or "dataset".

    Returns
    -------
    tuple[Path, str | None]
        The folder, and the commit of the repository; None for a local folder.

    Raises
    ------
    InputError
        The source is neither; or the Hub has no such repository or revision, refuses it, or cannot be reached.

    Example
    -------
    >>> locate(getfixture("tmp_path"), None, ["*.ckpt"])
    (PosixPath('...'), None)
    >>> locate("speechbrain", None, ["*.ckpt"])
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `source` must be a folder or a Hub repository user/name, got 'speechbrain'
    """
    named = packaged(source) if kind == "model" else None
    if named and revision is not None:
        raise InputError(f"{source}: comes with an installed package and has no revisions; leave `revision` out")
    folder = named or Path(source)
    if named or folder.is_dir():
        if revision is not None:
            raise InputError(
                f"{source}: is a local folder, which has no revisions; leave `revision` out, or run in another folder"
            )
        return folder, None
    if not REPOSITORY.fullmatch(str(source)):
        raise InputError(f"`source` must be a folder or a Hub repository user/name, got {quoted(str(source))}")
    if revision == "":
        raise InputError("`revision` must be a commit, tag or branch, got ''; leave it out for the main branch")
    folder = fetch(str(source), revision, patterns, kind, f"{source} (no folder here)")
    return folder, folder.name


def fetch(
    repository: str, revision: str | None, patterns: Sequence[str], kind: str = "model", description: str | None = None
) -> Path:
    """Download files of a repository, all from one commit.

    Files in the Hub's cache are not downloaded again. A private repository needs a login or HF_TOKEN.

    Arguments
    ---------
    repository : str
        ``user/name``.
    revision : str | None
        Commit, tag or branch; None for the main branch.
    patterns : Sequence[str]
        Names of the files, with ``*``.
    kind : str
        "model" or "dataset".
    description : str | None
        What error messages call the repository; None for its name.

    Returns
    -------
    Path
        Folder in the Hub's cache. Its name is the commit.

    Example
    -------
    >>> fetch("user/a..b", None, ["*.ckpt"])
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: user/a..b: a repository is called user/name, of letters, digits and . _ -
    """
    with hub_errors(description or repository):
        # An attribute, so that its import, a fifth of a second, waits until a download.
        download = huggingface_hub.snapshot_download
        return Path(download(repository, repo_type=kind, revision=revision, allow_patterns=list(patterns)))


@contextlib.contextmanager
def hub_errors(description: str) -> Iterator[None]:
    """Turn the exceptions of the Hub's client into an `InputError` of one sentence.

    Arguments
    ---------
    description : str
        The repository, as the message calls it.

    Example
    -------
    >>> with hub_errors("user/name"):
    ...     raise LocalTokenNotFoundError("a page of text")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: user/name: not logged in; run `hf auth login`, or set HF_TOKEN
    """
    try:
        yield
    except InputError:
        raise
    except CAUGHT as error:
        raise InputError(f"{description}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    for kind, sentence in KINDS.items():
        if isinstance(error, kind):
            return sentence
    text = printable(error, 300)
    if "xet-write-token" in text:  # a builtin ConnectionError
        return "this Hub has no Xet storage; set HF_HUB_DISABLE_XET=1"
    status = getattr(getattr(error, "response", None), "status_code", 0)
    return STATUS.get(status) or f"the Hub's client gave up ({text}); {AGAIN}"

"""The Hugging Face Hub: fetch what a repository holds, and say in one sentence why it does not come."""

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path

import httpx2
from huggingface_hub import snapshot_download
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

from nmr_speech.checks import InputError

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
COMMIT = re.compile(r"[0-9a-f]{40}")

LOG_IN = "run `hf auth login`, or set HF_TOKEN"
UNREACHABLE = (
    "the Hub cannot be reached, and the cache does not hold it; check the network, HF_ENDPOINT and HF_HUB_OFFLINE"
)
# The first that fits counts, so that a class stands before those it is made of.
KINDS = {
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
    403: "the token may not do this; make one with write access to this namespace on the Hub's settings page",
    412: "somebody else has changed the repository meanwhile; run the same command again",
    429: "the Hub asks to wait; run the same command again in some minutes",
}
AGAIN = "run the same command again: what is there is not sent twice"


@contextlib.contextmanager
def one_sentence(repository: str):
    """Turn what the Hub's client raises into one sentence about a repository.

    Arguments
    ---------
    repository : str
        Its name, for the message.

    Example
    -------
    >>> with one_sentence("user/name"):
    ...     raise LocalTokenNotFoundError("a page of text")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: user/name: not logged in; run `hf auth login`, or set HF_TOKEN
    """
    try:
        yield
    except InputError:
        raise
    except (*KINDS, HfHubHTTPError, httpx2.HTTPError, OSError, RuntimeError) as error:
        raise InputError(f"{repository}: {_reason(error)}") from error


def fetch(repository: str, revision: str | None, patterns: Sequence[str], kind: str = "model") -> Path:
    """Download files of a repository, all from one commit; within `one_sentence`.

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

    Returns
    -------
    Path
        Folder in the Hub's cache, called after the commit. What the cache holds already is not downloaded again, and a
        private repository needs a login or HF_TOKEN, as everywhere on the Hub.
    """
    return Path(snapshot_download(repository, repo_type=kind, revision=revision, allow_patterns=list(patterns)))


def _reason(error):
    status = getattr(getattr(error, "response", None), "status_code", None)
    for kind, sentence in KINDS.items():
        if isinstance(error, kind):
            return sentence
    said = " ".join(str(error).split())[:300]
    if "xet-write-token" in said:
        return "this Hub has no Xet storage; set HF_HUB_DISABLE_XET=1"
    return STATUS.get(status) or f"the Hub's client gave up ({said}); {AGAIN}"

"""Reference data: every file is described, and what is fetched is checked."""

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nmr_speech.checks import InputError
from nmr_speech.testing import data

pooch = pytest.importorskip("pooch", reason="fetches reference data; pip install -e '.[dev]'")


def test_the_readme_describes_every_file():
    folder = data.ROOT / "tests" / "data"
    text = (folder / "README.md").read_text()
    names = {path.name for path in folder.iterdir()} - {"README.md", "__init__.py", "__pycache__"}
    assert not [name for name in names | set(data.FETCHED) if name not in text]


def test_an_absent_name_is_refused():
    with pytest.raises(InputError, match=r"'caffeine' must be in .*data; they come with a clone of the repository"):
        data.reference_data("caffeine")


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A file on a loopback server, and an empty cache."""
    (tmp_path / "there").write_bytes(b"one spectrum")
    handler = type("Silent", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=tmp_path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path / "cache")
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_fetched_file_is_checked_and_kept(served, monkeypatch):
    sha256 = hashlib.sha256(b"one spectrum").hexdigest()
    monkeypatch.setitem(data.FETCHED, "one.ft2", (f"{served}/there", sha256))
    found = data.reference_data("one.ft2")
    assert found.read_bytes() == b"one spectrum"
    monkeypatch.setitem(data.FETCHED, "one.ft2", (f"{served}/gone", sha256))
    assert data.reference_data("one.ft2") == found  # from the cache


@pytest.mark.parametrize(("name", "reason"), [("gone", "404"), ("there", "hash")])
def test_what_cannot_be_fetched_is_said(served, monkeypatch, name, reason):
    monkeypatch.setitem(data.FETCHED, "two.ft2", (f"{served}/{name}", "0" * 64))
    with pytest.raises(InputError, match=rf"two\.ft2 cannot be fetched from {served}/{name} \(.*{reason}"):
        data.reference_data("two.ft2")

"""The page: what it shows, what it refuses, and that a browser which opens it asks nobody else for anything."""

import errno
import json
import os
import re
import shutil
import socket
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.corpus import read_wav, stack_fid, write_wav
from nmr_speech.demo import guard
from nmr_speech.demo.guard import Guard
from nmr_speech.demo.page import serve
from nmr_speech.demo.views import SEED, escaped, mixdown, view_simulated, view_upload
from nmr_speech.inference.classify import classify_spectrum
from nmr_speech.inference.load import load_classifier
from nmr_speech.simulate import draw_recording
from tests.fixtures import write_results
from tests.spectrometer.writers import rows_of, t1_fine, write_bruker


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A results folder, a recording and a packed experiment."""
    folder = tmp_path_factory.mktemp("demo")
    write_results(folder)
    write_wav(folder / "gly.wav", stack_fid(draw_recording("GLY", 5, 0).fid)[0])
    bruker = write_bruker(folder / "2", rows_of(t1_fine(24, n_points=64), "states"), "states", acqus={"SOLVENT": "D2O"})
    shutil.make_archive(str(folder / "valine"), "zip", bruker.parent, "2")
    (folder / "bad.zip").write_bytes(b"PK <script>alert(1)</script>")
    return folder


@pytest.fixture(scope="module")
def model(folder):
    return load_classifier(str(folder / "results"))


def test_an_upload_is_classified_as_on_the_command_line_and_shown(model, folder):
    for name, step in (("gly.wav", "Read as a recording"), ("valine.zip", "Bruker folder")):
        view = view_upload(model, str(folder / name))
        found = classify_spectrum(model, folder / name)
        assert view.ranking == (dict(found.ranking) if found.meaningful else {})
        assert step in view.steps
        assert [picture.dtype for picture in (view.spectrum, view.mel)] == [np.uint8] * 2
        assert view.spectrum.std() > 1
    assert "measured in D2O; the model was trained on H2O" in view.notes


def test_the_mixdown_is_the_mean_of_the_channels(folder):
    wav = read_wav(folder / "gly.wav")
    audible, mean = mixdown(wav).astype(float), wav.mean(1).numpy()
    assert np.corrcoef(audible, mean)[0, 1] > 0.99999
    assert abs(audible).max() == pytest.approx(0.9 * 32767, abs=1)
    assert not mixdown(torch.zeros(8, 4)).any()


def test_what_is_simulated_is_what_the_model_was_trained_on_and_new_to_it(model):
    clean, noisy, other = (view_simulated(model, "GLY", *asked) for asked in ((0, False), (0, True), (1, False)))
    again = view_simulated(model, "GLY", 0, True)
    assert noisy.ranking == again.ranking
    assert np.array_equal(noisy.audio[1], again.audio[1])
    assert not np.array_equal(noisy.audio[1], clean.audio[1])
    assert not np.array_equal(other.audio[1], clean.audio[1])
    drawn = draw_recording("GLY", SEED, 0, condition="h2o", shift_source="protein", free_shift_std_ppm=0.03)
    assert np.array_equal(clean.audio[1], mixdown(stack_fid(drawn.fid)[0]))


REFUSED = {
    "choose a file first": lambda folder: (None, ""),
    "bad.zip: cannot be unpacked": lambda folder: (folder / "bad.zip", ""),
    "the shift in ppm must be a number, got 'left'": lambda folder: (folder / "gly.wav", "left"),
    "the pH must be a number, got 'sour'": lambda folder: (folder / "gly.wav", "", "sour"),
    "`ph` must be from 0 to 14 (a pH), got 99": lambda folder: (folder / "gly.wav", "", "99"),
    "is text or a table, not an experiment": lambda folder: (folder / "results" / "train_log.txt", ""),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_used_gives_one_sentence_without_paths(message, model, folder):
    path, *fields = REFUSED[message](folder)
    view = view_upload(model, path and str(path), *fields)
    said = view.notes.replace("\\", "")
    assert message in said
    assert str(folder) not in said
    assert "<script>" not in view.notes
    assert (view.ranking, view.spectrum, view.audio) == ({}, None, None)
    assert "must be one of" in view_simulated(model, "XXX", 0, False).notes
    assert "whole number" in view_simulated(model, "GLY", 0.5, False).notes


def test_without_gradio_it_says_what_to_install(results, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(SystemExit, match=r"needs Gradio: pip install -e '.\[demo\]'"):
        main(["demo", "--model", str(results)])


@pytest.fixture(scope="module")
def page(folder):
    pytest.importorskip("gradio", reason="the demo's extra is not installed: pip install -e '.[demo]'")
    served = serve(str(folder / "results"), port=0)
    yield served
    served.close()


def test_it_listens_to_this_machine_alone(page, folder):
    assert page.local_url.startswith("http://127.0.0.1:")
    port = int(page.local_url.rstrip("/").rsplit(":", 1)[1])
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", port))
    uploads = os.environ["GRADIO_TEMP_DIR"]
    with pytest.raises(InputError, match="`port` must be free"):
        serve(str(folder / "results"), port=port)
    assert os.environ["GRADIO_TEMP_DIR"] == uploads  # where the page that is served looks for what was uploaded


def request(url, opener=None, **keywords):
    opener = opener or urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(urllib.request.Request(url, **keywords), timeout=300)


def visitor(page):
    """Open the page, as a browser does, and keep the token that it gives."""
    jar = urllib.request.HTTPCookieProcessor()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)
    request(page.local_url, opener).read()
    return opener


def status(url, opener=None, **keywords):
    try:
        return request(url, opener, **keywords).status
    except urllib.error.HTTPError as refused:
        return refused.code


def test_the_policy_forbids_other_places(page):
    policy = request(page.local_url).headers["content-security-policy"]
    sources = [part.split()[1:] for part in policy.split("; ")]
    assert {source for some in sources for source in some} <= {
        "'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:",
    }  # fmt: skip


def test_files_of_this_machine_cannot_be_asked_for(page, folder):
    for path in ("/etc/passwd", folder / "gly.wav"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            request(f"{page.local_url}gradio_api/file={path}")
        assert refused.value.code in (403, 404)


def test_uploads_are_limited(page, monkeypatch):
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.zip"\r\n\r\n'
    body = head + bytes(65 * 2**20) + b"\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    opener, url = visitor(page), f"{page.local_url}gradio_api/upload"
    assert status(url, opener, data=body, headers=headers) == 413
    asked = {"data": head + b"1\r\n--x--\r\n", "headers": headers}
    assert status(url, **asked) == 403  # without the token of the page
    assert status(url, opener, **asked) == 200
    monkeypatch.setattr(guard, "MOST_KEPT", 10)
    assert status(url, opener, **asked) == 507
    assert status(page.local_url, opener) == 200


LOCAL = {"Host": "127.0.0.1:{port}"}
STRANGERS = {
    "DNS rebinding": {"Host": "evil.example:{port}"},
    "a name that begins like this machine's": {"Host": "localhost.evil.example"},
    "a name that looks like an address": {"Host": "127.0.0.1.evil.example"},
    "an address of the network": {"Host": "192.168.0.7:{port}"},
    "all addresses": {"Host": "0.0.0.0:{port}"},
    "no host": {"Host": ""},
    "a user": {"Host": "localhost@evil.example"},
    "a bracket": {"Host": "[::1"},
    "another origin": LOCAL | {"Origin": "http://evil.example"},
    "another port": LOCAL | {"Origin": "http://127.0.0.1:1"},
    "no origin to speak of": LOCAL | {"Origin": "null"},
    "a picture on another page": LOCAL | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    "a page of another port": LOCAL | {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    "an origin in no form": LOCAL | {"Origin": "127.0.0.1:{port}"},
}


@pytest.mark.parametrize("kind", STRANGERS)
def test_strangers_are_not_answered(kind, page):
    port = urllib.parse.urlsplit(page.local_url).port
    headers = {name: value.format(port=port) for name, value in STRANGERS[kind].items()}
    opener = visitor(page)
    for path in ("", "config", "gradio_api/info", "gradio_api/queue/join", "gradio_api/upload"):
        assert status(page.local_url + path, opener, headers=headers) == 403
    assert status(f"{page.local_url}gradio_api/queue/join", opener, headers=headers, data=b"{}") == 403


def test_the_page_itself_is_answered(page):
    port = urllib.parse.urlsplit(page.local_url).port
    for name in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}", "localhost:9999", f"[::1]:{port}"):
        assert status(page.local_url, headers={"Host": name, "Origin": f"http://{name.lower()}"}) == 200
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}  # a link on another page
    assert status(page.local_url, headers=followed) == 200
    url, opener = f"{page.local_url}gradio_api/queue/join", visitor(page)
    assert status(url, opener, data=b"{}", headers=followed) == 403
    assert status(url, opener, data=b"{}", headers={"Sec-Fetch-Site": "cross-site"}) == 403
    assert status(url, data=b"{}") == 403  # no token
    assert status(url, data=b"{}", headers={"Cookie": "nmr_speech_token=guessed"}) == 403
    assert status(url, opener, data=bytes(2**20 + 1)) == 413


def test_every_one_of_many_requests_at_a_time_is_answered(page):
    """None of them reaches the model: it is the queue that is tested."""
    opener, headers, queue = visitor(page), {"Content-Type": "application/json"}, f"{page.local_url}gradio_api/queue/"
    number = next(number for number, one in page.fns.items() if "upload" in [field.elem_id for field in one.inputs])
    start = threading.Barrier(50)

    def ask(visit):
        start.wait()
        body = {"data": [None, "", ""], "fn_index": number, "session_hash": f"visit{visit}"}
        joined = status(queue + "join", opener, data=json.dumps(body).encode(), headers=headers)
        said = request(f"{queue}data?session_hash=visit{visit}", opener).read().decode()
        return joined, "choose a file first" in said

    with ThreadPoolExecutor(50) as visitors:
        assert list(visitors.map(ask, range(50))) == [(200, True)] * 50


def test_beyond_this_machine_addresses_are_names_too():
    answered = {host: Guard(None, host, "").is_mine for host in ("127.0.0.1", "127.0.0.2", "0.0.0.0", "lab.example")}
    assert not answered["127.0.0.1"]("192.168.0.7:7860")
    assert answered["127.0.0.2"]("127.0.0.2:7860")
    assert answered["0.0.0.0"]("192.168.0.7:7860")
    assert answered["0.0.0.0"](f"{socket.gethostname()}:7860")
    assert not answered["0.0.0.0"]("evil.example")
    assert answered["lab.example"]("Lab.example:80")


TEXTS = (
    "\x1b]0;owned\x07",
    "[click](http://evil.example)",
    "<img src=x>",
    "# head",
    "www.evil.example",
    "a\n\nb",
    "&lt;",
)


@pytest.mark.parametrize("text", TEXTS)
def test_text_of_strangers_is_shown_as_text(text, model, tmp_path):
    rows = rows_of(t1_fine(24, n_points=64), "states")
    name = text.replace("\n", " ").replace("<", " ").replace(">", " ")  # what a parameter of Bruker can hold
    bruker = write_bruker(tmp_path / "2", rows, "states", acqus={"SOLVENT": name, "PULPROG": "hsqc" + name})
    view = view_upload(model, str(shutil.make_archive(str(tmp_path / "a"), "zip", bruker.parent, "2")))
    for shown in (view.notes, view.steps, escaped(text)):
        assert shown.replace("\n", "").isprintable()
        assert not re.search(r"(?<!\\)[\[\]<>#&]|https?:|www\.", shown)
    assert "measured in" in view.notes
    assert "is not a TOCSY" in view.notes


def test_trouble_of_the_server_is_one_sentence_without_paths(model, folder, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    monkeypatch.setattr("nmr_speech.demo.views.classify_spectrum", full)
    said = view_upload(model, str(folder / "gly.wav")).notes
    assert "no memory or disk space left" in said
    assert str(folder) not in said


@pytest.fixture
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next(filter(None, map(shutil.which, names)), None)
    with playwright.sync_playwright() as driver:
        if found is None and not Path(driver.chromium.executable_path).exists():
            pytest.skip("no Chromium on this machine: apt install chromium")
        launched = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


def test_in_a_browser(page, browser, folder):
    tab, asked, errors = browser.new_page(), [], []
    tab.set_default_timeout(300_000)  # nothing here is a measure of time
    tab.on("request", lambda sent: asked.append(sent.url))
    tab.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    tab.goto(page.local_url)
    tab.click("#simulate")
    tab.wait_for_selector("#spectrum img")
    tab.wait_for_selector("#mel img")
    assert tab.evaluate("document.querySelector('#spectrum img').naturalWidth") > 500
    tab.wait_for_selector("#rank >> text=/[0-9]+%/")

    tab.get_by_role("tab", name="Upload").click()
    tab.set_input_files("#upload input[type=file]", folder / "valine.zip")
    tab.wait_for_selector("#upload >> text=/valine/")
    tab.click("#name")
    tab.wait_for_selector("#notes >> text=measured in D2O; the model was trained on H2O")

    tab.get_by_label("Remove this file").or_(tab.get_by_label("Clear")).first.click()
    tab.set_input_files("#upload input[type=file]", folder / "bad.zip")
    tab.wait_for_selector("#upload >> text=/bad/")
    tab.click("#name")
    tab.wait_for_selector("#notes >> text=bad.zip: cannot be unpacked")
    assert not tab.locator("#spectrum img").count()

    elsewhere = [url for url in asked if not url.removeprefix("blob:").startswith((page.local_url, "data:"))]
    assert elsewhere == []
    assert errors == []

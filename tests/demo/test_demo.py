"""The page: what it shows, what it refuses, and that a browser which opens it asks nobody else for anything."""

import json
import os
import shutil
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.corpus import read_wav, stack_fid, write_wav
from nmr_speech.demo.page import newest_results, serve
from nmr_speech.demo.views import SEED, mixdown, view_simulated, view_upload
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
    "the shift must be a number of ppm, got 'left'": lambda folder: (folder / "gly.wav", "left"),
    "is text or a table, not an experiment": lambda folder: (folder / "results" / "train_log.txt", ""),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_used_gives_one_sentence_without_paths(message, model, folder):
    path, shift = REFUSED[message](folder)
    view = view_upload(model, path and str(path), shift)
    said = view.notes.replace("\\", "")
    assert message in said
    assert str(folder) not in said
    assert "<script>" not in view.notes
    assert (view.ranking, view.spectrum, view.audio) == ({}, None, None)
    assert "must be one of" in view_simulated(model, "XXX", 0, False).notes
    assert "whole number" in view_simulated(model, "GLY", 0.5, False).notes


def test_without_a_source_the_newest_results_are_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="`source` must name"):
        newest_results()
    for number, name in enumerate(("old", "new", "middle")):
        made = tmp_path / "results" / name / "1" / "results.json"
        made.parent.mkdir(parents=True)
        made.write_text("{}")
        time_s = 1e9 + (number if name != "new" else 9)
        os.utime(made, (time_s, time_s))
    assert newest_results() == str(Path("results", "new", "1"))


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


def request(url, **keywords):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(urllib.request.Request(url, **keywords), timeout=300)


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


def test_uploads_are_limited(page):
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.zip"\r\n\r\n'
    body = head + bytes(65 * 2**20) + b"\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    with pytest.raises(urllib.error.HTTPError) as refused:
        request(f"{page.local_url}gradio_api/upload", data=body, headers=headers)
    assert refused.value.code == 413
    small = request(f"{page.local_url}gradio_api/upload", data=head + b"1\r\n--x--\r\n", headers=headers)
    assert len(json.loads(small.read())) == 1


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

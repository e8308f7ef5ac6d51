"""A page in the browser: pick or upload a recording, see it, hear it, and read what a model calls it.

Served to this machine alone unless told otherwise, by Gradio. The page fetches nothing from elsewhere: its fonts are
those of the reader's machine, Gradio's statistics are off, and a Content-Security-Policy forbids what a later version
might add.
"""

import atexit
import functools
import os
import shutil
import socket
import tempfile
from pathlib import Path

from nmr_speech.checks import InputError, whole
from nmr_speech.demo.views import view_simulated, view_upload
from nmr_speech.inference.domain_check import heard, training_settings
from nmr_speech.inference.load import Classifier, load_classifier
from nmr_speech.simulate.residues import RESIDUES

LOOPBACK, PORT = "127.0.0.1", 7860
MOST_UPLOADED = "64mb"
KEPT_S = 600  # uploads are deleted when they are older
SHOWN = 6  # residues of the ranking
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
INTRODUCTION = """\
# Which amino acid is it?
A 2D NMR spectrum (1H-1H TOCSY), stacked transient after transient, is four-channel audio, and a speaker model names who
is speaking. It knows **{labels}**; {heard}."""


def make_page(model: Classifier):
    """Lay out the page.

    Arguments
    ---------
    model : Classifier
        The model.

    Returns
    -------
    gradio.Blocks
    """
    gradio = _gradio()
    labels = sorted(model.labels.lab2ind)
    with gradio.Blocks(title="Amino acids as speakers", analytics_enabled=False, delete_cache=(KEPT_S, KEPT_S)) as page:
        gradio.Markdown(INTRODUCTION.format(labels=", ".join(labels), heard=heard(training_settings(model))))
        with gradio.Row():
            with gradio.Column(scale=2, min_width=320):
                with gradio.Tab("Simulate"):
                    known = [name for name in labels if name in RESIDUES] or sorted(RESIDUES)
                    residue = gradio.Dropdown(known, value=known[-1], label="Amino acid", elem_id="residue")
                    number = gradio.Number(0, precision=0, minimum=0, label="Number of the recording", elem_id="number")
                    disturbed = gradio.Checkbox(True, label="With what the training added: noise, water, phases ...")
                    simulate = gradio.Button("Simulate and name", variant="primary", elem_id="simulate")
                with gradio.Tab("Upload"):
                    upload = gradio.File(
                        label="WAV or FLAC of 4 channels; a spectrometer's folder as ZIP; NMRPipe",
                        file_count="single", type="filepath", height=150, elem_id="upload",
                    )  # fmt: skip
                    label = "Add to all shifts, ppm (empty: DSS or TSP is looked for)"
                    shift = gradio.Textbox("", label=label, elem_id="shift")
                    name = gradio.Button("Name it", variant="primary", elem_id="name")
                notes = gradio.Markdown(elem_id="notes")
                ranking = gradio.Label(num_top_classes=SHOWN, label="Ranking, calibrated probabilities", elem_id="rank")
                audio = gradio.Audio(
                    label="Four channels mixed to one, 8 kHz", interactive=False, format="wav", buttons=["download"]
                )
            with gradio.Column(scale=3, min_width=420):
                picture = {"interactive": False, "format": "png", "show_label": False, "buttons": []}
                shown = gradio.Image(elem_id="spectrum", alt_text="2D spectrum, axes in ppm", **picture)
                mel = gradio.Image(elem_id="mel", alt_text="mel spectrogram", **picture)
                with gradio.Accordion("What was done to it", open=False):
                    steps = gradio.Markdown(elem_id="steps")
        outputs = [ranking, notes, steps, shown, mel, audio]
        simulate.click(lambda *asked: list(view_simulated(model, *asked)), [residue, number, disturbed], outputs)
        name.click(lambda *asked: list(view_upload(model, *asked)), [upload, shift], outputs)
    return page


def serve(source: str | None, revision: str | None = None, host: str = LOOPBACK, port: int = PORT):
    """Load a model and serve the page, in threads of this process.

    Arguments
    ---------
    source : str | None
        Hub repository, bundle or results folder; None for the newest in ``results``.
    revision : str | None
        Commit, tag or branch of a repository.
    host : str
        Address to listen on; the default is heard by this machine alone.
    port : int
        Port; 0 for one that is free.

    Returns
    -------
    gradio.Blocks
        The page; its ``local_url`` says where, its ``block_thread`` waits until interrupted, its ``close`` ends it.
    """
    gradio = _gradio()
    port = whole("port", port, 0, 65535)
    os.environ["GRADIO_TEMP_DIR"] = _upload_folder()
    page = make_page(load_classifier(source or newest_results(), revision))
    system = gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    try:
        page.queue(max_size=16).launch(
            server_name=host, server_port=port or _free_port(host), share=False, prevent_thread_lock=True, quiet=True,
            max_file_size=MOST_UPLOADED, theme=system, footer_links=[], ssr_mode=False, mcp_server=False, pwa=False,
            app_kwargs={"middleware": [(_Policy, (), {})]},
        )  # fmt: skip
    except OSError as error:
        raise InputError(f"`port` must be free, {host}:{port} is not ({error}); give another") from error
    return page


def newest_results() -> str:
    """The results folder below ``results`` that was written last."""
    found = sorted(Path("results").glob("*/*/results.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise InputError("`--model` must name a Hub repository, a bundle or a results folder, for there is no results/")
    return str(found[-1].parent)


@functools.cache
def _upload_folder():
    # One for the process: Gradio reads it when components are made, and again at every upload.
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _free_port(host):
    with socket.socket() as one:
        one.bind((host, 0))
        return one.getsockname()[1]


def _gradio():
    # Read when Gradio is imported, or by its client, which would ask a proxy for this machine's own address.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    kept = [os.environ[key] for key in ("NO_PROXY", "no_proxy") if os.environ.get(key)]
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join([*kept, LOOPBACK, "localhost"])
    try:
        import gradio  # noqa: PLC0415 - an extra, and takes seconds
    except ImportError as error:
        raise InputError("the demo needs Gradio: pip install -e '.[demo]'") from error
    return gradio


class _Policy:
    """Forbids the page to fetch from elsewhere."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def send_with_policy(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", POLICY.encode())]
            await send(message)

        await self.app(scope, receive, send_with_policy)

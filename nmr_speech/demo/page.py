"""A web page on which a model classifies simulated or uploaded recordings, shows them and plays them.

Gradio serves it, by default to this machine only; `nmr_speech.demo.guard` refuses pages of strangers. The page loads
nothing from other hosts: it uses the fonts of the reader's machine, Gradio's statistics are switched off, and a
Content-Security-Policy forbids whatever a later version of Gradio might add.
"""

import atexit
import functools
import os
import shutil
import socket
import tempfile
from typing import Any

from nmr_speech.checks import InputError, whole
from nmr_speech.demo.guard import MOST_UPLOAD, Guard
from nmr_speech.demo.views import escaped, view_simulated, view_upload
from nmr_speech.inference.load import Classifier, load_classifier
from nmr_speech.simulate.residues import RESIDUES

LOOPBACK, PORT = "127.0.0.1", 7860
WAITING = 256  # requests that may wait for their turn
KEPT_S = 600  # uploads older than this are deleted
SHOWN = 6  # residues in the ranking
INTRODUCTION = """\
# Which amino acids are there?
A 2D NMR spectrum (1H-1H TOCSY), stacked transient after transient, becomes four-channel audio, and a speaker model
tells which amino acids are speaking: one, several or none. It knows **{labels}**; {training}."""


def make_page(model: Classifier) -> Any:
    """Build the page.

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
        gradio.Markdown(INTRODUCTION.format(labels=escaped(", ".join(labels)), training=escaped(str(model.training))))
        with gradio.Row():
            with gradio.Column(scale=2, min_width=320):
                with gradio.Tab("Simulate"):
                    known = [name for name in labels if name in RESIDUES] or sorted(RESIDUES)
                    residue = gradio.Dropdown(known, value=known[-1], label="Amino acid", elem_id="residue")
                    number = gradio.Number(0, precision=0, minimum=0, label="Number of the recording", elem_id="number")
                    disturbed = gradio.Checkbox(True, label="Add the nuisances of the training data: noise, water ...")
                    simulate = gradio.Button("Simulate and classify", variant="primary", elem_id="simulate")
                with gradio.Tab("Upload"):
                    upload = gradio.File(
                        label="WAV or FLAC with 4 channels, ZIP file of a spectrometer's folder, or NMRPipe file",
                        file_count="single", type="filepath", height=150, elem_id="upload",
                    )  # fmt: skip
                    label = "Added to all shifts, ppm (empty: reference to DSS or TSP)"
                    shift = gradio.Textbox("", label=label, elem_id="shift")
                    acidity = gradio.Textbox("", label="pH of the sample (empty: not known)", elem_id="ph")
                    name = gradio.Button("Classify", variant="primary", elem_id="name")
                notes = gradio.Markdown(elem_id="notes")
                ranking = gradio.Label(
                    num_top_classes=SHOWN, label="Calibrated probability that it is present", elem_id="rank"
                )
                audio = gradio.Audio(
                    label="Four channels mixed to one, 8 kHz", interactive=False, format="wav", buttons=["download"]
                )
            with gradio.Column(scale=3, min_width=420):
                picture = {"interactive": False, "format": "png", "show_label": False, "buttons": []}
                shown = gradio.Image(elem_id="spectrum", alt_text="2D spectrum, axes in ppm", **picture)
                mel = gradio.Image(elem_id="mel", alt_text="mel spectrogram", **picture)
                with gradio.Accordion("Processing steps", open=False):
                    steps = gradio.Markdown(elem_id="steps")
        outputs = [ranking, notes, steps, shown, mel, audio]
        simulate.click(lambda *inputs: list(view_simulated(model, *inputs)), [residue, number, disturbed], outputs)
        name.click(lambda *inputs: list(view_upload(model, *inputs)), [upload, shift, acidity], outputs)
    return page


def serve(source: str = "measured", revision: str | None = None, host: str = LOOPBACK, port: int = PORT) -> Any:
    """Load a model and serve the page, in threads of this process.

    Arguments
    ---------
    source : str
        Hub repository, bundle or results folder; "measured" for the model of this package.
    revision : str | None
        Commit, tag or branch of a repository.
    host : str
        Address to listen on; the default accepts connections from this machine only.
    port : int
        Port from 0 to 65535; 0 for any free port.

    Returns
    -------
    gradio.Blocks
        The page: ``local_url`` is its address, ``block_thread()`` waits until interrupted, ``close()`` stops it.

    Example
    -------
    >>> serve(port=70000)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `port` must be a whole number from 0 to 65535, got 70000
    """
    port = whole("port", port, 0, 65535)
    gradio = _gradio()
    os.environ["GRADIO_TEMP_DIR"] = _upload_folder()
    page = make_page(load_classifier(source, revision))
    system = gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    try:
        page.queue(max_size=WAITING).launch(
            server_name=host, server_port=port or _free_port(host), share=False, prevent_thread_lock=True, quiet=True,
            max_file_size=MOST_UPLOAD, theme=system, footer_links=[], ssr_mode=False, mcp_server=False, pwa=False,
            app_kwargs={"middleware": [(Guard, (), {"host": host, "folder": _upload_folder()})]},
        )  # fmt: skip
    except OSError as error:
        raise InputError(f"`port` must be free, {host}:{port} is not ({error}); give another") from error
    return page


@functools.cache
def _upload_folder() -> str:
    # One for each process: Gradio reads it when components are made, and again at every upload.
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _free_port(host: str) -> int:
    with socket.socket() as one:
        one.bind((host, 0))
        return one.getsockname()[1]


def _gradio() -> Any:
    # Read when Gradio is imported, and by its client, which would otherwise ask a proxy for this machine's address.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    kept = [os.environ[key] for key in ("NO_PROXY", "no_proxy") if os.environ.get(key)]
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join([*kept, LOOPBACK, "localhost"])
    try:
        import gradio  # noqa: PLC0415 - optional, and takes seconds to import
    except ImportError as error:
        raise InputError("the demo needs Gradio: pip install -e '.[demo]'") from error
    return gradio

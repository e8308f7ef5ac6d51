"""A page in the browser: pick or upload a recording, see it, hear it, and read what a model calls it.

Served to this machine alone unless told otherwise, by Gradio. The page fetches nothing from elsewhere: its fonts are
those of the reader's machine, Gradio's statistics are off, and a Content-Security-Policy forbids what a later version
might add.
"""

import atexit
import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nmr_speech.checks import InputError, in_range, one_of, whole
from nmr_speech.constants import SAMPLE_RATE_HZ
from nmr_speech.corpus import stack_fid, unstack_fid, write_wav
from nmr_speech.models.load import Classifier, load_classifier
from nmr_speech.publish.familiar import heard, training_settings
from nmr_speech.publish.naming import name_spectrum
from nmr_speech.score.figures import draw_contours, draw_mel_spectrogram
from nmr_speech.simulate import draw_mixture, ppm_axis, spectrum
from nmr_speech.simulate.residues import RESIDUES

LOOPBACK, PORT = "127.0.0.1", 7860
MOST_UPLOADED = "64mb"
KEPT_S = 600  # uploads are deleted when they are older
SEED = 2**31  # of recordings that no training asks for
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


@dataclass(frozen=True, eq=False)
class View:
    """What the page shows of one recording.

    Arguments
    ---------
    ranking : dict[str, float]
        Calibrated probabilities of all residues.
    notes : str
        Markdown: warnings, or why there is nothing to see.
    steps : str
        Markdown: what was done to the spectrum.
    spectrum, mel : np.ndarray | None
        Pictures, uint8, (height, width, 3).
    audio : tuple[int, np.ndarray] | None
        Rate in Hz and samples, int16.
    """

    ranking: dict[str, float]
    notes: str
    steps: str = ""
    spectrum: np.ndarray | None = None
    mel: np.ndarray | None = None
    audio: tuple[int, np.ndarray] | None = None

    def __iter__(self):
        return iter((self.ranking, self.notes, self.steps, self.spectrum, self.mel, self.audio))


def view_upload(model: Classifier, path: str | None, shift_ppm: str = "") -> View:
    """Name and draw what somebody has uploaded; what cannot be used gives one sentence.

    Arguments
    ---------
    model : Classifier
        The model.
    path : str | None
        WAV or FLAC recording, ZIP archive of a spectrometer's folder, or NMRPipe file.
    shift_ppm : str
        A number, added to all shifts; an empty text looks for DSS or TSP.

    Returns
    -------
    View
    """

    def view():
        if path is None:
            raise InputError("choose a file first")
        return _view(model, Path(path), _shift(shift_ppm))

    return _or_why_not(view, path)


def view_simulated(model: Classifier, residue: str, index: float, disturbed: bool) -> View:
    """Simulate a recording as those that a model was trained on, which it has not heard, and name it.

    Arguments
    ---------
    model : Classifier
        The model.
    residue : str
        Three-letter code.
    index : float
        Number of the recording, from 0.
    disturbed : bool
        Whether the nuisances of the training are added.

    Returns
    -------
    View
    """

    def view():
        settings = training_settings(model)
        nuisances = (settings.pop("nuisances", None) or {}) if disturbed else {}
        sample = {key: settings[key] for key in ("condition", "shift_source", "free_shift_std_ppm") if key in settings}
        one_of("residue", residue, RESIDUES)
        number = whole("number", index, 0, 10**6)
        experiment = settings.get("experiment") or {}
        mixture = draw_mixture({residue: 1.0}, SEED, number, nuisances=nuisances, **sample, **experiment)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{residue}.wav"
            write_wav(path, stack_fid(mixture.fid)[0])
            return _view(model, path, None)

    return _or_why_not(view)


def _or_why_not(view: Callable[[], View], path: str | None = None) -> View:
    try:
        return view()
    except InputError as error:
        sentence = str(error)
        if path is not None:  # where the upload lies is nobody's business
            sentence = sentence.replace(str(path), Path(path).name).replace(str(Path(path).parent), "the upload")
        return View({}, f"**This cannot be used:** {_plain(sentence)}")


def _shift(text):
    if not text.strip():
        return None
    try:
        number = float(text)
    except ValueError:
        number = text
    return in_range("shift", number, -20, 20, "ppm", "0.15")


def _view(model, path, shift_ppm):
    naming = name_spectrum(model, path, shift_ppm)
    notes = "\n\n".join(f"**Mind:** {_plain(warning)}." for warning in naming.warnings)
    ppm = ppm_axis(256, naming.grid["spectral_width_hz"], naming.grid["carrier_ppm"], naming.grid["field_mhz"])
    absorption = spectrum(unstack_fid(naming.wav)).real.numpy()
    return View(
        dict(naming.ranking),
        notes,
        "\n".join(f"- {_plain(step)}" for step in naming.steps),
        _picture(lambda axes: draw_contours(axes, absorption, ppm.numpy()), (6.4, 6.2)),
        _picture(lambda axes: draw_mel_spectrogram(axes, naming.wav), (6.4, 2.6)),
        (SAMPLE_RATE_HZ, mixdown(naming.wav)),
    )


def mixdown(wav: torch.Tensor) -> np.ndarray:
    """Mix four channels down to one that can be heard.

    Arguments
    ---------
    wav : torch.Tensor
        Waveform, (4, T).

    Returns
    -------
    np.ndarray
        int16, (T,), of which the largest magnitude is nine tenths of full scale.

    Example
    -------
    >>> mixdown(torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 2.0]])).tolist()
    [29490, 14745]
    """
    mono = wav.mean(dim=0)
    return (mono / mono.abs().max().clamp(min=torch.finfo(mono.dtype).tiny) * 0.9 * 32767).short().numpy()


def _plain(text):
    """Text that Markdown shows as it is."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>()#!|~$" else letter for letter in text)


def _picture(draw, size):
    figure = Figure(figsize=size, layout="constrained", dpi=130)
    canvas = FigureCanvasAgg(figure)
    draw(figure.subplots())
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


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
    uploads = os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp()  # read when components are made
    atexit.register(shutil.rmtree, uploads, ignore_errors=True)
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

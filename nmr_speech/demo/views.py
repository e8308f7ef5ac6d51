"""What the demo shows of one recording: ranking, pictures, sound; without anything of the page itself."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, in_range, one_of, whole
from nmr_speech.constants import SAMPLE_RATE_HZ
from nmr_speech.corpus import stack_fid, unstack_fid, write_wav
from nmr_speech.inference.classify import name_spectrum
from nmr_speech.inference.domain_check import training_settings
from nmr_speech.inference.load import Classifier
from nmr_speech.report.spectra import draw_contours, draw_mel_spectrogram
from nmr_speech.simulate import draw_mixture, spectrum
from nmr_speech.simulate.residues import RESIDUES

SEED = 2**31  # of recordings that no training asks for


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
    axis = Axis(
        width_hz=naming.grid["spectral_width_hz"],
        carrier_ppm=naming.grid["carrier_ppm"],
        field_mhz=naming.grid["field_mhz"],
    )
    absorption = spectrum(unstack_fid(naming.wav)).real.numpy()
    return View(
        dict(naming.ranking),
        notes,
        "\n".join(f"- {_plain(step)}" for step in naming.steps),
        _picture(lambda axes: draw_contours(axes, absorption, axis), (6.4, 6.2)),
        _picture(lambda axes: draw_mel_spectrogram(axes, naming.wav), (6.4, 2.6)),
        (SAMPLE_RATE_HZ, mixdown(naming.wav)),
    )


def mixdown(wav: torch.Tensor) -> np.ndarray:
    """Mix four channels down to one that can be heard.

    Arguments
    ---------
    wav : torch.Tensor
        Waveform, (T, 4).

    Returns
    -------
    np.ndarray
        int16, (T,), of which the largest magnitude is nine tenths of full scale.

    Example
    -------
    >>> mixdown(torch.tensor([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 2.0]])).tolist()
    [29490, 14745]
    """
    mono = wav.mean(dim=1)
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

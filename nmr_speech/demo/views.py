"""What the demo shows of one recording: ranking, pictures and sound, independent of the page."""

import string
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nmr_speech.checks import LONGEST_MESSAGE, InputError, one_of, printable, quoted, whole
from nmr_speech.constants import SAMPLE_RATE_HZ
from nmr_speech.corpus import stack_fid, unstack_fid, write_wav
from nmr_speech.inference.classify import Classification, classify_spectrum
from nmr_speech.inference.domain_check import training_data
from nmr_speech.inference.load import Classifier
from nmr_speech.inference.measured import Reading
from nmr_speech.report.explained import draw_assignment
from nmr_speech.report.spectra import draw_contours, draw_mel_spectrogram
from nmr_speech.simulate import RESIDUES, Acquisition, Sample, draw_mixture, spectrum

# Markdown makes links also of http:, www. and @, and lists of lines that begin with - or +.
MARKUP = set(string.punctuation) - set(",;'\"?%=/")
SEED = 2**31  # outside the seeds of any training, so the model has not seen these recordings


@dataclass(frozen=True, eq=False)
class View:
    """What the page shows of one recording.

    Arguments
    ---------
    ranking : dict[str, float]
        Calibrated probabilities: that each residue is present, or, of a model for one residue, which it is.
    notes : str
        Markdown: the answer and warnings, or the reason why nothing can be shown.
    steps : str
        Markdown: how the spectrum was processed.
    spectrum, mel : np.ndarray | None
        Pictures, uint8, (height, width, 3): the spectrum with the peaks of the residues found, the mel spectrogram.
    audio : tuple[int, np.ndarray] | None
        Rate in Hz and samples, int16, (T,).
    """

    ranking: dict[str, float]
    notes: str
    steps: str = ""
    spectrum: np.ndarray | None = None
    mel: np.ndarray | None = None
    audio: tuple[int, np.ndarray] | None = None

    def __iter__(self) -> Iterator[Any]:
        return iter((self.ranking, self.notes, self.steps, self.spectrum, self.mel, self.audio))


def view_upload(model: Classifier, path: str | None, shift_ppm: str = "", ph: str = "") -> View:
    """Classify and draw an uploaded file; an invalid one gives one sentence.

    Arguments
    ---------
    model : Classifier
        The model.
    path : str | None
        WAV or FLAC recording, ZIP file of a spectrometer's folder, or NMRPipe file.
    shift_ppm : str
        A number in ppm, added to all shifts; an empty text references the spectrum to DSS or TSP.
    ph : str
        pH of the sample; an empty text if it is not known.

    Returns
    -------
    View

    Example
    -------
    >>> view_upload(None, None).notes
    '**This cannot be used:** choose a file first'
    """

    def view() -> View:
        if path is None:
            raise InputError("choose a file first")
        reading = Reading(ph=_number("pH", ph))
        return _view(model, Path(path), _number("shift in ppm", shift_ppm), reading)

    return _view_or_reason(view, path)


def view_simulated(model: Classifier, residue: str, index: float, disturbed: bool) -> View:
    """Simulate a recording like those of the training data, but not one of them, and classify it.

    Arguments
    ---------
    model : Classifier
        The model.
    residue : str
        Three-letter code.
    index : float
        Number of the recording, from 0.
    disturbed : bool
        Whether the nuisances of the training data are added.

    Returns
    -------
    View

    Example
    -------
    >>> "`number` must be a whole number" in view_simulated(None, "GLY", 0.5, False).notes.replace(chr(92), "")
    True
    """

    def view() -> View:
        one_of("residue", residue, RESIDUES)
        number = whole("number", index, 0, 10**6)
        training = training_data(model)
        settings = vars(training.sample or Sample()) | vars(training.acquisition or Acquisition())
        nuisances = training.nuisances if disturbed else {}
        mixture = draw_mixture({residue: 1.0}, SEED, number, nuisances=nuisances, **settings)
        # By way of a file, so that a simulated recording is treated exactly like an uploaded one.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{residue}.wav"
            write_wav(path, stack_fid(mixture.fid)[0])
            return _view(model, path)

    return _view_or_reason(view)


def mixdown(wav: torch.Tensor) -> np.ndarray:
    """Mix four channels to one for playback.

    Arguments
    ---------
    wav : torch.Tensor
        Waveform, (T, 4).

    Returns
    -------
    np.ndarray
        Samples, int16, (T,), with a largest magnitude of 90% of full scale.

    Example
    -------
    >>> mixdown(torch.tensor([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 2.0]])).tolist()
    [29490, 14745]
    """
    mono = wav.mean(dim=1)
    return (mono / mono.abs().max().clamp(min=torch.finfo(mono.dtype).tiny) * 0.9 * 32767).short().numpy()


def escaped(text: str) -> str:
    r"""Escape a text for Markdown: whatever it holds, the page shows its letters, no link, picture or heading.

    Example
    -------
    >>> print(escaped("[a](http://b.c) <i>"))
    \[a\]\(http\://b\.c\) \<i\>
    """
    return "".join(f"\\{letter}" if letter in MARKUP else letter for letter in printable(text, LONGEST_MESSAGE))


def _view(model: Classifier, path: Path, shift_ppm: float | None = None, reading: Reading | None = None) -> View:
    found = classify_spectrum(model, path, shift_ppm, reading)
    if found.presence:
        ranking = dict(found.presence)
        answer = ["**Answer:** " + "; ".join(escaped(line) for line in found.told())]
    else:
        ranking, answer = (dict(found.ranking) if found.meaningful else {}), []
    absorption = spectrum(unstack_fid(found.wav)).real.numpy()
    return View(
        ranking,
        "\n\n".join(answer + [f"**Warning:** {escaped(warning)}." for warning in _warnings(found)]),
        "\n".join(f"- {escaped(step)}" for step in found.steps),
        _picture(lambda axes: _draw_spectrum(axes, absorption, found), (6.4, 6.2)),
        _picture(lambda axes: draw_mel_spectrogram(axes, found.wav), (6.4, 2.6)),
        (SAMPLE_RATE_HZ, mixdown(found.wav)),
    )


def _draw_spectrum(axes: Axes, absorption: np.ndarray, found: Classification) -> None:
    draw_contours(axes, absorption, found.axis)
    if found.present:
        draw_assignment(axes, found.explain())


def _warnings(found: Classification) -> list[str]:
    """Warnings, and the order of the residues where there are no probabilities to show."""
    order = ", ".join(residue for residue, _ in found.ranking[:5])
    return [*found.warnings, *([] if found.meaningful else [f"order without probabilities: {order}"])]


def _view_or_reason(view: Callable[[], View], path: str | None = None) -> View:
    try:
        return view()
    except InputError as error:
        sentence = str(error)
        if path is not None:  # visitors must not learn the paths of the server
            sentence = sentence.replace(str(path), Path(path).name).replace(str(Path(path).parent), "the upload")
        return View({}, f"**This cannot be used:** {escaped(sentence)}")
    except (OSError, MemoryError):  # whose messages name files of the server
        return View({}, "**This cannot be used:** the server has no memory or disk space left, or cannot read the file")


def _number(what: str, text: str) -> float | None:
    try:
        return float(text) if text.strip() else None
    except ValueError as error:
        raise InputError(f"the {what} must be a number, got {quoted(text)}") from error


def _picture(draw: Callable[[Axes], None], size: tuple[float, float]) -> np.ndarray:
    figure = Figure(figsize=size, layout="constrained", dpi=130)
    canvas = FigureCanvasAgg(figure)
    draw(figure.subplots())
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()

"""Denoise an experiment of any format that is read, of one or two dimensions, and write the result."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nmr_speech.checks import InputError, one_of
from nmr_speech.enhancement.files import ENDINGS as ENDINGS_1D
from nmr_speech.enhancement.files import write_1d
from nmr_speech.enhancement.load import TRAINED, load_denoiser
from nmr_speech.enhancement.one_dimension import Denoised1D, denoise_1d
from nmr_speech.enhancement.two_dimensions import Denoised2D, denoise_2d
from nmr_speech.reconstruction.methods import STARTS
from nmr_speech.reconstruction.spectrum_files import ENDINGS as ENDINGS_2D
from nmr_speech.reconstruction.spectrum_files import write_spectrum
from nmr_speech.spectrometer import Sampling, read_1d, read_experiment
from nmr_speech.spectrometer.phase import Phases


@dataclass(frozen=True)
class Reading:
    """How a file is read, where it does not say it itself; as for `nmr-speech reconstruct`.

    Arguments
    ---------
    quadrature : str | None
        How t1 was sampled.
    phase_f1_deg, phase_f2_deg : tuple[float, float] | None
        Phases, zero and first order in degrees; in 1D that of F2 is for the list of peaks and the picture.
    echo : str
        Start of t1: "auto", "even" or "half_dwell".
    pdata : int | None
        Number of the processing of a Bruker folder whose reference is taken.

    Example
    -------
    >>> Reading(echo="odd")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `echo` must be one of auto, none, even, half_dwell; got 'odd'
    """

    quadrature: str | None = None
    phase_f1_deg: tuple[float, float] | None = None
    phase_f2_deg: tuple[float, float] | None = None
    echo: str = "auto"
    pdata: int | None = None

    def __post_init__(self) -> None:
        one_of("echo", self.echo, tuple(STARTS))

    @classmethod
    def of(cls, options: Any) -> "Reading":
        """Take the fields from an object that has them as attributes."""
        return cls(**{name: getattr(options, name) for name in cls.__dataclass_fields__})


def denoise_file(
    path: str | Path, out: str | Path, model: str | Path | None = None, reading: Reading | None = None
) -> Denoised1D | Denoised2D:
    """Denoise an experiment and write what is left.

    Arguments
    ---------
    path : str | Path
        Bruker or Varian folder, NMRPipe or JEOL file (2D only), or a ZIP archive of a 2D experiment.
    out : str | Path
        ``.fid`` or ``.ft1`` for one dimension, ``.ft2`` or ``.ucsf`` for two.
    model : str | Path | None
        Folder or Hub repository of a denoiser; None for the one in the package.
    reading : Reading | None
        What the file does not say.

    Returns
    -------
    Denoised1D | Denoised2D

    Example
    -------
    >>> from nmr_speech.axis import Axis
    >>> import numpy as np
    >>> folder, axis = getfixture("tmp_path"), Axis(128, 1000.0, 4.7, 500.0)
    >>> write_1d(folder / "noisy.fid", np.exp((600j - 20) * axis.seconds()), axis)
    >>> result = denoise_file(folder / "noisy.fid", folder / "clean.ft1")
    >>> (folder / "clean.ft1").stat().st_size == 2048 + 128 * 8
    True
    """
    reading, out = reading or Reading(), Path(out)
    experiment = read_1d(path, reading.pdata)
    _check_ending(out, ENDINGS_2D if experiment is None else ENDINGS_1D, 2 if experiment is None else 1)
    network = load_denoiser(TRAINED if model is None else model)
    if experiment is not None:
        one = denoise_1d(experiment, network, reading.phase_f2_deg)
        write_1d(out, one.fid, one.axis, experiment.nucleus)
        return one
    phases = Phases(reading.phase_f1_deg, reading.phase_f2_deg, STARTS[reading.echo])
    read = read_experiment(path, quadrature=reading.quadrature, sampling=Sampling(), pdata=reading.pdata)
    two = denoise_2d(read, network, phases)
    write_spectrum(out, two.after, two.f1, two.f2, two.points if two.start == 0 else None, (True, True))
    return two


def _check_ending(path: Path, endings: Collection[str], dimensions: int) -> None:
    if path.suffix.lower() not in endings:
        raise InputError(f"{path}: the name of a spectrum of {dimensions}D must end in {' or '.join(endings)}")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; create it, or write to another one")

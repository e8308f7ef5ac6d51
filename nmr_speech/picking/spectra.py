"""Spectra to pick, of any format that is read: processed ones as they are, FIDs transformed as `reconstruct` does."""

from dataclasses import dataclass
from pathlib import Path

import nmrglue
import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.enhancement.one_dimension import find_phase
from nmr_speech.reconstruction.bruker_spectrum import PARAMETERS, read_bruker_spectrum
from nmr_speech.reconstruction.plane import t2_window, to_plane
from nmr_speech.reconstruction.spectrum_files import axis_of, read_spectrum
from nmr_speech.spectrometer import Experiment1D, Sampling, read_1d, read_experiment
from nmr_speech.spectrometer.nmrpipe import is_nmrpipe, is_nmrpipe_1d

ENDINGS = (".ft1", ".ft2", ".ft", ".ucsf")


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A real, phased spectrum with its axes.

    Arguments
    ---------
    values : np.ndarray
        Real, (n,) or (n1, n2), shifts rising.
    axes : tuple[Axis, ...]
        One for each dimension, F1 first.
    steps, warnings : tuple[str, ...]
        What was found and done, and what makes it doubtful, one sentence each.
    """

    values: np.ndarray
    axes: tuple[Axis, ...]
    steps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_to_pick(path: str | Path) -> Spectrum:
    """Read a spectrum of one or two dimensions.

    Arguments
    ---------
    path : str | Path
        NMRPipe (``.ft1``, ``.ft2``) or Sparky (``.ucsf``) spectrum; ``1r`` or ``2rr`` of TopSpin, or a folder that
        holds one, itself or in the ``pdata/N`` of lowest number; otherwise an experiment that was sampled uniformly.

    Returns
    -------
    Spectrum
        Of a complex 1D spectrum the real part, phased.

    Example
    -------
    >>> from nmr_speech.reconstruction.spectrum_files import write_spectrum
    >>> path, axis = getfixture("tmp_path") / "one.ft2", Axis(32, 3200.0, 5.0, 600.0)
    >>> write_spectrum(path, np.eye(32), axis, axis)
    >>> read_to_pick(path).values.shape
    (32, 32)
    """
    path = Path(path)
    if not path.exists():
        raise InputError(
            f"{path}: no such file or folder; give a spectrum (.ft1, .ft2, .ucsf, 1r, 2rr) or an experiment"
        )
    processed = _processed(path)
    if processed is not None:
        values, axes = read_bruker_spectrum(processed)
        return Spectrum(values, axes, (f"Spectrum of TopSpin, {processed.parent.name}/{processed.name}.",))
    if path.is_file() and is_nmrpipe(path) and is_nmrpipe_1d(path) and path.suffix.lower() != ".fid":
        return _pipe_1d(path)
    if path.suffix.lower() in ENDINGS:
        values, f1, f2 = read_spectrum(path)
        return Spectrum(values, (f1, f2), (f"Spectrum of {f1.n} x {f2.n} points.",))
    one = read_1d(path)
    return _from_plane(path) if one is None else _from_fid(one)


def _processed(path: Path) -> Path | None:
    """Find a spectrum of TopSpin at a path; one of two dimensions where there are both."""
    if path.name in PARAMETERS:
        return path
    for name in ("2rr", "1r"):
        found = sorted(path.glob(f"pdata/*/{name}"), key=lambda one: (len(one.parent.name), one.parent.name))
        if (path / name).is_file():
            return path / name
        if found:
            return found[0]
    return None


def _pipe_1d(path: Path) -> Spectrum:
    try:
        header, points = nmrglue.pipe.read(path.read_bytes())
        axis = axis_of(nmrglue.pipe.make_uc(header, points, dim=0), len(points))
    except Exception as error:  # nmrglue raises what a damaged file happens to trip over
        raise InputError(f"{path}: cannot be read as a spectrum of NMRPipe ({error})") from error
    if not header.get("FDF2FTFLAG"):
        raise InputError(f"{path}: is an FID, not a spectrum; end its name in .fid, or transform it")
    if not np.isfinite(points).all():
        raise InputError(f"{path}: points must be finite numbers, got NaN or infinity")
    rising = points[::-1]
    if not np.iscomplexobj(points):
        return Spectrum(rising.astype(float), (axis,), (f"Spectrum of {axis.n} points.",))
    values, step = _phased(rising.astype(complex), axis)
    return Spectrum(values, (axis,), (f"Complex spectrum of {axis.n} points.", step))


def _from_fid(one: Experiment1D) -> Spectrum:
    n = one.axis.n
    values, step = _phased(np.fft.fftshift(np.fft.fft(one.fid * t2_window(n), 2 * n)), one.axis.resized(2 * n))
    return Spectrum(values, (one.axis.resized(2 * n),), (*one.steps, "Cosine window, zero-filled to twice.", step))


def _phased(rising: np.ndarray, axis: Axis) -> tuple[np.ndarray, str]:
    (zero, first), step = find_phase(torch.from_numpy(np.fft.ifftshift(rising)), axis)
    return (rising * np.exp(-1j * (zero + first * axis.hz() / axis.width_hz))).real, step


def _from_plane(path: Path) -> Spectrum:
    experiment = read_experiment(path, sampling=Sampling())
    if experiment.schedule is not None:
        raise InputError(
            f"{path}: was sampled non-uniformly; fill it in first (`nmr-speech reconstruct {path.name} --method modern "
            "--out full.ft2`), then pick that spectrum"
        )
    plane = to_plane(experiment)
    step = f"Cosine windows, zero-filled to {plane.f1.n} x {plane.f2.n} points."
    return Spectrum(plane.spectrum().astype(float), (plane.f1, plane.f2), (*plane.steps, step), plane.warnings)

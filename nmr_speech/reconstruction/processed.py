"""Processed spectra of both dimensions taken back to time, so that a model can classify where no FID was kept.

The transform of a real spectrum is a signal and its mirror image; the first half is kept. The window that the file
gives is divided out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nmrglue
import numpy as np
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, is_number
from nmr_speech.reconstruction.bruker_spectrum import read_bruker_spectrum
from nmr_speech.reconstruction.spectrum_files import read_spectrum
from nmr_speech.spectrometer import Experiment
from nmr_speech.spectrometer.bruker_files import MIXING_DELAY, delay_s, read_parameters
from nmr_speech.spectrometer.experiment import axes_step, possible_mixing_s, require_protons, single_precision
from nmr_speech.spectrometer.nmrpipe import is_nmrpipe
from nmr_speech.spectrometer.parameters import Parameters

ENDINGS = (".ft2", ".ft", ".ucsf")
LEAST_WINDOW = 0.05  # a window is divided out down to this: beyond, there is noise alone
FEWEST = 8  # points of a signal


@dataclass(frozen=True, eq=False)
class Processing:
    """How one dimension was processed.

    Arguments
    ---------
    n : int
        Complex points before zero filling; 0 where that is unknown.
    window : np.ndarray | None
        What the signal was multiplied by, (n,); None where that is unknown.
    first : float
        Factor of the first point, 0.5 in most processing.
    """

    n: int = 0
    window: np.ndarray | None = None
    first: float = 0.5


def find_spectrum(path: str | Path, pdata: int | None = None) -> Path | None:
    """Find the processed spectrum at a path that holds no experiment.

    Arguments
    ---------
    path : str | Path
        Spectrum of NMRPipe (``.ft2``) or Sparky (``.ucsf``); ``2rr`` or its folder; or a Bruker folder without ``ser``.
    pdata : int | None
        Number of the processing; None takes the lowest with a ``2rr``.

    Returns
    -------
    Path | None
        The file; None where there is none, or where the experiment itself can be read.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "pdata" / "1").mkdir(parents=True)
    >>> _ = (folder / "pdata" / "1" / "2rr").write_bytes(b"")
    >>> find_spectrum(folder).name
    '2rr'
    """
    path = Path(path)
    if path.suffix.lower() in ENDINGS or path.name == "2rr":
        return path
    if (path / "2rr").is_file():
        return None if (path.parent.parent / "ser").is_file() else path / "2rr"
    if not path.is_dir() or (path / "ser").is_file():
        return None
    found = sorted(path.glob("pdata/*/2rr"), key=lambda one: (len(one.parent.name), one.parent.name))
    return next((one for one in found if pdata is None or one.parent.name == str(pdata)), None)


def read_processed(path: str | Path) -> Experiment:
    """Take a real, phased spectrum of protons back to time.

    Arguments
    ---------
    path : str | Path
        As `find_spectrum` returns it.

    Returns
    -------
    Experiment
        As `nmr_speech.spectrometer.read_experiment` returns one; ``warnings`` name each window that is unknown.

    Example
    -------
    >>> from nmr_speech.reconstruction.spectrum_files import write_spectrum
    >>> path = getfixture("tmp_path") / "one.ucsf"
    >>> write_spectrum(path, np.eye(64), *[Axis(64, 6000.0, 5.0, 500.0)] * 2)
    >>> experiment = read_processed(path)
    >>> experiment.fid.shape, experiment.warnings[0][:34]
    (torch.Size([2, 32, 32]), 'the window of F1 in the processed ')
    """
    path = Path(path)
    described: dict[str, Any] = {}
    if path.name == "2rr":
        spectrum, axes, processing, described = _bruker(path)
    else:
        spectrum, *axes = read_spectrum(path)
        header = nmrglue.pipe.read(path.read_bytes())[0] if is_nmrpipe(path) else {}
        processing = [_pipe_processing(header, k, axes[k - 1]) for k in (1, 2)]
    require_protons(path, ("1H", "1H"), (axes[1].field_mhz, axes[0].field_mhz))
    n1, n2 = (_points(one, axis) for one, axis in zip(processing, axes, strict=True))
    # Real in F2: cosine and sine are the real and the imaginary part of the signal in t1.
    pairs = to_time(spectrum.T, n1, processing[0]).T
    fid = np.stack([to_time(part, n2, processing[1]) for part in (pairs.real, pairs.imag)])
    f1, f2 = axes[0].resized(n1), axes[1].resized(n2)
    unknown = [name for name, one in zip(("F1", "F2"), processing, strict=True) if one.window is None]
    return Experiment(
        fid=single_precision(fid),
        f1=f1,
        f2=f2,
        n_valid=n1,
        source=str(path),
        steps=(f"Processed spectrum; taken back to {n1} x {n2} complex points in time.", axes_step(f1, f2)),
        warnings=tuple(
            f"the window of {name} in the processed spectrum is unknown and taken as none: its lines may be wider or "
            "narrower than those measured; give the experiment itself where it was kept"
            for name in unknown
        ),
        **described,
    )


def to_time(spectrum: np.ndarray, n: int, processing: Processing | None = None) -> np.ndarray:
    """Take the last axis of a real spectrum back to time.

    Arguments
    ---------
    spectrum : np.ndarray
        Real, (..., size), shifts rising, zero frequency at point size // 2.
    n : int
        Points of the signal, up to half the size.
    processing : Processing | None
        What is undone; None for a first point that was halved.

    Returns
    -------
    np.ndarray
        complex, (..., n).

    Example
    -------
    >>> line = np.exp((2j * np.pi * 0.125 - 0.2) * np.arange(16))
    >>> halved = np.concatenate([line[:1] / 2, line[1:]])
    >>> spectrum = np.fft.fftshift(np.fft.fft(halved, 32).real)
    >>> bool(abs(to_time(spectrum, 16) - line).max() < 1e-9)
    True
    """
    processing = processing or Processing()
    # The real part halved the signal, the other half is its mirror image; the first point has none.
    signal = 2 * np.fft.ifft(np.fft.ifftshift(spectrum, axes=-1), axis=-1)[..., :n]
    signal[..., 0] /= 2 * processing.first
    if processing.window is not None:
        signal = signal / np.maximum(processing.window[:n], LEAST_WINDOW)
    return signal


def _points(processing: Processing, axis: Axis) -> int:
    """Points of the signal: those measured, or half of the spectrum's where that is unknown or less."""
    n = min(processing.n or axis.n // 2, axis.n // 2)
    return n if n >= FEWEST else axis.n // 2


def _pipe_processing(header: Mapping[str, Any], dimension: int, axis: Axis) -> Processing:
    """Return what the header of NMRPipe says of a dimension."""
    n = int(header.get(f"FDF{dimension}TDSIZE") or 0)
    transformed = int(header.get(f"FDF{dimension}FTSIZE") or axis.n)
    n = n * axis.n // transformed  # a part that was cut out has as many times fewer points
    code = header.get(f"FDF{dimension}APODCODE", 0)
    q = [float(header.get(f"FDF{dimension}APODQ{k}") or 0) for k in (1, 2, 3)]
    first = 1 + float(header.get(f"FDF{dimension}C1") or 0)  # NMRPipe keeps the factor less one
    if n < FEWEST:
        return Processing(0, None, first if first > 0 else 0.5)
    share, seconds = np.arange(n) / max(n - 1, 1), np.arange(n) / axis.width_hz
    windows = {
        1: lambda: np.sin(np.pi * (q[0] + (q[1] - q[0]) * share)) ** (q[2] or 1),
        2: lambda: np.exp(-np.pi * q[0] * seconds),
        3: lambda: np.exp(np.pi * q[0] * seconds - (0.6 * np.pi * q[1] * (q[2] * seconds[-1] - seconds)) ** 2),
    }
    window = windows[code]() if code in windows else None
    return Processing(n, window, first if first > 0 else 0.5)


def _bruker(path: Path) -> tuple[np.ndarray, list[Axis], list[Processing], dict[str, Any]]:
    """Spectrum, axes, processing, and what the acquisition parameters say of the experiment."""
    procs, proc2s = (read_parameters(path.parent / name) for name in ("procs", "proc2s"))
    acqu2s, acqus = _beside(path, "acqu2s"), _beside(path, "acqus")
    # FnMODE has precedence over MC2, which may be left at 0 (QF) where FnMODE says how t1 was sampled.
    is_qf = acqu2s.get("FnMODE", 0) in (0, 1) and proc2s.get("MC2") in (0, 1)
    if is_qf or proc2s.get("PH_mod") in (2, 3) or procs.get("PH_mod") in (2, 3):
        raise InputError(
            f"{path}: must be phased, this is a magnitude spectrum (MC2 or PH_mod); give a phase-sensitive TOCSY"
        )
    spectrum, axes = read_bruker_spectrum(path)
    acqu = [_beside(path, name) for name in ("acqu2s", "acqus")]
    processing = [
        _bruker_processing(one, own, axis) for one, own, axis in zip((proc2s, procs), acqu, axes, strict=True)
    ]
    described = {
        "solvent": acqus.text("SOLVENT"),
        "pulse_program": acqus.text("PULPROG"),
        "mixing_time_s": possible_mixing_s(delay_s(Path(acqus.source), MIXING_DELAY)),
    }
    return spectrum, list(axes), processing, described


def _beside(path: Path, name: str) -> Parameters:
    """Acquisition parameters of the experiment that a processing belongs to; empty where the file is missing."""
    file = path.resolve().parent.parent.parent / name  # the path may be relative to the processing's own folder
    return read_parameters(file) if file.is_file() else Parameters({}, file)


def _bruker_processing(processed: Parameters, acquired: Parameters, axis: Axis) -> Processing:
    """WDW is the window: 0 none, 1 EM, 2 GM, 3 SINE, 4 QSINE; SSB, LB and GB shape it."""
    points = processed.get("TDeff") or acquired.get("TD")
    n = int(points) // 2 if is_number(points) else 0
    if n < FEWEST:
        return Processing()
    code, ssb, lb, gb = (processed.get(key) or 0 for key in ("WDW", "SSB", "LB", "GB"))
    share = np.arange(n) / n
    seconds = np.arange(n) / axis.width_hz
    begin = np.pi / ssb if ssb >= 2 else 0.0  # SSB 2 begins at the top of the sine, 0 and 1 at its zero
    sine = np.sin((np.pi - begin) * share + begin)
    windows = {
        0: lambda: np.ones(n),
        1: lambda: np.exp(-np.pi * lb * seconds),
        2: lambda: np.exp(-np.pi * lb * seconds + np.pi * lb * seconds**2 / (2 * gb * n / axis.width_hz)),
        3: lambda: sine,
        4: lambda: sine**2,
    }
    known = code in windows and (code != 2 or gb > 0)
    return Processing(n, windows[code]() if known else None)


def experiment_of(plane_fid: torch.Tensor, start: float, measured: Experiment, window: np.ndarray) -> Experiment:
    """Take signals in t1, filled in by a reconstruction, back to an experiment.

    Arguments
    ---------
    plane_fid : torch.Tensor
        complex, (2 n_points, n_transients): cosine + i sine channel, F2 transformed, real, shifts rising.
    start : float
        Time of the first transient in dwell times.
    measured : Experiment
        What was measured, with the axes.
    window : np.ndarray
        What t2 was multiplied by, (n_points,).

    Returns
    -------
    Experiment
        With ``fid`` (2, n_transients, n_points) and without a schedule.
    """
    n = measured.f2.n
    undone = Processing(n, np.concatenate([[1.0], window[1:]]), 0.5)
    fid = np.stack([to_time(part.numpy(), n, undone) for part in (plane_fid.real.T, plane_fid.imag.T)])
    return Experiment(
        fid=single_precision(fid),
        f1=measured.f1,
        f2=measured.f2,
        t1_start=(start, start),
        n_valid=measured.f1.n,
        mixing_time_s=measured.mixing_time_s,
        solvent=measured.solvent,
        pulse_program=measured.pulse_program,
        source=measured.source,
        warnings=measured.warnings,
    )

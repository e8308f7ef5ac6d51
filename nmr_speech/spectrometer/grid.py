"""From the times, widths and phases of a spectrometer to those of a model."""

from dataclasses import replace

import numpy as np
import torch

from nmr_speech.axis import CARRIER_PPM, FIELD_MHZ, SPECTRAL_WIDTH_HZ, Axis
from nmr_speech.checks import InputError, in_range, whole
from nmr_speech.constants import N_POINTS
from nmr_speech.simulate.parameters import AXES, axis
from nmr_speech.spectrometer.experiment import Experiment
from nmr_speech.spectrometer.phase import absorption_f1, diagonal_share, negative_energy, phase_f2, turned
from nmr_speech.spectrometer.resample import Line, resample_t1, resample_t2

WATER_PPM = (4.4, 5.1)
FIRST_TRANSIENTS = 64  # of each channel, the strongest, in which the reference is looked for
CLEAR = 2.0  # the diagonal must gain this factor before the data overrule the file
ORDERS = (  # sign from transient to transient, sign of the sine channel
    (1, 1, ""),
    (1, -1, "F1 runs the other way round: sine channel negated"),
    (-1, 1, "the receiver turns by half a turn from transient to transient: signs alternated"),
    (-1, -1, "F1 runs the other way round and the receiver turns: sine channel negated, signs alternated"),
)
POOR = 0.25  # negative energy above which phases were not found


def to_grid(
    experiment: Experiment,
    *,
    field_mhz: float = FIELD_MHZ,
    carrier_ppm: float = CARRIER_PPM,
    spectral_width_hz: float = SPECTRAL_WIDTH_HZ,
    n: int = N_POINTS,
    shift_ppm: float = 0.0,
    phase_f2_deg: tuple[float, float] | None = None,
    t1_start: float | None = None,
) -> Experiment:
    """Bring an experiment to the grid of a model: the same shifts in ppm at the same places, time zero first.

    Arguments
    ---------
    experiment : Experiment
        As `read_experiment` gives it; at any field, width, carrier and size.
    field_mhz : float
        Proton frequency of the model's recordings. Shifts are mapped in ppm, so couplings in ppm stay the
        spectrometer's.
    carrier_ppm : float
        Their carrier, in both dimensions.
    spectral_width_hz : float
        Their spectral width, in both dimensions.
    n : int
        Their transients and points, 2 to 4096.
    shift_ppm : float
        What is added to all shifts: the reference; see `find_reference`.
    phase_f2_deg : tuple[float, float] | None
        Zero order at the carrier and first order across the width of F2; None finds them.
    t1_start : float | None
        Time of the first transient in dwell times, 0 or 0.5; None finds it.

    Returns
    -------
    Experiment
        With ``fid`` (2, n, n) and each step stated.

    Example
    -------
    >>> from nmr_speech.simulate import load_residue, tocsy
    >>> valine = load_residue("VAL", "d2o", "free")
    >>> settings = {"field_mhz": 500.0, "carrier_ppm": 4.7, "spectral_width_hz": 6500.0, "decay_time_t2_s": 0.05}
    >>> fid = tocsy(valine, valine.shift_mean_ppm, n_transients=128, n_points=512, decay_time_t1_s=0.02, **settings)
    >>> measured = Experiment(fid=fid * 1j, spectral_width_hz=6500.0, spectral_width_f1_hz=6500.0, field_mhz=500.0,
    ...     carrier_ppm=4.7, carrier_f1_ppm=4.7, n_valid=128)
    >>> gridded = to_grid(measured)
    >>> gridded.fid.shape, gridded.n_valid
    (torch.Size([2, 256, 256]), 118)
    """
    n = whole("n", n, 2, 4096)
    shift_ppm = in_range("shift_ppm", shift_ppm, *AXES["carrier_ppm"][:3], "-0.2 to 0.2")
    width_ppm = axis("spectral_width_hz", spectral_width_hz) / axis("field_mhz", field_mhz)
    want = Line(1 / (width_ppm * experiment.field_mhz), axis("carrier_ppm", carrier_ppm) * experiment.field_mhz)
    have = [_line(experiment, dimension, shift_ppm) for dimension in (1, 2)]
    _check_overlap(experiment, have, want)
    shifts = Axis(n, spectral_width_hz, carrier_ppm, field_mhz).ppm()
    keep = (shifts < WATER_PPM[0]) | (shifts > WATER_PPM[1])
    rows, order = _order(experiment, have, want, keep)
    rows, start, phase, phases = find_phases(rows, experiment, have, want, n, phase_f2_deg, t1_start)
    rows = resample_t2(rows, experiment.t2_start, have[1], want, n, phase)
    fid, n_valid = resample_t1(rows, start, have[0], want, n)
    fid = torch.from_numpy(fid.astype(np.complex64))
    steps = [
        f"All shifts have {shift_ppm:g} ppm added to them.",
        *order,
        *phases,
        _grid_step(experiment, field_mhz, width_ppm, carrier_ppm, n),
        f"{n_valid} of {n} transients are valid; those after them are zero.",
        _quality(fid, keep),
    ]
    return replace(
        experiment,
        fid=fid,
        spectral_width_hz=float(spectral_width_hz),
        spectral_width_f1_hz=float(spectral_width_hz),
        field_mhz=float(field_mhz),
        carrier_ppm=float(carrier_ppm),
        carrier_f1_ppm=float(carrier_ppm),
        t1_start=(0.0, 0.0),
        t2_start=0.0,
        n_valid=n_valid,
        steps=(*experiment.steps, *steps),
    )


def find_reference(experiment: Experiment, within_ppm: float = 0.3) -> float:
    """Find the line of DSS or TSP, which is at 0 ppm by definition, in F2.

    Arguments
    ---------
    experiment : Experiment
        As `read_experiment` gives it.
    within_ppm : float
        How far from 0 ppm it may be in the file's reference.

    Returns
    -------
    float
        What must be added to all shifts: ``shift_ppm`` of `to_grid`.

    Example
    -------
    >>> from nmr_speech.simulate import SpinSystem, tocsy
    >>> fid = tocsy(SpinSystem({"DSS": 9, "H": 1}, {}), [-0.1, 3.6], decay_time_t2_s=0.01, n_points=1024)
    >>> measured = Experiment(fid=fid, spectral_width_hz=7200.0, spectral_width_f1_hz=7200.0, field_mhz=600.0,
    ...     carrier_ppm=5.0, carrier_f1_ppm=5.0, n_valid=256)
    >>> abs(find_reference(measured) - 0.1) < 0.003
    True
    """
    rows = experiment.fid[:, :FIRST_TRANSIENTS].flatten(0, 1).numpy().astype(complex)
    first = max(0, round(-experiment.t2_start))  # a magnitude needs no build-up
    rows = rows[:, first:] * np.cos(np.arange(rows.shape[1] - first) * np.pi / (2 * (rows.shape[1] - first))) ** 2
    size = 8 * rows.shape[1]
    power = np.fft.fftshift((np.abs(np.fft.fft(rows, size)) ** 2).sum(axis=0))
    shifts = Axis(size, experiment.spectral_width_hz, experiment.carrier_ppm, experiment.field_mhz).ppm()
    near, around = np.abs(shifts) < within_ppm, np.abs(shifts) < 3 * within_ppm
    if not near.any() or power[near].max() < 20 * np.median(power[around]):
        raise InputError(
            f"{experiment.source}: no line stands out within {within_ppm:g} ppm of 0, so there is no DSS or TSP to "
            "refer to; give `shift_ppm`"
        )
    return float(-shifts[near][power[near].argmax()])


def _line(experiment, dimension, shift_ppm):
    width_hz, carrier_ppm = {
        1: (experiment.spectral_width_f1_hz, experiment.carrier_f1_ppm),
        2: (experiment.spectral_width_hz, experiment.carrier_ppm),
    }[dimension]
    return Line(1 / width_hz, (carrier_ppm + shift_ppm) * experiment.field_mhz)


def _check_overlap(experiment, have, want):
    for name, line in zip(("F1", "F2"), have, strict=True):
        shared = min(line.band_hz[1], want.band_hz[1]) - max(line.band_hz[0], want.band_hz[0])
        if shared < 0.25 / want.dwell_s:
            wanted, came = (
                " to ".join(f"{edge / experiment.field_mhz:.4g}" for edge in of.band_hz) for of in (want, line)
            )
            raise InputError(
                f"{experiment.source}: {name} must cover a quarter or more of the grid ({wanted} ppm), got {came} ppm"
            )


def _grid_step(experiment, field_mhz, width_ppm, carrier_ppm, n):
    return (
        f"Resampled by sinc functions to {width_ppm:.4g} ppm about {carrier_ppm:g} ppm, {n} x {n} points, called "
        f"{field_mhz:g} MHz; measured at {experiment.field_mhz:.5g} MHz, so couplings in ppm are "
        f"{field_mhz / experiment.field_mhz:.3g} times those of that field."
    )


def _order(experiment, have, want, keep):
    """Signs of the transients for which the diagonal of the spectrum is one."""
    rows, n = experiment.fid.numpy().astype(complex), len(keep)
    on_grid = resample_t2(rows, experiment.t2_start, have[1], want, n)
    alternated = (-1.0) ** np.arange(rows.shape[1])[:, None]
    signs = [np.array([1, sine])[:, None, None] * (alternated if turn < 0 else 1) for turn, sine, _ in ORDERS]
    shares = [
        diagonal_share(resample_t1(sign * on_grid, experiment.t1_start, have[0], want, n)[0], keep) for sign in signs
    ]
    best = int(np.argmax(shares))
    if shares[best] <= CLEAR * shares[0]:
        return rows, []
    found = f"{shares[0]:.2f} of the energy lay on it before, {shares[best]:.2f} after"
    return rows * signs[best], [f"The diagonal of the spectrum shows that {ORDERS[best][2]} ({found})."]


def find_phases(
    rows: np.ndarray,
    experiment: Experiment,
    have: list[Line],
    want: Line,
    n: int,
    given_deg: tuple[float, float] | None = None,
    given_start: float | None = None,
) -> tuple[np.ndarray, tuple[float, float], tuple[float, float], tuple[str, str]]:
    """Find start of t1, quarter turns in F1 and phases in F2 for which the least energy is negative.

    Arguments
    ---------
    rows : np.ndarray
        complex, (2, n_transients, n_points).
    experiment : Experiment
        Whose they are.
    have : list[Line]
        How F1 and F2 are sampled.
    want : Line
        Frequencies of F1 to look at.
    n : int
        Points in F1 to look at.
    given_deg, given_start : tuple[float, float] | None, float | None
        ``phase_f2_deg`` and ``t1_start`` of `to_grid`, where known.

    Returns
    -------
    rows : np.ndarray
        With the quarter turns taken away.
    start : tuple[float, float]
        Times of the first transients of both channels, in dwell times.
    phase : tuple[float, float]
        Zero and first order in F2, radians; not yet taken away.
    steps : tuple[str, str]
        What was found.

    Example
    -------
    >>> t = np.arange(64)
    >>> line = np.exp((0.5j - 0.05) * t)
    >>> rows = np.stack([np.outer(line.real, line), np.outer(line.imag, line)]) * 1j
    >>> one = Experiment(fid=torch.from_numpy(rows), spectral_width_hz=6000.0, spectral_width_f1_hz=6000.0,
    ...     field_mhz=600.0, carrier_ppm=8.0, carrier_f1_ppm=8.0, n_valid=64)
    >>> find_phases(rows, one, [Line(1 / 6000, 4800.0)] * 2, Line(1 / 6000, 4800.0), 64)[3][1]
    'The phase in F2 is 9... degrees at the carrier and ... across the width, ... taken away.'
    """
    n_points = rows.shape[-1]
    line = have[1]
    shifts = (line.centre_hz + np.fft.fftshift(np.fft.fftfreq(2 * n_points)) / line.dwell_s) / experiment.field_mhz
    water = (shifts > WATER_PPM[0]) & (shifts < WATER_PPM[1])
    tried = []
    for late in (0.0, 0.5) if given_start is None else (_half(given_start),):
        for quarters in range(4 if given_deg is not None else 2):  # a half turn is one in F2 as well
            fid, start = turned(rows, tuple(first + late for first in experiment.t1_start), quarters)
            f1 = absorption_f1(resample_t1(fid, start, have[0], want, n)[0])
            *phase, energy = phase_f2(f1, experiment.t2_start, water, _radians(given_deg))
            tried.append((energy, late, quarters, fid, start, phase))
    tried.sort(key=lambda one: one[0])
    energy, late, quarters, fid, start, phase = tried[0]
    zero, first = np.rad2deg(phase)
    found = f"{WATER_PPM[0]} to {WATER_PPM[1]} ppm left out" if given_deg is None else "as the caller says"
    steps = (
        f"The first transient was taken {late:g} dwell times after zero and F1 is {90 * quarters} degrees out of "
        f"phase: so {energy:.3f} of the energy of the strongest rows is negative, {tried[1][0]:.3f} in the next best "
        "case.",
        f"The phase in F2 is {zero:.1f} degrees at the carrier and {first:.1f} across the width, {found}; taken away.",
    )
    return fid, start, tuple(phase), steps


def _radians(given_deg):
    if given_deg is None:
        return None
    zero, first = (in_range("phase_f2_deg", value, -720, 720, "degrees") for value in given_deg)
    return np.deg2rad(zero), np.deg2rad(first)


def _quality(fid, keep):
    energy = negative_energy(fid, torch.from_numpy(keep[:, None] & keep))
    poor = "; that is much, so the phases may be wrong" if energy > POOR else ""
    return f"{energy:.3f} of the energy outside the water is negative{poor}."


def _half(value):
    if value not in (0, 0.5):
        raise InputError(f"`t1_start` must be 0 or half a dwell time (0.5), got {value!r}")
    return float(value)

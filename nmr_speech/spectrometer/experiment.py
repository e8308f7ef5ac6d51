"""What every reader hands on: the rows of an experiment as States pairs, with the times at which they were taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from nmr_speech.checks import InputError, is_number, one_of
from nmr_speech.simulate.parameters import AXES

QUADRATURES = ("states", "states_tppi", "tppi", "echo_antiecho")


@dataclass(frozen=True, eq=False, kw_only=True)
class Experiment:
    """A 2D homonuclear experiment as it was measured, or as `to_grid` brought it to a model's grid.

    Signals go as exp(+2 pi i (shift - carrier) field t), as in the simulator. Row n of channel c was taken at
    ``t1 = (n + t1_start[c]) / spectral_width_f1_hz``, point k at ``t2 = (k + t2_start) / spectral_width_hz``. Times are
    kept, not corrected, so that `to_grid` need resample only once.

    Arguments
    ---------
    fid : torch.Tensor
        complex64, (2, n_transients, n_points): cosine and sine channel.
    spectral_width_hz : float
        Spectral width of F2.
    spectral_width_f1_hz : float
        Spectral width of F1.
    field_mhz : float
        Proton frequency.
    carrier_ppm : float
        Shift at zero frequency in F2.
    carrier_f1_ppm : float
        Shift at zero frequency in F1.
    t1_start : tuple[float, float]
        Time of the first transient of the cosine and of the sine channel, in dwell times of t1.
    t2_start : float
        Time of the first point in dwell times of t2: minus the group delay where a digital filter builds up.
    n_valid : int
        Transients measured; those after them are zero.
    field_f1_mhz : float | None
        Frequency of the nucleus of F1; None where it is a proton too.
    mixing_time_s : float | None
        As the file says; None where it does not.
    solvent : str | None
        As the file calls it.
    pulse_program : str | None
        As the file calls it.
    source : str
        The file.
    steps : tuple[str, ...]
        What was found and done, one sentence each, in order.
    """

    fid: torch.Tensor
    spectral_width_hz: float
    spectral_width_f1_hz: float
    field_mhz: float
    carrier_ppm: float
    carrier_f1_ppm: float
    t1_start: tuple[float, float] = (0.0, 0.0)
    t2_start: float = 0.0
    n_valid: int
    field_f1_mhz: float | None = None
    mixing_time_s: float | None = None
    solvent: str | None = None
    pulse_program: str | None = None
    source: str = "simulated"
    steps: tuple[str, ...] = ()


def states_pairs(rows: np.ndarray, quadrature: str) -> tuple[np.ndarray, tuple[float, float]]:
    """Sort rows, in the order of measurement, into cosine and sine channel.

    ``states``: cos, sin, cos, sin. ``states_tppi``: the same, with the receiver turned by half a turn from pair to
    pair, so pair k times (-1)^k. ``tppi``: cos, sin, -cos, -sin at times half a dwell apart; nothing is computed, the
    sine channel starts later. ``echo_antiecho``: N = cos - i sin, P = cos + i sin.

    Arguments
    ---------
    rows : np.ndarray
        Complex, (rows, n_points).
    quadrature : str
        One of the above.

    Returns
    -------
    fid : np.ndarray
        complex, (2, rows // 2, n_points). A last row without partner is left out.
    t1_start : tuple[float, float]
        Time of the first cosine and of the first sine row in dwell times, if the first row is at zero.

    Example
    -------
    >>> fid, t1_start = states_pairs(np.array([[1], [2], [-3], [-4]]) + 0j, "tppi")
    >>> fid[..., 0].real.tolist(), t1_start
    ([[1.0, 3.0], [2.0, 4.0]], (0.0, 0.5))
    """
    one_of("quadrature", quadrature, QUADRATURES)
    n = len(rows) // 2
    fid = rows[: 2 * n].reshape(n, 2, -1).transpose(1, 0, 2)
    if quadrature in ("states_tppi", "tppi"):
        fid = fid * (-1.0) ** np.arange(n)[:, None]
    if quadrature == "echo_antiecho":
        echo, antiecho = fid
        fid = np.stack([(antiecho + echo) / 2, (antiecho - echo) / 2j])
    return fid, (0.0, 0.5 if quadrature == "tppi" else 0.0)


def check_rows(rows: np.ndarray, source: str | Path) -> tuple[np.ndarray, str]:
    """Refuse rows that hold no experiment, and leave out those at the end that were never measured.

    Arguments
    ---------
    rows : np.ndarray
        Complex, (rows, n_points).
    source : str | Path
        The file, for messages.

    Returns
    -------
    rows : np.ndarray
        The rows measured.
    step : str
        A sentence that says how many.

    Example
    -------
    >>> rows = np.ones((16, 16)) + 0j
    >>> rows[10:] = 0
    >>> check_rows(rows, "ser")[1]
    '10 of 16 rows were measured, of 16 complex points.'
    """
    if not np.isfinite(rows).all():
        raise InputError(f"{source}: points must be finite numbers, got NaN or infinity; copy the file again")
    largest = np.abs(rows).max(axis=1, initial=0)
    measured = len(rows) - int((largest[::-1] > 0).argmax()) if largest.any() else 0
    if measured < 8 or rows.shape[1] < 16:
        raise InputError(
            f"{source}: an experiment needs at least 8 rows that are not zero, of 16 points, got {measured} of "
            f"{rows.shape[1]}; was it stopped before it began?"
        )
    step = f"{measured} of {len(rows)} rows were measured, of {rows.shape[1]} complex points."
    return rows[:measured], step


def number(parameters: dict, key: str, source: str | Path, low: float, high: float, unit: str = "") -> float:
    """Take a number from the parameters of a file.

    Example
    -------
    >>> number({"TD": 256}, "TD", "acqu2s", 1, 1e6)
    256.0
    >>> number({"TD": "many"}, "TD", "acqu2s", 1, 1e6, "rows")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: acqu2s: TD must be a number from 1 to 1e+06 rows, got 'many'; copy the file again ...
    """
    value = parameters.get(key)
    if not is_number(value) or not low <= value <= high:
        came = "none" if value is None else repr(value)
        raise InputError(
            f"{source}: {key} must be a number from {low:g} to {high:g}{unit and ' '}{unit}, got {came}; "
            "copy the file again or correct it"
        )
    return float(value)


def axis_of(parameters: dict, key: str, source: str | Path, axis: str) -> float:
    """Take a number that must be possible for a parameter of `nmr_speech.simulate.parameters.AXES`.

    Example
    -------
    >>> axis_of({"SW_h": 6493.5}, "SW_h", "acqus", "spectral_width_hz")
    6493.5
    """
    low, high, unit, _ = AXES[axis]
    return number(parameters, key, source, low, high, unit)


def same_nucleus(source: str | Path, f2: str, f1: str, frequencies_mhz: tuple[float, float]) -> None:
    """Refuse what is not proton against proton, as a model needs it.

    Example
    -------
    >>> same_nucleus("acqu2s", "1H", "15N", (600.0, 60.8))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: acqu2s: both dimensions must be 1H, got 1H in F2 and 15N in F1 (600 and 60.8 MHz); ...
    """
    far = abs(frequencies_mhz[0] / frequencies_mhz[1] - 1) > 0.001
    if f2 != "1H" or f1 != "1H" or far:
        raise InputError(
            f"{source}: both dimensions must be 1H, got {f2} in F2 and {f1} in F1 "
            f"({frequencies_mhz[0]:.6g} and {frequencies_mhz[1]:.6g} MHz); a TOCSY of protons can be used"
        )


def time_zero(rows: np.ndarray, group_delay: float, source: str | Path) -> tuple[float, str]:
    """Say when the first point was taken: the group delay counts only where its build-up is still in the file.

    Arguments
    ---------
    rows : np.ndarray
        Complex, (rows, n_points).
    group_delay : float
        Of the digital filter, in points, as the file has it; 0 for none.
    source : str | Path
        The file, for messages.

    Returns
    -------
    t2_start : float
        In dwell times.
    step : str
        What was found.

    Example
    -------
    >>> time_zero(np.ones((4, 64)), 20.5, "ser")
    (0.0, 'The group delay of 20.5 points has been removed before: the first points are as large as those after.')
    """
    if group_delay > rows.shape[1] / 2:
        raise InputError(
            f"{source}: the group delay must end before half of the points, got {group_delay:g} of {rows.shape[1]}; "
            "was the file cut off?"
        )
    whole = int(group_delay)
    if whole < 2:
        return -group_delay, f"The digital filter has a group delay of {group_delay:g} points."
    power = (np.abs(rows) ** 2).mean(axis=0)
    if power[: whole - 1].mean() > 0.2 * power[whole + 1 : 2 * whole + 1].mean():
        step = f"The group delay of {group_delay:g} points has been removed before: the first points are as large as "
        return 0.0, step + "those after."
    step = f"The digital filter has a group delay of {group_delay:g} points: time zero is there, and the build-up "
    return -group_delay, step + "before it is kept."


def assemble(
    fid: np.ndarray,
    *,
    widths_hz: Sequence[float],
    field_mhz: float,
    carriers_ppm: Sequence[float],
    starts: tuple[tuple[float, float], float],
    source: str,
    steps: Sequence[str],
    field_f1_mhz: float | None = None,
    mixing_time_s: float | None = None,
    solvent: str | None = None,
    pulse_program: str | None = None,
) -> Experiment:
    """Put an experiment together; of each pair F2 comes first.

    Arguments
    ---------
    fid : np.ndarray
        complex, (2, n_transients, n_points).
    widths_hz : Sequence[float]
        Spectral widths.
    field_mhz : float
        Frequency of 0 ppm.
    carriers_ppm : Sequence[float]
        Shifts at zero frequency.
    starts : tuple[tuple[float, float], float]
        ``t1_start`` and ``t2_start``.
    source : str
        The file.
    steps : Sequence[str]
        What the reader found.
    field_f1_mhz : float | None
        Frequency of the nucleus of F1; None where it is a proton too.
    mixing_time_s : float | None
        As the file says; none that a TOCSY could have counts as not said.
    solvent, pulse_program : str | None
        As the file calls them.

    Returns
    -------
    Experiment

    Example
    -------
    >>> fid = np.ones((2, 8, 16)) + 0j
    >>> one = assemble(fid, widths_hz=(6000, 6000), field_mhz=500, carriers_ppm=(4.7, 4.7), starts=((0, 0.5), 0),
    ...     source="ser", steps=("Read.",))
    >>> one.n_valid, one.t1_start, one.steps[1]
    (8, (0, 0.5), 'F2 is 6000 Hz wide about 4.7 ppm, F1 6000 Hz about 4.7 ppm.')
    """
    (width_hz, width_f1_hz), (carrier_ppm, carrier_f1_ppm) = widths_hz, carriers_ppm
    axes = (
        f"F2 is {width_hz:.6g} Hz wide about {carrier_ppm:.4g} ppm, F1 {width_f1_hz:.6g} Hz about "
        f"{carrier_f1_ppm:.4g} ppm."
    )
    largest = np.abs(fid).max()  # single precision ends at 3e38, and a file may hold more
    scaled = fid / largest if largest > 1e30 or largest < 1e-30 else fid
    return Experiment(
        fid=torch.from_numpy(np.ascontiguousarray(scaled, dtype=np.complex64)),
        spectral_width_hz=width_hz,
        spectral_width_f1_hz=width_f1_hz,
        field_mhz=field_mhz,
        carrier_ppm=carrier_ppm,
        carrier_f1_ppm=carrier_f1_ppm,
        t1_start=starts[0],
        t2_start=starts[1],
        n_valid=fid.shape[1],
        field_f1_mhz=field_f1_mhz,
        mixing_time_s=mixing_time_s if is_number(mixing_time_s) and 0 < mixing_time_s < 1 else None,
        solvent=str(solvent or "").strip() or None,
        pulse_program=str(pulse_program or "").strip() or None,
        source=source,
        steps=(*steps, axes),
    )

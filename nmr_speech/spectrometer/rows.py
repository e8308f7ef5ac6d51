"""Rows in the order of measurement: which were measured, when their first point was taken, their States pairs."""

from pathlib import Path

import numpy as np

from nmr_speech.checks import InputError, one_of
from nmr_speech.simulate.fid import echo_to_states

QUADRATURES = ("states", "states_tppi", "tppi", "echo_antiecho")
FEWEST_ROWS, FEWEST_POINTS = 8, 16  # fewer show neither phases nor a diagonal
MOST_DELAY = 1000  # points; digital filters delay by 30 to 130
LEAST_DELAY = 12  # points; a shorter build-up is no digital filter's
ONSET = 0.4  # of the largest amplitude: at time zero the response of a filter has reached half of its height
SILENT = 0.05  # mean power in the first half of a build-up, relative to that after it
ABRUPT = 0.02  # amplitude just before time zero, relative to that at it; ringing has 0.05 to 0.1
NO_BUILD_UP = 0.2  # mean power before time zero, relative to that after it, above which there is no build-up


def states_pairs(rows: np.ndarray, quadrature: str) -> tuple[np.ndarray, tuple[float, float]]:
    """Sort rows, in the order of measurement, into cosine and sine channel.

    ``states``: cos, sin, cos, sin. ``states_tppi``: the same, with the receiver turned by half a turn from pair to
    pair, so pair k is multiplied by (-1)^k. ``tppi``: cos, sin, -cos, -sin at times half a dwell apart; the sine
    channel starts later, and nothing is interpolated. ``echo_antiecho``: N = cos - i sin, P = cos + i sin.
    States: doi:10.1016/0022-2364(82)90279-7; TPPI: Marion and Wüthrich, Biochem. Biophys. Res. Commun. 113, 967 (1983).

    Arguments
    ---------
    rows : np.ndarray
        complex, (rows, n_points).
    quadrature : str
        One of the above.

    Returns
    -------
    fid : np.ndarray
        complex, (2, rows // 2, n_points). A last row without a partner is dropped.
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
        fid = np.stack(echo_to_states(*fid))
    return fid, (0.0, 0.5 if quadrature == "tppi" else 0.0)


def by_caller(quadrature: str) -> tuple[str, str]:
    """Return what the caller says of the sampling of t1, and a sentence that says so.

    Example
    -------
    >>> by_caller("states")
    ('states', 't1 was sampled as states, as given by the caller.')
    """
    return quadrature, f"t1 was sampled as {quadrature}, as given by the caller."


def check_rows(rows: np.ndarray, source: str | Path) -> tuple[np.ndarray, str]:
    """Refuse rows that hold no experiment, and drop those at the end that were never measured.

    Arguments
    ---------
    rows : np.ndarray
        complex, (rows, n_points).
    source : str | Path
        The file, for messages.

    Returns
    -------
    rows : np.ndarray
        The rows measured, complex, (rows measured, n_points).
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
    if rows.shape[1] < FEWEST_POINTS:
        raise InputError(f"{source}: a row must have at least {FEWEST_POINTS} points in t2, got {rows.shape[1]}")
    largest = np.abs(rows).max(axis=1, initial=0)
    # Spectrometers allocate the whole file at the start, so a stopped experiment ends in rows of zeros.
    measured = len(rows) - int((largest[::-1] > 0).argmax()) if largest.any() else 0
    if len(rows) == 1:
        raise InputError(f"{source}: holds a single row, so it is a 1D experiment; give a 2D TOCSY")
    if measured == 0:
        raise InputError(
            f"{source}: all {len(rows)} rows are zero, at least {FEWEST_ROWS} rows must hold a signal: the file was "
            "allocated, but the measurement never started or the data were not copied; copy it again"
        )
    if measured < FEWEST_ROWS:
        raise InputError(
            f"{source}: at least {FEWEST_ROWS} rows must hold a signal, got {measured} of {len(rows)}: the experiment "
            "was stopped too early, or it is not a 2D experiment; measure longer"
        )
    step = f"{measured} of {len(rows)} rows were measured, of {rows.shape[1]} complex points."
    return rows[:measured], step


def time_zero(rows: np.ndarray, group_delay: float, source: str | Path) -> tuple[np.ndarray, float, str]:
    """Tell when the first point was taken: the group delay counts only where its build-up is still in the file.

    Arguments
    ---------
    rows : np.ndarray
        complex, (rows, n_points).
    group_delay : float
        Of the digital filter, in points, according to the file; 0 for none.
    source : str | Path
        The file, for messages.

    Returns
    -------
    rows : np.ndarray
        The same, without empty points before the signal.
    t2_start : float
        Time of the first point in dwell times.
    step : str
        What was found.

    Example
    -------
    >>> time_zero(np.ones((4, 64)), 20.5, "ser")[1:]
    (0.0, 'The group delay of 20.5 points had been removed already: the first points are as large as later ones.')
    """
    if group_delay > rows.shape[1] / 2:
        raise InputError(
            f"{source}: the group delay must end before half of the points, got {group_delay:g} of {rows.shape[1]}; "
            "was the file cut off?"
        )
    whole = int(group_delay)
    if whole < 2:
        return _unsaid_delay(rows, group_delay)
    # Programs that remove the delay from the points leave it in the parameters, so only the points tell.
    power = (np.abs(rows) ** 2).mean(axis=0)
    if power[: whole - 1].mean() > NO_BUILD_UP * power[whole + 1 : 2 * whole + 1].mean():
        step = f"The group delay of {group_delay:g} points had been removed already: the first points are as large as "
        return rows, 0.0, step + "later ones."
    step = f"The digital filter has a group delay of {group_delay:g} points: time zero is there, and the build-up "
    return rows, -group_delay, step + "before it is kept."


def _unsaid_delay(rows: np.ndarray, group_delay: float) -> tuple[np.ndarray, float, str]:
    """Look for a group delay that the file does not mention: converters lose it, the points still show it."""
    with np.errstate(over="ignore"):  # a damaged file of float64; infinities have no onset
        amplitude = np.sqrt((np.abs(rows) ** 2).mean(axis=0))
    onset = int((amplitude > ONSET * amplitude.max()).argmax())
    quiet, power = amplitude[: onset // 2 + 1] ** 2, amplitude**2
    if not LEAST_DELAY <= onset < len(amplitude) / 2 or quiet.mean() > SILENT * power[onset : 2 * onset].mean():
        return rows, -group_delay, f"The digital filter has a group delay of {group_delay:g} points."
    found = f"The file mentions no group delay, but the signal builds up over {onset} points as behind a digital filter"
    # The response of a filter rings for some points before time zero; where it does not, nothing was recorded there.
    if amplitude[onset - 2 : onset].max() < ABRUPT * amplitude[onset]:
        return rows[:, onset:], 0.0, f"{found}, abruptly: the points before it are empty and left out."
    return rows, -float(onset), f"{found}: time zero is taken there, and the build-up before it is kept."

"""Non-uniformly sampled rows on their full grid."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nmr_speech.checks import InputError
from nmr_speech.spectrometer.limits import refuse_many_points


@dataclass(frozen=True, eq=False)
class Sampling:
    """The schedule by which `nmr_speech.spectrometer.read_experiment` places non-uniformly sampled rows.

    Arguments
    ---------
    schedule : np.ndarray | None
        Indices of the transients that were measured, from 0, in the order of measurement; None: all.
    n : int | None
        Number of transients of the full grid; None takes what the file says, or one more than the last index.

    Example
    -------
    >>> rows = np.arange(1, 5)[:, None] + 0j
    >>> full, schedule, _ = Sampling(np.array([0, 2]), 4).expand(rows, 4, 0, "ser")
    >>> full[:, 0].real.tolist(), schedule.tolist()
    ([1.0, 2.0, 0.0, 0.0, 3.0, 4.0, 0.0, 0.0], [0, 2])
    """

    schedule: np.ndarray | None = None
    n: int | None = None

    def expand(
        self, rows: np.ndarray, n_rows: int, n_said: int, source: str | Path
    ) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
        """Put rows at their places on the full grid, zeros elsewhere; a file that is full already is left as it is.

        Arguments
        ---------
        rows : np.ndarray
            Rows measured, as `check_rows` returns them, two for each transient: complex, (rows, n_points).
        n_rows : int
            Number of rows of the file, including those of zeros at its end.
        n_said : int
            Number of transients of the full grid according to the file; 0 where it does not say.
        source : str | Path
            The file, for messages.

        Returns
        -------
        rows : np.ndarray
            complex, (2 n, n_points); without a schedule unchanged.
        schedule : np.ndarray | None
            Indices of the transients that were measured, (m,).
        warnings : tuple[str, ...]
            A doubt about the schedule, if there is one.
        """
        if self.schedule is None:
            return rows, None, ()
        pairs, planned = len(rows) // 2, len(self.schedule)
        # Fewer pairs than planned, in a file that is not one of the full grid: the measurement was stopped.
        stopped = pairs < planned and (n_said > 0 or n_rows // 2 <= planned)
        schedule = self.schedule[:pairs] if stopped else self.schedule
        last, m = int(self.schedule.max()), len(schedule)
        n = self.n or max(n_said, last + 1 if pairs == m else n_rows // 2)
        if last >= n or (pairs != m and n_rows // 2 <= last):
            raise InputError(
                f"{source}: the schedule must fit the file, got {m} points up to {last} (from 0) for {pairs} measured "
                f"pairs of rows and a grid of {n}; is it the schedule of this experiment, and counted from 0 or 1?"
            )
        refuse_many_points(source, 2 * n, rows.shape[1])
        full = np.zeros((n, 2, rows.shape[1]), dtype=rows.dtype)
        paired = rows[: 2 * pairs].reshape(pairs, 2, -1)
        if pairs == m:
            full[schedule] = paired
        else:
            full[: min(n, pairs)] = paired[:n]
        warning = (
            f"of {planned} points of the schedule, the first {pairs} are taken as measured, because the file holds no "
            "more: the measurement was stopped, or the schedule is of another experiment"
        )
        return full.reshape(2 * n, -1), schedule, (warning,) if stopped else ()

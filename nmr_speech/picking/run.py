"""Pick the peaks of a spectrum of any format that is read, and write the table."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nmr_speech.picking.peaks import Peaks
from nmr_speech.picking.pick import DEFAULT, pick
from nmr_speech.picking.spectra import Spectrum, read_to_pick
from nmr_speech.picking.tables import check_ending, write_peaks

MOST_TOLD = 20  # peaks


@dataclass(frozen=True, eq=False)
class Picked:
    """The peaks of a file.

    Arguments
    ---------
    spectrum : Spectrum
        What was picked.
    peaks : Peaks
        By falling probability.
    method : str
        How.
    """

    spectrum: Spectrum
    peaks: Peaks
    method: str

    def told(self) -> list[str]:
        """Say in lines of text how many peaks there are, and list the first."""
        lines = [f"{len(self.peaks)} peaks by {self.method}"]
        for row in self.peaks.rows()[:MOST_TOLD]:
            shifts = "  ".join(f"{name} {row[f'{name}_ppm']:8.3f} ppm" for name in ("f2", "f1") if f"{name}_ppm" in row)
            lines.append(f"{shifts}  height {row['height']:11.4g}  probability {row['probability']:.2f}")
        return lines

    def summary(self) -> dict[str, Any]:
        """Return the method, steps and peaks, ready for JSON; standard errors that are unknown are None."""
        return {"method": self.method, "steps": list(self.spectrum.steps), "peaks": self.peaks.rows()}


def pick_file(
    path: str | Path,
    out: str | Path,
    method: str = DEFAULT,
    threshold: float | None = None,
    split: bool | None = None,
) -> Picked:
    """Pick the peaks of a spectrum and write them.

    Arguments
    ---------
    path : str | Path
        As for `nmr_speech.picking.spectra.read_to_pick`.
    out : str | Path
        ``.tab``, ``.list`` or ``.csv``.
    method : str
        One of `nmr_speech.picking.METHODS`.
    threshold : float | None
        Least probability of a peak, from 0 to 1; None for that of the method.
    split : bool | None
        As for `nmr_speech.picking.pick`.

    Returns
    -------
    Picked

    Example
    -------
    >>> import numpy as np
    >>> from nmr_speech.axis import Axis
    >>> from nmr_speech.reconstruction.spectrum_files import write_spectrum
    >>> folder, axis = getfixture("tmp_path"), Axis(64, 6400.0, 5.0, 500.0)
    >>> line = np.exp(-(((np.arange(64) - 30) / 3) ** 2))
    >>> write_spectrum(folder / "one.ft2", np.outer(line, line), axis, axis)
    >>> len(pick_file(folder / "one.ft2", folder / "one.tab", "maxima").peaks)
    1
    """
    check_ending(out)
    spectrum = read_to_pick(path)
    peaks = pick(spectrum.values, spectrum.axes, method, threshold, split=split)
    write_peaks(out, peaks, spectrum.axes)
    return Picked(spectrum, peaks, method)

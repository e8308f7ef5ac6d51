"""JEOL files, ``.jdf``, as Delta writes them; nmrglue reads the layout."""

import math
import warnings
from pathlib import Path
from typing import Any

import nmrglue
import numpy as np

from nmr_speech.axis import LIMITS, Axis
from nmr_speech.checks import InputError
from nmr_speech.spectrometer.experiment import (
    Experiment,
    axes_step,
    is_same_nucleus,
    possible_mixing_s,
    require_protons,
    single_precision,
)
from nmr_speech.spectrometer.parameters import Parameters
from nmr_speech.spectrometer.rows import by_caller, check_rows, states_pairs, time_zero
from nmr_speech.spectrometer.sampling import Sampling

MAGIC = b"JEOL.NMR"
NUCLEI = {"Proton": "1H", "Carbon13": "13C", "Nitrogen15": "15N", "Fluorine19": "19F", "Phosphorus31": "31P"}


def is_jeol(path: Path) -> bool:
    r"""Whether a file begins as those of Delta do.

    Example
    -------
    >>> path = getfixture("tmp_path") / "one.jdf"
    >>> _ = path.write_bytes(b"JEOL.NMR\0")
    >>> is_jeol(path)
    True
    """
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_jeol(path: Path, quadrature: str | None = None, sampling: Sampling | None = None) -> Experiment:
    """Read a 2D JEOL file that is not yet transformed.

    Arguments
    ---------
    path : Path
        File of Delta, ``.jdf``.
    quadrature : str | None
        How t1 was sampled; None takes States where both axes are complex and TPPI where F1 says so.
    sampling : Sampling | None
        For reconstruction: any nucleus in F1, sampled uniformly or not. None: uniformly sampled protons.

    Returns
    -------
    Experiment
        Rows as States pairs, (2, n_transients, n_points).

    Example
    -------
    >>> path = getfixture("tmp_path") / "one.jdf"
    >>> _ = path.write_bytes(b"JEOL.NMR" + bytes(100))
    >>> read_jeol(path)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...one.jdf: cannot be read as 2D data of JEOL (...); save the FID from Delta again
    """
    header, parameters, every_row = _read(path)
    _check_kind(path, header, sampling)
    observed_mhz = _hertz(parameters, "x_freq") / 1e6, _hertz(parameters, "y_freq") / 1e6
    nuclei = _nucleus(parameters, "x_domain"), _nucleus(parameters, "y_domain")
    if sampling is None:
        require_protons(path, nuclei, observed_mhz)
    mode, said = by_caller(quadrature) if quadrature else _quadrature(path, header)
    rows, step = check_rows(every_row, path)
    # nmrglue does not keep the orders and factors of the filter; its build-up shows in the points.
    rows, t2_start, filtered = time_zero(rows, 0.0, path)
    rows, schedule, doubts = (sampling or Sampling()).expand(rows, len(every_row), 0, path)
    fid, t1_start = states_pairs(rows, mode)
    f2 = _axis(parameters, "x", fid.shape[2], observed_mhz[0])
    f1 = _axis(parameters, "y", fid.shape[1], observed_mhz[1])
    if is_same_nucleus(*observed_mhz):
        f1 = Axis(f1.n, f1.width_hz, f1.carrier_ppm, f2.field_mhz)
    return Experiment(
        fid=single_precision(fid),
        f1=f1,
        f2=f2,
        t1_start=t1_start,
        t2_start=t2_start,
        n_valid=f1.n,
        mixing_time_s=possible_mixing_s(parameters.get("mix_time")),
        solvent=parameters.text("solvent"),
        pulse_program=parameters.text("experiment"),
        nucleus=nuclei[0],
        schedule=schedule,
        source=str(path),
        steps=(f"JEOL file; {step}", said, "The carriers in ppm are x_offset and y_offset.", filtered,
               axes_step(f1, f2)),
        warnings=doubts,
    )  # fmt: skip


def _read(path: Path) -> tuple[dict[str, Any], Parameters, np.ndarray]:
    """Header, parameters, and rows, complex, (rows, n_points)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, rows = _parsed(path.read_bytes())
    except Exception as error:  # whatever nmrglue trips over in a damaged file or a layout that it does not know
        raise InputError(
            f"{path}: cannot be read as 2D data of JEOL ({error or type(error).__name__}); save the FID from Delta "
            "again"
        ) from error
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or min(rows.shape) < 2:
        raise InputError(f"{path}: must hold 2D data with complex points in t2, this is 1D or real; give a 2D TOCSY")
    return found["header"], Parameters(found["parameters"], path), rows


class _Text(nmrglue.jeol.IOBuffer):
    """Text of any encoding: comments hold whatever the user typed, and nmrglue takes UTF-8 alone."""

    def read_chars(self, count: int) -> str:
        start = self.position
        self.position += count
        return self.buffer[start : self.position].decode("latin-1")


def _parsed(content: bytes) -> tuple[dict[str, Any], np.ndarray]:
    """Do what `nmrglue.jeol.read` does, without its loop over single numbers."""
    jeol = nmrglue.jeol
    buffer, header = jeol.read_header(_Text(content, jeol.ConversionTable))
    _, parameters = jeol.read_parameters(buffer, header["param_start"], header["endian"])
    found = {"header": header, "parameters": parameters}
    order = "<" if header["endian"] == "little_endian" else ">"
    n_numbers = math.prod(header["data_points"]) * jeol.nsections(found)
    numbers = np.frombuffer(content, np.dtype(header["data_type"]).newbyteorder(order), n_numbers, header["data_start"])
    return found, jeol.truncate_data(found, jeol.reorganize(found, numbers.astype(float)))


def _check_kind(path: Path, header: dict[str, Any], sampling: Sampling | None) -> None:
    """Refuse spectra, series of 1D spectra, and a schedule that the caller does not know of."""
    units = [header["units"][k][2] for k in (0, 1)]
    if any(unit in ("ppm", "hertz") for unit in units):
        raise InputError(f"{path}: must be in the time domain, this is a spectrum; save the raw data from Delta")
    ranged = header["data_axis_ranged"][1]
    if ranged == "listed":
        raise InputError(f"{path}: is a series of 1D spectra over a list, so there is no F1; give a 2D TOCSY")
    if ranged == "sparse" and (sampling is None or sampling.schedule is None):
        raise InputError(f"{path}: t1 must be sampled uniformly; reconstruct it first, with its `schedule`")


def _quadrature(path: Path, header: dict[str, Any]) -> tuple[str, str]:
    """How t1 was sampled, and a sentence on how that is known."""
    kinds = header["data_axis_type"][:2]
    if kinds[0] == kinds[1] == "complex":
        return "states", "t1 was sampled as states (both axes are complex)."
    if kinds[1] == "tppi":
        return "tppi", "t1 was sampled as tppi (type of the F1 axis)."
    raise InputError(
        f"{path}: F1 must be complex (States), got {kinds[1]}; one real channel in t1 cannot distinguish positive from "
        "negative frequencies. If t1 was sampled otherwise, give `quadrature`"
    )


def _hertz(parameters: Parameters, key: str) -> float:
    low, high, _, _ = LIMITS["field_mhz"]
    return parameters.number(key, low * 1e6, high * 1e6, "Hz")


def _nucleus(parameters: Parameters, key: str) -> str:
    name = str(parameters.get(key, "Proton")).strip()
    return NUCLEI.get(name, name)


def _axis(parameters: Parameters, letter: str, n: int, observed_mhz: float) -> Axis:
    """Axis with the carrier at the offset; the frequency of 0 ppm is below that of the carrier by it."""
    carrier_ppm = parameters.quantity(f"{letter}_offset", "carrier_ppm")
    width_hz = parameters.quantity(f"{letter}_sweep", "width_hz")
    return Axis(n, width_hz, carrier_ppm, observed_mhz / (1 + 1e-6 * carrier_ppm))

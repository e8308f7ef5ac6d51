"""Parameter files of a Bruker folder, and what they say of both axes: nucleus, width, and where 0 ppm is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nmrglue

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, is_number, whole
from nmr_speech.reading import read_bytes
from nmr_speech.spectrometer.experiment import is_plausible_zero, is_same_nucleus
from nmr_speech.spectrometer.limits import MOST_PARAMETER_BYTES
from nmr_speech.spectrometer.parameters import Parameters

MIXING_DELAY = 9  # D9 is the mixing time of every TOCSY in Bruker's library
UNNAMED = ("", "off", "none", "unknown", "undefined")  # what stands for no nucleus


@dataclass(frozen=True)
class BrukerFiles:
    """Parameters of acquisition and processing; those of processing are empty where there is no such file.

    Arguments
    ---------
    folder : Path
        The experiment.
    acqus, acqu2s : Parameters
        Acquisition of F2 and of F1.
    procs, proc2s : Parameters
        Processing of F2 and of F1.
    """

    folder: Path
    acqus: Parameters
    acqu2s: Parameters
    procs: Parameters
    proc2s: Parameters

    @property
    def observed_mhz(self) -> tuple[float, float]:
        """Frequencies of the carriers of F2 and F1, in MHz."""
        return self.acqus.quantity("SFO1", "field_mhz"), self.acqu2s.quantity("SFO1", "field_mhz")

    def nuclei(self) -> tuple[str, str, tuple[str, ...]]:
        """Return the nuclei of F2 and F1, and a step where F1 is known by its frequency only."""
        f2, f1 = (_nucleus(one.get("NUC1")) for one in (self.acqus, self.acqu2s))
        # acqu2s may lack NUC1 or say <off>, as its channel was not pulsed; the frequency still tells.
        named, missing = (f2, "acqu2s") if f1 is None else (f1, "acqus")
        if named is not None and None in (f1, f2) and is_same_nucleus(*self.observed_mhz):
            other = "F2, so F1" if missing == "acqu2s" else "F1, so F2"
            return named, named, (f"{missing} names no nucleus; its frequency is that of {other} is {named} too.",)
        return f2 or "an unnamed nucleus", f1 or "an unnamed nucleus", ()

    def processed_deg(self) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
        """Return PHC0 and PHC1 of F1 and of F2 in degrees; None where the files do not say."""
        pairs = ([one.get("PHC0"), one.get("PHC1")] for one in (self.proc2s, self.procs))
        f1, f2 = ((float(a), float(b)) if is_number(a) and is_number(b) else None for a, b in pairs)
        return f1, f2


def read_files(folder: Path, pdata: int | None = None) -> BrukerFiles:
    r"""Read the parameter files of an experiment.

    Arguments
    ---------
    folder : Path
        The folder with ``acqus`` and ``acqu2s``.
    pdata : int | None
        Number of the processing; None takes the lowest one that exists.

    Returns
    -------
    BrukerFiles

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> for name in ("acqus", "acqu2s"):
    ...     _ = (folder / name).write_text("##$NUC1= <1H>\n##$SFO1= 500.1\n")
    >>> read_files(folder).nuclei()
    ('1H', '1H', ())
    """
    acqus, acqu2s = (read_parameters(folder / name) for name in ("acqus", "acqu2s"))
    processing = _processing(folder, pdata)
    procs, proc2s = (
        read_parameters(path) if path.is_file() else Parameters({}, path)
        for path in (processing / "procs", processing / "proc2s")
    )
    return BrukerFiles(folder, acqus, acqu2s, procs, proc2s)


def read_files_1d(folder: Path, pdata: int | None = None) -> BrukerFiles:
    r"""Read the parameter files of a 1D experiment; those of F1 are those of the only dimension again.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "acqus").write_text("##$NUC1= <1H>\n##$SFO1= 500.1\n")
    >>> read_files_1d(folder).nuclei()
    ('1H', '1H', ())
    """
    acqus, procs = read_parameters(folder / "acqus"), _processing(folder, pdata) / "procs"
    processed = read_parameters(procs) if procs.is_file() else Parameters({}, procs)
    return BrukerFiles(folder, acqus, acqus, processed, processed)


def read_parameters(path: Path) -> Parameters:
    r"""Read the parameters that fit on one line, by name.

    nmrglue's own reader does not terminate on a truncated file.

    Example
    -------
    >>> path = getfixture("tmp_path") / "acqus"
    >>> _ = path.write_text("##$NUC1= <1H>\n##$TD= 512\n")
    >>> read_parameters(path).values
    {'NUC1': '1H', 'TD': 512}
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; copy the whole experiment folder, which has acqus, acqu2s and ser")
    values: dict[str, Any] = {}
    for line in read_bytes(path, MOST_PARAMETER_BYTES).decode("latin-1").splitlines():
        key, equals, text = line.partition("=")
        if key.startswith("##$") and equals:
            values[key[3:]] = nmrglue.bruker.parse_jcamp_value(text.strip())
    return Parameters(values, path)


def delay_s(acqus: Path, number: int) -> float | None:
    r"""Return delay D[number] in seconds; None if the file does not hold it. The values follow the line ``##$D=``.

    Example
    -------
    >>> path = getfixture("tmp_path") / "acqus"
    >>> _ = path.write_text("##$D= (0..63)\n0 2.5 0.08\n##$DS= 4\n")
    >>> delay_s(path, 2), delay_s(path, 9)
    (0.08, None)
    """
    if not acqus.is_file():
        return None
    found = re.search(
        r"^##\$D= *\(0\.\.\d+\)([^#$]*)", read_bytes(acqus, MOST_PARAMETER_BYTES).decode("latin-1"), re.MULTILINE
    )
    delays = found[1].split() if found else []
    try:
        return float(delays[number])
    except (IndexError, ValueError):
        return None


def axes(files: BrukerFiles, n: tuple[int, int]) -> tuple[Axis, Axis, tuple[str, ...]]:
    """Return the axes of F1 and F2, and where each has its zero.

    Arguments
    ---------
    files : BrukerFiles
        The experiment.
    n : tuple[int, int]
        Points of F1 and F2.

    Returns
    -------
    f1, f2 : Axis
        With the carrier at the observed frequency.
    steps : tuple[str, ...]
        One sentence for each axis.
    """
    observed_mhz = files.observed_mhz
    nuclei = files.nuclei()[:2]
    f2_mhz, f2_step = _zero_f2_mhz(files, observed_mhz, nuclei[0])
    f1_mhz, f1_step = _zero_f1_mhz(files, observed_mhz, f2_mhz, nuclei[1])
    f1 = _axis(n[0], _width_f1_hz(files.acqu2s), observed_mhz[1], f1_mhz)
    f2 = _axis(n[1], files.acqus.quantity("SW_h", "width_hz"), observed_mhz[0], f2_mhz)
    return f1, f2, (f2_step, f1_step)


def _axis(n: int, width_hz: float, observed_mhz: float, zero_mhz: float) -> Axis:
    return Axis(n, width_hz, (observed_mhz - zero_mhz) / zero_mhz * 1e6, zero_mhz)


def _processing(folder: Path, pdata: int | None) -> Path:
    """Return the folder of a processing, pdata/N."""
    found = sorted(int(one.name) for one in (folder / "pdata").glob("*") if one.name.isdigit() and one.is_dir())
    if pdata is None:
        return folder / "pdata" / str(found[0] if found else 1)
    if whole("pdata", pdata, 1, 10**6) not in found:
        numbers = ", ".join(map(str, found)) or "none"
        raise InputError(f"{folder / 'pdata' / str(pdata)}: no such processing; `pdata` may be: {numbers}")
    return folder / "pdata" / str(pdata)


def _nucleus(value: Any) -> str | None:
    name = str(value if value is not None else "").strip(" <>")
    return None if name.lower() in UNNAMED else name


def _zero_f2_mhz(files: BrukerFiles, observed_mhz: tuple[float, float], nucleus: str) -> tuple[float, str]:
    """Frequency of 0 ppm in F2, and a sentence on where it comes from."""
    # SF of procs is set when the spectrum is referenced; BF1 is the spectrometer's own, often 0.1 ppm off.
    said = [files.procs, files.proc2s] if is_same_nucleus(*observed_mhz) else [files.procs]
    for one in said:
        sf: Any = one.get("SF")
        if is_plausible_zero(sf, observed_mhz[0], nucleus):
            return float(sf), f"0 ppm is at {sf:.9g} MHz (SF of {_short(one)})."
    acqus = files.acqus
    if acqus.get("BF1") is not None:
        zero_mhz = acqus.quantity("BF1", "field_mhz")
    else:
        zero_mhz = observed_mhz[0] - 1e-6 * acqus.number("O1", -1e6, 1e6, "Hz")
    if not is_plausible_zero(zero_mhz, observed_mhz[0], nucleus):
        raise InputError(
            f"{acqus.source}: BF1 and SFO1 must lie within 100 ppm for 1H and 1000 ppm for other nuclei, got "
            f"{zero_mhz:.7g} and {observed_mhz[0]:.7g} MHz; copy the file again or correct it"
        )
    return zero_mhz, f"0 ppm is at {zero_mhz:.9g} MHz (BF1: not referenced)."


def _zero_f1_mhz(
    files: BrukerFiles, observed_mhz: tuple[float, float], f2_mhz: float, nucleus: str
) -> tuple[float, str]:
    """Frequency of 0 ppm in F1: that of F2 for the same nucleus; else SF of proc2s, or BF1."""
    if is_same_nucleus(*observed_mhz):
        return f2_mhz, "F1 is of the same nucleus and has the same 0 ppm."
    sf: Any = files.proc2s.get("SF")
    if is_plausible_zero(sf, observed_mhz[1], nucleus):
        return float(sf), f"0 ppm of F1 is at {sf:.9g} MHz (SF of {_short(files.proc2s)})."
    unused = f"; SF of proc2s, {sf:.7g} MHz, is of another nucleus" if is_number(sf) else ""
    base: Any = files.acqu2s.get("BF1")
    if is_plausible_zero(base, observed_mhz[1], nucleus):
        return float(base), f"0 ppm of F1 is at {base:.9g} MHz (BF1 of acqu2s: not referenced{unused})."
    zero_mhz = observed_mhz[1] - 1e-6 * files.acqu2s.number("O1", -1e6, 1e6, "Hz")
    return zero_mhz, f"0 ppm of F1 is at {zero_mhz:.9g} MHz (SFO1 less O1 of acqu2s: not referenced{unused})."


def _short(parameters: Parameters) -> str:
    return "/".join(Path(parameters.source).parts[-3:])


def _width_f1_hz(acqu2s: Parameters) -> float:
    """Width of F1; the one in ppm has precedence, because TopSpin may leave a stale one in Hz behind."""
    if not is_number(acqu2s.get("SW")):
        return acqu2s.quantity("SW_h", "width_hz")
    width_hz = acqu2s.get("SW") * acqu2s.quantity("SFO1", "field_mhz")
    named: Mapping[str, Any] = {"SW": width_hz}
    return Parameters(named, acqu2s.source).quantity("SW", "width_hz")

"""What ``procpar`` of a Varian folder says: parameters, nuclei, and where 0 ppm is in both dimensions."""

import io
import re
from pathlib import Path
from typing import Any

import nmrglue

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, is_number
from nmr_speech.spectrometer.experiment import is_plausible_zero, is_same_nucleus, require_protons
from nmr_speech.spectrometer.parameters import Parameters

CHANNELS = {"sfrq": "tn", "dfrq": "dn", "dfrq2": "dn2", "dfrq3": "dn3"}
"""Parameters with the frequency of each channel, and with its nucleus."""


def read_procpar(path: Path) -> Parameters:
    r"""Read the first value of each parameter, all of ``phase``, and the names in ``array`` as ``array_names``.

    Arguments
    ---------
    path : Path
        ``procpar``, in UTF-8 or latin-1: comments hold whatever the user of the spectrometer typed.

    Example
    -------
    >>> path = getfixture("tmp_path") / "procpar"
    >>> _ = path.write_bytes('comment 2 2 8 0 0 2 1 0 1 64\n1 "100 \xb5M"\n0 \n'.encode("latin-1"))
    >>> read_procpar(path).get("comment") == "100 \xb5M"
    True
    """
    content = path.read_bytes()
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    try:
        try:
            entries = _entries(text.rstrip() + "\n")
        except (IndexError, ValueError):
            entries = _entries(_joined(text))
    except Exception as error:  # whatever nmrglue trips over in a damaged file
        raise InputError(f"{path}: cannot be read as procpar ({error}); copy it again") from error
    values: dict[str, Any] = {key: _value(found[0]) for key, found in entries.items() if found}
    phase = [_value(text) for text in entries.get("phase", [])]
    names = re.findall(r"\w+", str(values.get("array", "")))
    return Parameters(values | {"phase": phase, "array_names": names}, path)


def _joined(text: str) -> str:
    """Join the lines of each text in quotes, which nmrglue expects in one."""
    return re.sub(r'"[^"]*"', lambda quoted: quoted[0].replace("\n", " "), text.rstrip()) + "\n"


def _entries(text: str) -> dict[str, list[str]]:
    """Values of each parameter, as nmrglue reads them."""
    encoded = text.encode()
    file, entries = io.BytesIO(encoded), {}
    while file.tell() < len(encoded):
        one = nmrglue.varian.get_parameter(file)
        entries[one["name"]] = one["values"]
    return entries


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def number(value: Any, otherwise: float = 0.0) -> float:
    """Return a number, also one that stands as text; otherwise a default.

    Example
    -------
    >>> number("1"), number("n"), number(None, 1.0)
    (1.0, 0.0, 1.0)
    """
    value = _value(value) if isinstance(value, str) else value
    return value if is_number(value) else otherwise


def nuclei(procpar: Parameters) -> tuple[str, str]:
    """Return the nuclei of F2 and F1 as 1H, 13C and so on.

    Example
    -------
    >>> nuclei(Parameters({"tn": "H1", "refsource1": "dfrq", "dn": "C13"}, "procpar"))
    ('1H', '13C')
    """
    names = procpar.get("tn", "H1"), procpar.get(CHANNELS[_channel(procpar)], "H1")
    f2, f1 = (_mass_first(str(name)) for name in names)
    return f2, f1


def _mass_first(name: str) -> str:
    """Turn VnmrJ's order of element and mass, C13, round."""
    found = re.fullmatch(r"([A-Za-z]+)(\d+)", name)
    return f"{found[2]}{found[1]}" if found else name


def _channel(procpar: Parameters) -> str:
    """Name the frequency of F1, which ``refsource1`` holds; without it, F1 is taken to be the observed channel."""
    channel = str(procpar.get("refsource1", "sfrq"))
    return channel if channel in CHANNELS else "sfrq"


def observed_mhz(procpar: Parameters) -> tuple[float, float]:
    """Return the frequencies of the carriers of F2 and F1.

    Example
    -------
    >>> observed_mhz(Parameters({"sfrq": 500.0, "refsource1": "dfrq", "dfrq": 125.7}, "procpar"))
    (500.0, 125.7)
    """
    f2_mhz, channel = procpar.quantity("sfrq", "field_mhz"), _channel(procpar)
    return f2_mhz, f2_mhz if channel == "sfrq" else procpar.quantity(channel, "field_mhz")


def refuse_other_nuclei(procpar: Parameters) -> None:
    """Refuse what is not proton against proton, by the names of the nuclei and by all frequencies of F1.

    Example
    -------
    >>> refuse_other_nuclei(Parameters({"tn": "C13", "sfrq": 125.7}, "procpar"))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: procpar: both dimensions must be 1H, got 13C in F2 and 13C in F1 (125.7 and ...
    """
    f2_mhz, f1_mhz = observed_mhz(procpar)
    own: Any = procpar.get("reffrq1")
    # reffrq1 tells the nucleus too, where refsource1 is missing or wrong.
    if is_number(own) and own > 0 and not is_same_nucleus(own, f1_mhz):
        f1_mhz = own
    require_protons(procpar.source, nuclei(procpar), (f2_mhz, f1_mhz))


def axes(procpar: Parameters, n: tuple[int, int]) -> tuple[Axis, Axis, tuple[str, ...]]:
    """Return the axes of F1 and F2, and where each has its zero.

    Arguments
    ---------
    procpar : Parameters
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
    (f2_mhz, f1_mhz), names = observed_mhz(procpar), nuclei(procpar)
    width_hz, width_f1_hz = procpar.quantity("sw", "width_hz"), procpar.quantity("sw1", "width_hz")
    zero_mhz, step = _zero_mhz(procpar, "", f2_mhz, width_hz, names[0])
    f2 = Axis(n[1], width_hz, (f2_mhz - zero_mhz) / zero_mhz * 1e6, zero_mhz)
    if is_same_nucleus(f2_mhz, f1_mhz):
        f1_zero_mhz, f1_step = zero_mhz, "F1 is of the same nucleus and has the same 0 ppm."
    else:
        f1_zero_mhz, f1_step = _zero_mhz(procpar, "1", f1_mhz, width_f1_hz, names[1])
    f1 = Axis(n[0], width_f1_hz, (f1_mhz - f1_zero_mhz) / f1_zero_mhz * 1e6, f1_zero_mhz)
    return f1, f2, (step, f1_step)


def _zero_mhz(procpar: Parameters, which: str, observed_mhz: float, width_hz: float, nucleus: str) -> tuple[float, str]:
    """Frequency of 0 ppm, and a sentence on where it comes from; the parameters of F1 end in 1."""
    reffrq: Any = procpar.get(f"reffrq{which}")
    if is_plausible_zero(reffrq, observed_mhz, nucleus):
        return reffrq, f"0 ppm is at {reffrq:.9g} MHz (reffrq{which})."
    # rfl is the distance of the reference line from the low-frequency edge, rfp its shift, both in Hz.
    rfl: Any = procpar.get(f"rfl{which}")
    if is_number(rfl):
        carrier_hz = width_hz / 2 - rfl + number(procpar.get(f"rfp{which}", 0.0))
        if is_plausible_zero(observed_mhz - carrier_hz * 1e-6, observed_mhz, nucleus):
            step = f"The carrier is {carrier_hz:.6g} Hz above 0 ppm (rfl{which}, rfp{which})."
            return observed_mhz - carrier_hz * 1e-6, step
    raise InputError(
        f"{procpar.source}: reffrq{which}, or rfl{which} and rfp{which}, must say where 0 ppm is; set the reference in "
        "VnmrJ and save"
    )

"""Spectra that TopSpin has processed: ``1r`` and ``2rr`` in a folder ``pdata/N``."""

from pathlib import Path

import nmrglue
import numpy as np

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.spectrometer.bruker_files import read_parameters
from nmr_speech.spectrometer.parameters import Parameters

PARAMETERS = {"1r": ("procs",), "2rr": ("proc2s", "procs")}  # F1 before F2


def read_bruker_spectrum(path: str | Path) -> tuple[np.ndarray, tuple[Axis, ...]]:
    r"""Read the real part of a processed spectrum.

    Arguments
    ---------
    path : str | Path
        ``1r`` or ``2rr``, with ``procs`` and ``proc2s`` beside it.

    Returns
    -------
    spectrum : np.ndarray
        float64, (n,) or (n1, n2), shifts rising, in the units that TopSpin shows: times 2 to the power of NC_proc.
    axes : tuple[Axis, ...]
        One for each dimension, F1 first.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "1r").write_bytes(np.arange(16, dtype="<i4").tobytes())
    >>> text = "".join(f"##${k}= {v}\n" for k, v in {"SI": 16, "SF": 500.0, "SW_p": 8000.0, "OFFSET": 13.0}.items())
    >>> _ = (folder / "procs").write_text(text)
    >>> spectrum, (axis,) = read_bruker_spectrum(folder / "1r")
    >>> spectrum[:2], axis.ppm()[-2:]
    (array([15., 14.]), array([12., 13.]))
    """
    path = Path(path)
    processed = [read_parameters(path.parent / name) for name in PARAMETERS[path.name]]
    sizes = [int(one.number("SI", 16, 2**20)) for one in processed]
    blocks = [int(one.get("XDIM") or size) for one, size in zip(processed, sizes, strict=True)]
    whole = all(size % block == 0 for size, block in zip(sizes, blocks, strict=True))
    direct = processed[-1]
    is_real = direct.get("DTYPP") == 2  # float64, as TopSpin 4 may write
    n_bytes = 8 if is_real else 4
    if not whole or path.stat().st_size != n_bytes * int(np.prod(sizes)):
        raise InputError(
            f"{path}: must hold {' x '.join(map(str, sizes))} points of {n_bytes} bytes (SI) in blocks of "
            f"{' x '.join(map(str, blocks))} (XDIM), got {path.stat().st_size} bytes; was the file cut off?"
        )
    layout = (tuple(sizes), tuple(blocks)) if len(sizes) > 1 else (None, None)
    big = direct.get("BYTORDP") == 1
    _, falling = nmrglue.bruker.read_pdata_binary(str(path), *layout, big=big, isfloat=is_real)
    spectrum = np.ascontiguousarray(np.flip(falling), dtype=float) * 2.0 ** float(direct.get("NC_proc") or 0)
    return spectrum, tuple(_axis(one, n) for one, n in zip(processed, sizes, strict=True))


def _axis(processed: Parameters, n: int) -> Axis:
    """OFFSET is the shift of the first point, the highest one."""
    field_mhz, width_hz = processed.quantity("SF", "field_mhz"), processed.quantity("SW_p", "width_hz")
    spacing_ppm = width_hz / field_mhz / n
    highest_ppm = processed.quantity("OFFSET", "carrier_ppm")
    return Axis(n, width_hz, highest_ppm - (n - 1 - n // 2) * spacing_ppm, field_mhz)

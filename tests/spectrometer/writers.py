"""Experiments as spectrometers would have written them: simulated, sorted into rows, and written by nmrglue."""

import re
import struct

import nmrglue
import numpy as np

from nmr_speech.simulate import load_residue, tocsy

FIELD_MHZ, CARRIER_PPM, WIDTH_HZ = 500.0, 4.7, 6500.0
FILTER_HALF_LENGTH = 40  # points
OVERSAMPLED = 8
CARBON = {"NUC1": "13C", "BF1": 125.757977, "SFO1": 125.763636}  # 45 ppm above BF1


def simulated(residue="VAL", *, carrier_ppm=CARRIER_PPM, width_hz=WIDTH_HZ, **sizes):
    """Simulate a free amino acid with lines as wide as 128 transients resolve."""
    molecule = load_residue(residue, "d2o", "free")
    return tocsy(
        molecule,
        molecule.shift_mean_ppm,
        field_mhz=FIELD_MHZ,
        carrier_ppm=carrier_ppm,
        spectral_width_hz=width_hz,
        decay_time_t1_s=0.01,
        decay_time_t2_s=0.02,
        **sizes,
    ).numpy()


def t1_fine(n_transients, n_points=256, residue="VAL", width_hz=WIDTH_HZ, **more):
    """Simulate every half dwell in t1: (2, 2 n_transients, n_points)."""
    sizes = {"spectral_width_f1_hz": 2 * WIDTH_HZ, "n_transients": 2 * n_transients, "n_points": n_points}
    return simulated(residue, width_hz=width_hz, **sizes, **more)


def rows_of(fine, quadrature, late=0, quarters=0, backwards=False):
    """Rows in the order of measurement; ``late`` counts half dwells, ``quarters`` quarter turns of the phase in F1."""
    cos, sin = fine
    sin = -sin if backwards else sin
    for _ in range(quarters):
        cos, sin = -sin, cos  # a sequence that begins with the sine: (c, s) measured as (-s, c)
    if quadrature == "tppi":
        cos, sin = cos[late::2], sin[late + 1 :: 2]
        cos = cos[: len(sin)]
    else:
        cos, sin = cos[late::2], sin[late::2]
    pair = [cos - 1j * sin, cos + 1j * sin] if quadrature == "echo_antiecho" else [cos, sin]
    signs = (-1.0) ** np.arange(len(cos)) if quadrature in ("states_tppi", "tppi") else np.ones(len(cos))
    return (np.stack(pair) * signs[:, None]).transpose(1, 0, 2).reshape(2 * len(cos), -1)


def filtered(oversampled, delay, n_points):
    """Low-pass and decimate a signal sampled 8 times as fast, delayed by ``delay`` points, as a digital filter does."""
    at = (np.arange(n_points)[:, None] - delay) - np.arange(oversampled.shape[-1]) / OVERSAMPLED
    window = np.i0(6 * np.sqrt(np.clip(1 - (at / FILTER_HALF_LENGTH) ** 2, 0, None))) / np.i0(6)
    response = np.sinc(at) * window * (np.abs(at) < FILTER_HALF_LENGTH) / OVERSAMPLED
    response[:, 0] /= 2
    return oversampled @ response.T


FNMODE = {"tppi": 3, "states": 4, "states_tppi": 5, "echo_antiecho": 6}


def write_bruker(folder, rows, quadrature, *, big=False, real=False, acqus=None, acqu2s=None, scale=1e6):
    """Write a Bruker folder; ``acqus`` and ``acqu2s`` replace parameters, None removes one."""
    per_block = 1024 // (16 if real else 8)
    filled = np.zeros((len(rows), -(-rows.shape[1] // per_block) * per_block), dtype=complex)
    filled[:, : rows.shape[1]] = np.round(rows * scale)
    observed = FIELD_MHZ * (1 + CARRIER_PPM * 1e-6)
    common = {"_comments": [], "_coreheader": ["##TITLE= test"], "NUC1": "1H", "BF1": FIELD_MHZ, "SFO1": observed}
    direct = {"TD": 2 * rows.shape[1], "SW_h": WIDTH_HZ, "AQ_mod": 3, "BYTORDA": int(big), "DTYPA": 2 * real}
    direct |= {"GRPDLY": 0.0, "DSPFVS": 20, "DECIM": 1, "DIGMOD": 1}
    indirect = {"TD": len(rows), "SW_h": WIDTH_HZ, "FnMODE": FNMODE.get(quadrature, quadrature)}
    files = {"acqus": common | direct | (acqus or {}), "acqu2s": common | indirect | (acqu2s or {})}
    files = {name: {k: v for k, v in values.items() if v is not None} for name, values in files.items()}
    folder.mkdir(exist_ok=True)
    nmrglue.bruker.write(str(folder), files, filled, write_prog=False, overwrite=True, big=big, isfloat=real)
    return folder


def write_varian(folder, rows, quadrature, **parameters):
    """Write a Varian folder, where signals rotate in the opposite sense."""
    rows = rows.conj()
    if quadrature != "echo_antiecho":
        rows[1::2] *= -1
    if quadrature == "echo_antiecho":
        rows = rows.reshape(-1, 2, rows.shape[1])[:, ::-1].reshape(rows.shape)
    axis = {"sw": WIDTH_HZ, "complex": True, "time": True, "freq": False, "obs": FIELD_MHZ, "car": 0, "label": "H"}
    udic = {"ndim": 2, 0: axis | {"size": len(rows), "encoding": "states"}, 1: axis | {"size": rows.shape[1]}}
    dic = nmrglue.varian.create_dic(udic)
    numbers = {"sw": WIDTH_HZ, "sw1": WIDTH_HZ, "sfrq": FIELD_MHZ * (1 + CARRIER_PPM * 1e-6), "reffrq": FIELD_MHZ}
    for name, value in (numbers | parameters).items():
        dic["procpar"][name] = nmrglue.varian.create_pdic_param(name, [repr(value)])
        if isinstance(value, str):
            dic["procpar"][name] |= {"basictype": "2", "values": [value]}
    phases = {"tppi": ["3"]}.get(quadrature, ["1", "2"])
    dic["procpar"]["phase"] = nmrglue.varian.create_pdic_param("phase", phases)
    if quadrature == "echo_antiecho":
        coefficients = nmrglue.varian.create_pdic_param("f1coef", ["1 0 1 0 0 1 0 -1"]) | {"basictype": "2"}
        dic["procpar"]["f1coef"] = coefficients
    folder.mkdir(exist_ok=True)
    nmrglue.varian.write(str(folder), dic | {"status": 9}, rows.astype(np.complex64), overwrite=True)
    return folder


def write_nmrpipe(path, rows, quadrature, **header):
    """Write an NMRPipe file with the header that NMRPipe would give it."""
    axis = {"sw": WIDTH_HZ, "time": True, "freq": False, "obs": FIELD_MHZ, "car": CARRIER_PPM * FIELD_MHZ}
    axis |= {"complex": True, "label": "1H"}
    encoding = "tppi" if quadrature == "tppi" else "states"
    udic = {"ndim": 2, 0: axis | {"size": len(rows), "encoding": encoding}}
    udic[1] = axis | {"size": rows.shape[1], "encoding": "direct"}
    dic = nmrglue.pipe.create_dic(udic)
    dic["FDF1AQSIGN"] = 2.0 if quadrature == "states_tppi" else 0.0
    dic["FDF1QUADFLAG"] = {"tppi": 1.0, "echo_antiecho": 4.0}.get(quadrature, 0.0)
    nmrglue.pipe.write(str(path), dic | header, rows.astype(np.complex64), overwrite=True)
    return path


WRITERS = {"bruker": write_bruker, "varian": write_varian, "nmrpipe": write_nmrpipe}


def likeness(gridded, expected):
    """Correlation of the transients measured, phase included: 1 for equal recordings."""
    a, b = (fid[:, : gridded.n_valid].astype(complex) for fid in (gridded.fid.numpy(), expected))
    return np.vdot(a, b).real / np.linalg.norm(a) / np.linalg.norm(b)


def damage(content, rng):
    """Cut, overwrite, repeat or remove some bytes."""
    at = int(rng.integers(len(content) + 1)) if rng.random() < 0.5 else int(rng.integers(min(len(content), 2048) + 1))
    length = int(rng.integers(1, 64))
    kind = rng.integers(4)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + rng.bytes(length) + content[at + length :]
    if kind == 2:
        return content[:at] + content[max(at - length, 0) :]
    return content[:at] + content[at + length :]


def write_processed(folder, number=1, **files):
    """Write parameter files of a processing of a Bruker folder: ``procs={"SF": 500.0}``."""
    processing = folder / "pdata" / str(number)
    processing.mkdir(parents=True, exist_ok=True)
    for name, values in files.items():
        (processing / name).write_text("".join(f"##${key}= {value}\n" for key, value in values.items()) + "##END=\n")
    return processing


def edit_procpar(folder, **values):
    """Replace or add text parameters of a Varian folder, such as ``array``; a list makes several numbers."""
    path = folder / "procpar"
    text = path.read_bytes().decode("latin-1")
    for name, value in values.items():
        text = re.sub(rf"(?m)^{name} .*\n.*\n.*\n", "", text)
        numbers = isinstance(value, list)
        line = f"{len(value)} {' '.join(map(str, value))}" if numbers else f'1 "{value}"'
        text += f"{name} {2 - numbers} {2 - numbers} 1 0 0 2 1 0 1 64\n{line} \n0 \n"
    path.write_bytes(text.encode("latin-1"))
    return folder


def write_jeol(path, rows, *, types=("complex", "complex"), unit="second", ranged="ranged", **parameters):
    """Write a JEOL file of 2D data whose numbers of points are multiples of 32; there is no writer in nmrglue."""
    table = nmrglue.jeol.ConversionTable
    codes = {name: code for code, name in table.axis_type.items()}
    units = {name: code for code, name in table.base.items()}
    cos, sin = rows[::2], -rows[1::2]
    complex_f1 = types[1] == "complex"
    sections = [cos.real, -cos.imag, sin.real, -sin.imag] if complex_f1 else [rows.real, -rows.imag]
    n = sections[0].shape[1], sections[0].shape[0]
    values = {"x_freq": FIELD_MHZ * 1e6 * (1 + CARRIER_PPM * 1e-6), "x_offset": CARRIER_PPM, "x_sweep": WIDTH_HZ}
    values |= {key.replace("x", "y", 1): value for key, value in values.items()}
    values |= {"x_domain": "Proton", "y_domain": "Proton", "solvent": "D2O", "mix_time": 0.06} | parameters
    head = b"JEOL.NMR" + struct.pack(">bBHB", 1, 1, 1, 2) + bytes([0b11000000, 2, 0]) + bytes(8)
    head += bytes([codes[types[0]], codes[types[1]], *[0] * 6]) + bytes([0, units[unit]] * 2 + [0] * 12) + bytes(124)
    listed = {name: code for code, name in table.data_axis_ranged.items() if code < 3}[ranged]
    head += bytes([listed, 0, 0, 0])
    head += struct.pack(">24I", *n, *[1] * 6, *[0] * 8, n[0] - 1, n[1] - 1, *[0] * 6) + bytes(2 * 64 + 8 + 16 + 3 * 128)
    head += bytes(8 * 32) + bytes(2 * 64 + 8) + bytes(12)
    start = len(head) + 148  # what is left of the header
    packed = struct.pack("<4I", 64, 0, len(values), 64 * len(values)) + b"".join(
        _jeol_parameter(*one) for one in values.items()
    )
    head += struct.pack(">2I", start, len(packed)) + bytes(64) + struct.pack(">I", start + len(packed))
    content = b"".join(_blocks(section).astype("<f8").tobytes() for section in sections)
    path.write_bytes(head.ljust(start, b"\0") + packed + content)
    return path


def _jeol_parameter(name, value):
    text = isinstance(value, str)
    body = value.encode().ljust(16, b"\0") if text else struct.pack("<d", value).ljust(16, b"\0")
    return (
        bytes(4)
        + struct.pack("<h", 0)
        + bytes(10)
        + body
        + struct.pack("<i", 0 if text else 2)
        + name.encode().ljust(28, b"\0")
    )


def _blocks(section, edge=32):
    high, wide = (size // edge for size in section.shape)
    return section.reshape(high, edge, wide, edge).swapaxes(1, 2)

"""A 3D experiment of a few lines, as arrays and as files of both kinds, for the tests."""

from pathlib import Path

import nmrglue
import numpy as np

GRID, N_POINTS = (16, 12), 64
LINES = ((1.0, 0.19, 0.23, 0.11), (0.7, -0.31, 0.07, -0.2), (0.5, 0.02, -0.37, 0.31))
"""Amplitude, and frequencies in F1, F2 and F3 in cycles a point."""
FIELDS = (60.8, 150.9, 600.0)
WIDTHS = (1600.0, 3000.0, 6400.0)
CARRIERS = (118.0, 45.0, 4.7)


def cube_fid(start=(0.0, 0.0), lines=LINES, grid=GRID):
    """Cosine and sine in t1 and t2, complex in t3, (n_1, 2, n_2, 2, n_points)."""
    fid = np.zeros((grid[0], 2, grid[1], 2, N_POINTS), dtype=complex)
    for amplitude, *frequencies in lines:
        t = [np.arange(n) + late for n, late in zip((*grid, N_POINTS), (*start, 0.0), strict=True)]
        one, two, three = (np.exp((2j * np.pi * f - 0.04) * at) for f, at in zip(frequencies, t, strict=True))
        pairs = [np.stack([part.real, part.imag], axis=-1) for part in (one, two)]
        fid += amplitude * np.einsum("ia,jb,k->iajbk", *pairs, three)
    return fid


def as_measured(fid, quadratures):
    """Undo what a reader does to sort pairs: (n_1, 2, n_2, 2, n_points) as they leave the spectrometer."""
    fid = fid.copy()
    for axis, quadrature in zip((0, 2), quadratures, strict=True):
        pairs = np.moveaxis(fid, (axis, axis + 1), (0, 1))  # a view
        if quadrature == "states_tppi":
            pairs[1::2] *= -1
        elif quadrature == "echo_antiecho":
            cos, sin = pairs[:, 0].copy(), pairs[:, 1].copy()
            pairs[:, 0], pairs[:, 1] = cos - 1j * sin, cos + 1j * sin
    return fid


def write_planes(folder, fid, quadratures=("states", "states"), schedule=None):
    """Write NMRPipe planes, in full or four rows for each point of a schedule; return the pattern of their names."""
    data = as_measured(fid, quadratures)
    if schedule is None:
        data = data.reshape(2 * fid.shape[0], 2 * fid.shape[2], -1)
    else:
        data = data.transpose(0, 2, 1, 3, 4)[tuple(schedule.T)].reshape(len(schedule), 4, -1)
    universal = {
        k: {
            "size": size,
            "complex": True,
            "encoding": "states",
            "sw": WIDTHS[k],
            "obs": FIELDS[k],
            "car": CARRIERS[k] * FIELDS[k],
            "label": "NCH"[k],
            "time": True,
            "freq": False,
        }
        for k, size in enumerate(data.shape)
    }
    header = nmrglue.pipe.create_dic({"ndim": 3} | universal)
    for dimension, quadrature in zip((3, 1), quadratures, strict=True):
        header[f"FDF{dimension}AQSIGN"] = 2.0 if quadrature == "states_tppi" else 0.0
        header[f"FDF{dimension}QUADFLAG"] = 4.0 if quadrature == "echo_antiecho" else 0.0
    for k, plane in enumerate(data.astype(np.complex64)):
        _write_plane(Path(folder, f"test{k + 1:03d}.fid"), header, plane)
    return Path(folder, "test%03d.fid")


def _write_plane(path, header, plane):
    flat = np.concatenate([plane.real, plane.imag], axis=1).astype("<f4")
    path.write_bytes(nmrglue.pipe.dic2fdata(header).astype("<f4").tobytes() + flat.tobytes())


def write_bruker(folder, fid, quadratures=("states", "states"), schedule=None, t1_faster=False):
    """Write a Bruker 3D folder, with a nuslist whose first column is F2 where there is a schedule."""
    folder = Path(folder)
    data = as_measured(fid, quadratures) * 1e6
    if schedule is None:
        rows = (data.transpose(2, 3, 0, 1, 4) if t1_faster else data).reshape(-1, N_POINTS)
    else:
        four = data.transpose(0, 2, 1, 3, 4)[tuple(schedule.T)]
        rows = (four.transpose(0, 2, 1, 3) if t1_faster else four).reshape(-1, N_POINTS)
        (folder / "nuslist").write_text("".join(f"{j} {i}\n" for i, j in schedule))
    modes = {"states": 4, "states_tppi": 5, "echo_antiecho": 6}
    parts = np.stack([rows.real, rows.imag], axis=-1).round().astype("<i4").reshape(len(rows), -1)
    padded = np.zeros((len(rows), 256), dtype="<i4")
    padded[:, : parts.shape[1]] = parts
    (folder / "ser").write_bytes(padded.tobytes())
    common = {"BYTORDA": 0, "DTYPA": 0, "AQ_mod": 3, "GRPDLY": 0, "DIGMOD": 0, "AQSEQ": int(t1_faster)}
    nuclei = {60.8: "15N", 150.9: "13C", 600.0: "1H"}
    for name, k, td in (("acqus", 2, 2 * N_POINTS), ("acqu2s", 1, 2 * fid.shape[2]), ("acqu3s", 0, 2 * fid.shape[0])):
        values = common | {"TD": td, "SFO1": FIELDS[k] * (1 + 1e-6 * CARRIERS[k]), "BF1": FIELDS[k]}
        values |= {"SW": WIDTHS[k] / (FIELDS[k] * (1 + 1e-6 * CARRIERS[k])), "SW_h": WIDTHS[k]}
        values |= {"NUC1": f"<{nuclei[FIELDS[k]]}>", "FnMODE": 0 if k == 2 else modes[quadratures[k]]}
        lines = [f"##${key}= {value}" for key, value in values.items()]
        (folder / name).write_text("\n".join(["##TITLE= test", *lines, "##END="]) + "\n")
    return folder

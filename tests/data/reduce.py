"""Cut the data of this folder and `examples/valine` out of the originals; README.md says where those come from.

> python tests/data/reduce.py FOLDER_OF_ORIGINALS
"""

import re
import shutil
import sys
from pathlib import Path

import nmrglue
import numpy as np

from nmr_speech.simulate import load_residue

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples"
MARGIN_PPM = 0.3
GB1_COLUMNS = slice(680, 808)  # the crowded middle, 8.5 to 8.0 ppm
GB1_SIGNALS = 500  # the strongest of 1466 hold 99% of the energy


def main(originals: Path) -> None:
    """Write every file that is not computed elsewhere."""
    validation, real = originals / "validation", originals / "real"
    for name in ("analytic_isotropic_mixing", "free_amino_acid_shifts_and_J", "hmdb_multiplets_batman"):
        shutil.copyfile(validation / f"{name}.csv", HERE / f"{name}.csv")
    shutil.copyfile(validation / "nmrshiftdb2_1H.csv", HERE / "nmrshiftdb2_1H.csv")
    for path in sorted((validation / "gissmo").iterdir()):
        shutil.copyfile(path, HERE / path.name)
    for path in sorted((validation / "exp1d").glob("*.npz")):
        cut_spectrum(path, HERE / "spectra_1d" / path.name)
    for path in sorted((validation / "spinguin").glob("*_norelax_*.npz")):
        thin_lock(path, HERE / "spinguin" / f"{path.name.split('_')[2]}.npz")
    cut_gb1(real / "GB1_HSQC", HERE / "gb1_hsqc")
    copy_valine(real / "L-Valine_TOCSY", EXAMPLES / "valine")


def cut_spectrum(path: Path, target: Path) -> None:
    """Keep what lies within 0.3 ppm of the residue's non-exchangeable protons."""
    stored = np.load(path)
    # The stored axis is float32, too coarse for its own step; only its ends are used.
    ppm = np.linspace(stored["ppm"].min(), stored["ppm"].max(), len(stored["ppm"]), dtype=float)
    shifts = load_residue(path.name[:3], "d2o", "free").shift_mean_ppm
    kept = (ppm > shifts.min() - MARGIN_PPM) & (ppm < shifts.max() + MARGIN_PPM)
    intensity = stored["intensity"][np.argsort(stored["ppm"])]
    target.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        target, ends_ppm=ppm[kept][[0, -1]], intensity=intensity[kept].astype(np.float32), field_mhz=stored["sf_MHz"]
    )


def thin_lock(path: Path, target: Path) -> None:
    """Keep every second point of both times: half the width, the same acquisition times."""
    stored = dict(np.load(path))
    thinned = {key: stored[key][::2, ::2] for key in ("cos", "sin")}
    thinned |= {"sweep_hz": stored["sweep_hz"] / 2, "npoints": stored["npoints"] // 2}
    target.parent.mkdir(exist_ok=True)
    np.savez_compressed(target, **(stored | thinned))


def cut_gb1(folder: Path, target: Path) -> None:
    """Keep some columns of the spectrum, and the strongest of the signals that were recovered from it independently."""
    target.mkdir(exist_ok=True)
    header, spectrum = nmrglue.pipe.read(str(folder / "hn.ft2"))
    unit = nmrglue.pipe.make_uc(header, spectrum, dim=1)
    first, last = GB1_COLUMNS.start, GB1_COLUMNS.stop - 1
    cut = np.ascontiguousarray(spectrum[:, GB1_COLUMNS])
    header |= {
        "FDSIZE": float(cut.shape[1]),
        "FDF2SW": header["FDF2SW"] * cut.shape[1] / spectrum.shape[1],
        "FDF2ORIG": float(unit.hz(last)),  # NMRPipe's origin is the frequency of the last point
        "FDF2CENTER": header["FDF2CENTER"] - first,
        "FDF2XN": header["FDF2X1"] + last,
        "FDF2X1": header["FDF2X1"] + first,
    }
    nmrglue.pipe.write(str(target / "hn_part.ft2"), header, cut, overwrite=True)
    stored = np.load(folder / "gb1_15n_hsqc.npz")
    strongest = np.sort(np.argsort(-np.linalg.norm(stored["t"], axis=1))[:GB1_SIGNALS])
    inside = np.arange(len(stored["t"]))[GB1_COLUMNS]
    rows = np.union1d(strongest, inside)
    np.savez_compressed(target / "signals.npz", t=stored["t"][rows], f2_ppm=stored["f2_ppm"][rows], column=rows)


def copy_valine(folder: Path, target: Path) -> None:
    """Copy a Bruker folder without its pulse programme, and without names of people and paths in the parameters."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "pulseprogram":
            copied = target / path.relative_to(folder)
            copied.parent.mkdir(parents=True, exist_ok=True)
            if path.name == "ser":
                shutil.copyfile(path, copied)
            else:
                text = re.sub(r"^\$\$.*\n", "", path.read_text(encoding="latin-1"), flags=re.MULTILINE)
                copied.write_text(re.sub(r"##OWNER=.*", "##OWNER= nmr", text), encoding="latin-1")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Experiments at other fields, widths, sizes and in other modes than those of the training, in water and in D2O."""

import numpy as np
import pytest
import torch

from nmr_speech.axis import Axis
from nmr_speech.simulate import Acquisition, load_residue, spectrum, tocsy
from nmr_speech.simulate.nuisances import disturb
from nmr_speech.spectrometer import find_reference, read_experiment, to_grid
from tests.spectrometer.writers import likeness, rows_of, write_bruker, write_nmrpipe, write_varian

ADDED = {"residual_water": {"amplitude": 0.3}, "reference_line": {"amplitude": 0.1}}


def experiment(residue, condition, field_mhz, width_ppm, carrier_ppm, **sizes):
    """Simulate with the lines of water and DSS."""
    molecule = load_residue(residue, condition, "free" if condition == "d2o" else "protein")
    axes = {"field_mhz": field_mhz, "carrier_ppm": carrier_ppm, "spectral_width_hz": width_ppm * field_mhz}
    fine_f1 = {"spectral_width_f1_hz": 2 * width_ppm * field_mhz} if sizes else {}
    decays = {"decay_time_t1_s": 0.04, "decay_time_t2_s": 0.08}
    fid = tocsy(molecule, molecule.shift_mean_ppm, **axes, **fine_f1, **decays, **sizes)
    return disturb(fid, torch.Generator().manual_seed(0), ADDED, Acquisition(**axes, **fine_f1)).numpy()


def write(form, path, rows, quadrature, field_mhz, width_ppm, carrier_ppm):
    """Write as each spectrometer would, with its own words for field, width and carrier."""
    width_hz, observed_mhz = width_ppm * field_mhz, field_mhz * (1 + carrier_ppm * 1e-6)
    if form == "bruker":
        axis = {"SW_h": width_hz, "BF1": field_mhz, "SFO1": observed_mhz}
        return write_bruker(path, rows, quadrature, acqus=axis, acqu2s=axis)
    if form == "varian":
        return write_varian(path, rows, quadrature, sw=width_hz, sw1=width_hz, sfrq=observed_mhz, reffrq=field_mhz)
    header = {f"FDF{k}{name}": value for k in (1, 2) for name, value in
              (("SW", width_hz), ("OBS", field_mhz), ("CAR", carrier_ppm))}  # fmt: skip
    return write_nmrpipe(path, rows, quadrature, **header)


CASES = [  # form, mode, residue, condition, MHz, width and carrier in ppm, sizes, late, quarters, backwards
    ("bruker", "states_tppi", "LYS", "d2o", 400.0, 11.0, 4.7, 128, 512, 1, 1, False),
    ("bruker", "tppi", "GLN", "h2o", 900.0, 14.0, 4.7, 200, 512, 0, 0, True),
    ("bruker", "echo_antiecho", "TYR", "d2o", 500.0, 12.0, 4.7, 64, 1024, 1, 0, False),
    ("varian", "states", "SER", "h2o", 300.0, 16.0, 4.0, 64, 1024, 1, 1, False),
    ("varian", "tppi", "GLU", "h2o", 800.0, 12.0, 5.0, 96, 256, 0, 0, False),
    ("varian", "echo_antiecho", "TRP", "d2o", 700.0, 14.0, 4.7, 96, 512, 1, 0, True),
    ("nmrpipe", "states_tppi", "ILE", "d2o", 600.0, 16.0, 5.0, 96, 512, 0, 1, True),
    ("nmrpipe", "states", "PRO", "d2o", 950.0, 20.0, 4.7, 256, 512, 0, 0, False),
    ("nmrpipe", "echo_antiecho", "ARG", "h2o", 500.0, 13.0, 4.8, 48, 300, 0, 1, True),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(map(str, case[:5])))
def test_on_the_grid_it_is_what_was_simulated(case, tmp_path):
    form, quadrature, residue, condition, field, width, carrier, n1, n2, late, quarters, backwards = case
    fine = experiment(residue, condition, field, width, carrier, n_transients=2 * n1, n_points=n2)
    rows = rows_of(fine, quadrature, late, quarters, backwards) * np.exp(2.1j)
    rng = np.random.default_rng(0)
    rows = rows + np.abs(rows).max() / 300 * (rng.normal(size=rows.shape) + 1j * rng.normal(size=rows.shape))
    read = read_experiment(write(form, tmp_path / "one", rows, quadrature, field, width, carrier))
    assert abs(find_reference(read)) < 0.02
    gridded = to_grid(read)
    assert gridded.n_valid == pytest.approx(min(256, n1 * 12 / width), abs=1.5)
    assert likeness(gridded, experiment(residue, condition, field, 12.0, 5.0)) > 0.95


def test_folded_lines_leave_the_others_where_they_are(tmp_path):
    """6 ppm about 4.7 ppm: the amide at 8.3 ppm comes in at 2.3 ppm, the lines in the window stay."""
    fine = experiment("PHE", "h2o", 600.0, 6.0, 4.7, n_transients=256, n_points=512)
    path = write("bruker", tmp_path / "one", rows_of(fine, "states"), "states", 600.0, 6.0, 4.7)
    gridded = to_grid(read_experiment(path))
    magnitude = spectrum(gridded.fid).abs().numpy()
    molecule = load_residue("PHE", "h2o", "protein")
    shifts = dict(zip(molecule.system.names, molecule.shift_mean_ppm, strict=True))

    def highest(at_ppm):
        near = np.abs(Axis().ppm() - at_ppm) < 0.1
        return magnitude[np.ix_(near, near)].max() / magnitude.max()

    for at_ppm in (shifts["HA"], shifts["HB2"], shifts["HD1"], shifts["H"] - 6):
        assert highest(at_ppm) > 0.05, at_ppm
    assert highest(shifts["H"]) < 0.02

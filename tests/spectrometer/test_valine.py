"""A measured experiment: the TOCSY of valine, its phases, and every cross peak at its published shift."""

import numpy as np
import pytest

from nmr_speech.axis import Axis
from nmr_speech.simulate import load_residue, tocsy
from nmr_speech.spectrometer import find_reference, negative_energy, read_experiment, to_grid
from nmr_speech.testing.data import reference_data
from nmr_speech.testing.maps import cross_peaks, magnitude_map
from tests.spectrometer.writers import likeness


@pytest.fixture(scope="module")
def valine():
    return read_experiment(reference_data("valine"))


def test_the_real_valine_comes_to_the_grid(valine):
    reference = find_reference(valine)
    assert reference == pytest.approx(0.15, abs=0.015)
    gridded = to_grid(valine, shift_ppm=reference)
    assert gridded.n_valid == 118
    assert negative_energy(gridded.fid) < 0.1
    steps = " ".join(gridded.steps)
    assert "group delay of 67.9856" in steps
    assert "0.5 dwell times after zero and F1 is 90 degrees" in steps
    molecule = load_residue("VAL", "d2o", "free")
    fid = tocsy(molecule, molecule.shift_mean_ppm).numpy()
    assert likeness(gridded, fid) > 0.6  # with the water and the DSS of the sample
    away = (np.abs(Axis().ppm() - 4.75) > 0.4) & (np.abs(Axis().ppm()) > 0.1)
    a, b = (transformed(one, gridded.n_valid) * away * away[:, None] for one in (gridded.fid.numpy(), fid))
    assert np.vdot(a, b).real / np.linalg.norm(a) / np.linalg.norm(b) > 0.86


@pytest.mark.parametrize(("n", "shift_ppm", "methyls_ppm"), [(512, None, 0.03), (256, 0.15, 0.05)])
def test_every_cross_peak_of_valine_is_on_the_grid(valine, n, shift_ppm, methyls_ppm):
    # 256 points of t2 are 43 ms, which do not resolve the 26 Hz between the methyl groups.
    gridded = to_grid(valine, Axis(n), shift_ppm=find_reference(valine) if shift_ppm is None else shift_ppm)
    spectrum = magnitude_map(*gridded.fid[:, : gridded.n_valid].numpy(), Axis(), Axis())
    rows = cross_peaks(load_residue("VAL", "d2o", "free"), spectrum)
    assert {row["groups"][1] for row in rows} == {"HA", "HB", "MG1", "MG2"}
    for row in rows:
        within = methyls_ppm if row["groups"][1].startswith("MG") else 0.03
        assert np.abs(row["off_ppm"]).max() < within, (row["groups"], row["off_ppm"])


def transformed(fid, n_valid):
    return np.fft.fftshift(np.fft.fft2((fid[0] + 1j * fid[1]) * (np.arange(256) < n_valid)[:, None]))

"""Simulated recordings, written as a spectrometer would and brought to a grid: the same recordings come back."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.spectrometer import QUADRATURES, Experiment, find_reference, negative_energy, read_experiment, to_grid
from tests.spectrometer.writers import (
    CARRIER_PPM,
    FIELD_MHZ,
    OVERSAMPLED,
    WIDTH_HZ,
    WRITERS,
    filtered,
    likeness,
    rows_of,
    simulated,
    t1_fine,
    write_bruker,
    write_nmrpipe,
)

SAME_GRID = Axis(256, WIDTH_HZ, CARRIER_PPM, FIELD_MHZ)
SMALL_GRID = Axis(128)  # of `expected`: a model's grid with fewer points, which takes a quarter of the time


@pytest.mark.parametrize("quadrature", QUADRATURES)
@pytest.mark.parametrize("form", WRITERS)
def test_the_recording_that_was_simulated_comes_back(form, quadrature, fine, tmp_path):
    path = WRITERS[form](tmp_path / "one", rows_of(fine, quadrature), quadrature)
    gridded = to_grid(read_experiment(path), SAME_GRID)
    assert gridded.n_valid == 128
    whole = np.zeros((2, 256, 256), dtype=complex)
    whole[:, :128] = fine[:, ::2]
    assert likeness(gridded, whole) > 0.9995
    assert not gridded.fid[:, 128:].any()


def test_with_known_phases_and_equal_grids_nothing_changes(fine, tmp_path):
    path = write_bruker(tmp_path / "one", rows_of(fine, "states"), "states", real=True)
    gridded = to_grid(read_experiment(path), SAME_GRID, phase_f2_deg=(0, 0), t1_start=0)
    np.testing.assert_allclose(gridded.fid[:, :128].numpy() / 1e6, fine[:, ::2], atol=1e-4)


@pytest.mark.parametrize(("quadrature", "late"), [("states", 1), ("states_tppi", 0), ("tppi", 1), ("echo_antiecho", 1)])
@pytest.mark.parametrize("quarters", [0, 1])
@pytest.mark.parametrize("backwards", [False, True])
def test_start_order_and_direction_of_t1_are_found(quadrature, late, quarters, backwards, fine, expected, tmp_path):
    rows = rows_of(fine, quadrature, late, quarters, backwards) * np.exp(1.1j)
    gridded = to_grid(read_experiment(write_bruker(tmp_path / "one", rows, quadrature)), SMALL_GRID)
    # TPPI that begins with the sine, half a dwell late, has no cosine row before a whole dwell.
    assert likeness(gridded, expected) > (0.97 if (quadrature, quarters) == ("tppi", 1) else 0.98)
    assert ("F1 runs the other way round" in " ".join(gridded.steps)) == backwards
    assert f"{late / 2:g} dwell times after zero" in " ".join(gridded.steps)


@pytest.mark.parametrize("degrees", [-170, -60, 35, 90])
def test_any_phase_in_f2_is_found(degrees, fine, expected, tmp_path):
    rows = rows_of(fine, "states_tppi") * np.exp(1j * np.deg2rad(degrees))
    gridded = to_grid(read_experiment(write_bruker(tmp_path / "one", rows, "states_tppi")), SMALL_GRID)
    assert likeness(gridded, expected) > 0.99


@pytest.fixture(scope="module")
def wide():
    """The same before the digital filter of a spectrometer."""
    return t1_fine(64, n_points=2000, width_hz=OVERSAMPLED * WIDTH_HZ)


@pytest.mark.parametrize("delay", [67.9856, 20.5])
def test_a_digital_filter_is_undone(delay, wide, expected, tmp_path):
    rows = filtered(rows_of(wide, "states_tppi"), delay, 384) * np.exp(0.5j)
    if delay == 67.9856:
        path = write_bruker(tmp_path / "one", rows, "states_tppi", acqus={"GRPDLY": delay})
    else:
        path = write_nmrpipe(tmp_path / "one", rows, "states_tppi", FDDMXVAL=delay)
    experiment = read_experiment(path)
    assert experiment.t2_start == pytest.approx(-delay)
    gridded = to_grid(experiment, SMALL_GRID)
    assert likeness(gridded, expected) > 0.99
    assert negative_energy(gridded.fid) < 0.05


@pytest.mark.parametrize("residue", ["GLY", "ALA", "LYS", "PHE"])
def test_other_amino_acids(residue, tmp_path):
    rows = rows_of(t1_fine(96, residue=residue), "states_tppi", 1, 1, True) * np.exp(-0.7j)
    rng = np.random.default_rng(0)
    noise = 0.01 * np.abs(rows).max() * (rng.normal(size=rows.shape) + 1j * rng.normal(size=rows.shape))
    gridded = to_grid(read_experiment(write_bruker(tmp_path / "one", rows + noise, "states_tppi")))
    expected = simulated(residue, carrier_ppm=5.0, width_hz=12 * FIELD_MHZ, n_transients=256, n_points=256)
    assert likeness(gridded, expected) > 0.95


def test_states_tppi_as_nmrglue_marks_it_is_seen_by_the_diagonal(fine, expected, tmp_path):
    path = write_nmrpipe(tmp_path / "one", rows_of(fine, "states_tppi"), "states_tppi", FDF1AQSIGN=16.0)
    gridded = to_grid(read_experiment(path), SMALL_GRID)
    assert any("signs alternated" in step for step in gridded.steps)
    assert likeness(gridded, expected) > 0.99


def test_an_experiment_stopped_early(fine, tmp_path):
    folder = write_bruker(tmp_path / "one", rows_of(fine, "states"), "states")
    data = (folder / "ser").read_bytes()
    (folder / "ser").write_bytes(data[: len(data) // 256 * 101])
    gridded = to_grid(read_experiment(folder), SAME_GRID)
    assert gridded.n_valid == 50
    assert any("101 of 256 rows" in step for step in gridded.steps)


def test_a_shift_is_stated(fine, tmp_path):
    path = write_bruker(tmp_path / "one", rows_of(fine, "states"), "states")
    assert any("0.1 ppm" in step for step in to_grid(read_experiment(path), Axis(16), shift_ppm=0.1).steps)


def test_a_grid_that_the_experiment_does_not_cover(fine):
    f1, f2 = Axis(256, 2 * WIDTH_HZ, 4.7, FIELD_MHZ), Axis(256, WIDTH_HZ, 60.0, FIELD_MHZ)
    experiment = Experiment(fid=torch.from_numpy(fine), f1=f1, f2=f2, n_valid=256)
    with pytest.raises(InputError, match="F2 must cover"):
        to_grid(experiment)
    with pytest.raises(InputError, match="no DSS"):
        find_reference(experiment)
    with pytest.raises(InputError, match="must be 0 or half a dwell"):
        to_grid(replace(experiment, f2=replace(f2, carrier_ppm=4.7)), t1_start=0.3)
    with pytest.raises(InputError, match="must be of one nucleus"):
        to_grid(replace(experiment, f1=replace(f1, field_mhz=50.7)))
    with pytest.raises(InputError, match=r"`fid` must be complex with shape \(2, 8, 256\)"):
        replace(experiment, f1=f1.resized(8))

"""Experiments written by nmrglue and read back, mended, refused where damaged; and one that was measured."""

import shutil
import zlib
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.simulate import load_residue, tocsy
from nmr_speech.spectrometer import (
    QUADRATURES,
    Experiment,
    find_reference,
    negative_energy,
    read_experiment,
    to_grid,
)
from nmr_speech.testing.data import reference_data
from nmr_speech.testing.published import cross_peaks, magnitude_map
from tests.spectrometer.writers import (
    CARRIER_PPM,
    FIELD_MHZ,
    OVERSAMPLED,
    WIDTH_HZ,
    WRITERS,
    filtered,
    rows_of,
    simulated,
    t1_fine,
    write_bruker,
    write_nmrpipe,
    write_varian,
)

SAME_GRID = Axis(256, WIDTH_HZ, CARRIER_PPM, FIELD_MHZ)


@pytest.fixture(scope="module")
def fine():
    return t1_fine(128)


@pytest.fixture(scope="module")
def expected():
    """What was to be measured, on the grid of a model of the same field."""
    return simulated(carrier_ppm=5.0, width_hz=12 * FIELD_MHZ, n_transients=256, n_points=256)


def likeness(gridded, expected):
    """Correlation of the transients measured, phase included: 1 for equal recordings."""
    a, b = (fid[:, : gridded.n_valid].astype(complex) for fid in (gridded.fid.numpy(), expected))
    return np.vdot(a, b).real / np.linalg.norm(a) / np.linalg.norm(b)


@pytest.mark.parametrize("quadrature", QUADRATURES)
@pytest.mark.parametrize("form", WRITERS)
def test_what_was_written_is_read(form, quadrature, fine, tmp_path):
    path = WRITERS[form](tmp_path / "one", rows_of(fine, quadrature), quadrature)
    unsaid = form == "varian" and quadrature == "states_tppi"  # procpar does not tell it from States
    experiment = read_experiment(path, quadrature=quadrature if unsaid else None)
    sines = fine[1, 1::2] if quadrature == "tppi" else fine[1, ::2]
    np.testing.assert_allclose(
        experiment.fid,
        np.stack([fine[0, ::2], sines]) * (1e6 if form == "bruker" else 1),
        atol=2e-5 if form != "bruker" else 2,
    )
    assert experiment.t1_start == (0.0, 0.5 if quadrature == "tppi" else 0.0)
    assert (experiment.f1.width_hz, experiment.f2.width_hz) == (WIDTH_HZ, WIDTH_HZ)
    for axis in (experiment.f1, experiment.f2):
        assert axis.carrier_ppm == pytest.approx(CARRIER_PPM, abs=1e-4)
        assert axis.field_mhz == pytest.approx(FIELD_MHZ)
    assert experiment.same_nucleus
    assert any(f"sampled as {quadrature}" in step for step in experiment.steps)


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


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("real", [False, True])
def test_numbers_of_either_byte_order(big, real, fine, tmp_path):
    rows = rows_of(fine, "states")[:, :200]  # which does not fill its block
    experiment = read_experiment(write_bruker(tmp_path / "one", rows, "states", big=big, real=real) / "ser")
    np.testing.assert_allclose(experiment.fid / 1e6, fine[:, ::2, :200], atol=2e-6)


@pytest.mark.parametrize(("quadrature", "late"), [("states", 1), ("states_tppi", 0), ("tppi", 1), ("echo_antiecho", 1)])
@pytest.mark.parametrize("quarters", [0, 1])
@pytest.mark.parametrize("backwards", [False, True])
def test_start_order_and_direction_of_t1_are_found(quadrature, late, quarters, backwards, fine, expected, tmp_path):
    rows = rows_of(fine, quadrature, late, quarters, backwards) * np.exp(1.1j)
    gridded = to_grid(read_experiment(write_bruker(tmp_path / "one", rows, quadrature)))
    # TPPI that begins with the sine, half a dwell late, has no cosine row before a whole dwell.
    assert likeness(gridded, expected) > (0.97 if (quadrature, quarters) == ("tppi", 1) else 0.98)
    assert ("F1 runs the other way round" in " ".join(gridded.steps)) == backwards
    assert f"{late / 2:g} dwell times after zero" in " ".join(gridded.steps)


@pytest.mark.parametrize("degrees", [-170, -60, 35, 90])
def test_any_phase_in_f2_is_found(degrees, fine, expected, tmp_path):
    rows = rows_of(fine, "states_tppi") * np.exp(1j * np.deg2rad(degrees))
    gridded = to_grid(read_experiment(write_bruker(tmp_path / "one", rows, "states_tppi")))
    assert likeness(gridded, expected) > 0.99


@pytest.mark.parametrize("delay", [67.9856, 20.5])
def test_a_digital_filter_is_undone(delay, expected, tmp_path):
    wide = t1_fine(64, n_points=2400, width_hz=OVERSAMPLED * WIDTH_HZ)
    rows = filtered(rows_of(wide, "states_tppi"), delay, 384) * np.exp(0.5j)
    if delay == 67.9856:
        path = write_bruker(tmp_path / "one", rows, "states_tppi", acqus={"GRPDLY": delay})
    else:
        path = write_nmrpipe(tmp_path / "one", rows, "states_tppi", FDDMXVAL=delay)
    experiment = read_experiment(path)
    assert experiment.t2_start == pytest.approx(-delay)
    gridded = to_grid(experiment)
    assert likeness(gridded, expected) > 0.99
    assert negative_energy(gridded.fid) < 0.05


def test_an_older_filter_is_in_the_table_and_one_removed_is_seen(fine, tmp_path):
    rows = rows_of(fine, "states")
    older = {"GRPDLY": None, "DSPFVS": 12, "DECIM": 16}
    experiment = read_experiment(write_bruker(tmp_path / "one", rows, "states", acqus=older))
    assert experiment.t2_start == 0  # no build-up
    assert any("removed before" in step and "71.625" in step for step in experiment.steps)


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
    gridded = to_grid(read_experiment(path))
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
    assert any("0.1 ppm" in step for step in to_grid(read_experiment(path), shift_ppm=0.1).steps)


BAD = {
    "has QF|is QF": {"quadrature": 1},
    "is QSEQ": {"quadrature": 2},
    "does not say how t1 was sampled": {"quadrature": 0},
    "FnMODE 9": {"quadrature": 9},
    "got 1H in F2 and 15N in F1": {"acqu2s": {"NUC1": "15N"}},
    "must be 1H": {"acqu2s": {"SFO1": 50.7}},
    "SW_h must be a number": {"acqus": {"SW_h": None}},
    "SW_h must be a number from 1": {"acqus": {"SW_h": -4.0}},
    "O1 must be a number": {"acqus": {"BF1": None}},
    "within 100 ppm": {"acqus": {"BF1": 400.0}},
    "SFO1 must be a number": {"acqus": {"SFO1": "nan"}},
    "group delay": {"acqus": {"GRPDLY": -1.0, "DSPFVS": 99}},
    "DTYPA must be": {"acqus": {"DTYPA": 1}},
    "AQ_mod must be": {"acqus": {"AQ_mod": 0}},
    "sampled uniformly": {"acqus": {"FnTYPE": 2}},
    "was the file cut off": {"acqus": {"TD": 5000}},
    "TD must be a number": {"acqu2s": {"TD": None}},
}


@pytest.mark.parametrize("message", BAD)
def test_what_cannot_be_used_is_refused_with_a_reason(message, fine, tmp_path):
    settings = {"quadrature": "states"} | BAD[message]
    path = write_bruker(tmp_path / "one", rows_of(fine, "states")[:32], **settings)
    with pytest.raises(InputError, match=message):
        read_experiment(path)


def test_messages_of_the_other_forms(fine, tmp_path):
    rows = rows_of(fine, "states")[:32]
    cases = {
        "this is a spectrum": write_nmrpipe(tmp_path / "a", rows, "states", FDF2FTFLAG=1.0),
        "magnitude": write_nmrpipe(tmp_path / "b", rows, "states", FD2DPHASE=0.0),
        "is it 1D": write_nmrpipe(tmp_path / "c", rows, "states", FDDIMCOUNT=1.0),
        "must be 1H": write_varian(tmp_path / "d", rows, "states", refsource1="dfrq", dn="N15", dfrq=50.7),
        "where 0 ppm is": write_varian(tmp_path / "e", rows, "states", reffrq=0.0),
        "NaN": write_nmrpipe(tmp_path / "f", rows * np.where(np.arange(256) == 7, np.nan, 1), "states"),
        "at least 8 rows": write_nmrpipe(tmp_path / "g", rows * 0, "states"),
    }
    for message, path in cases.items():
        with pytest.raises(InputError, match=message):
            read_experiment(path)
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "acqus").write_text("##END=")
    (tmp_path / "h" / "fid").write_bytes(bytes(64))
    with pytest.raises(InputError, match="a 1D experiment"):
        read_experiment(tmp_path / "h")


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


@pytest.mark.parametrize("form", WRITERS)
def test_damaged_files_are_refused_or_read_but_never_crash(form, tmp_path):
    rows = rows_of(t1_fine(12, n_points=64), "states")
    path = WRITERS[form](tmp_path / "whole", rows, "states")
    names = [""] if path.is_file() else sorted(file.name for file in path.iterdir())
    rng = np.random.default_rng(zlib.crc32(form.encode()))
    outcomes = {"refused": 0, "read": 0}
    for _ in range(80):
        damaged = tmp_path / "damaged"
        shutil.copy(path, damaged) if path.is_file() else shutil.copytree(path, damaged, dirs_exist_ok=True)
        file = damaged / str(rng.choice(names)) if names != [""] else damaged
        file.write_bytes(damage(file.read_bytes(), rng))
        try:
            experiment = read_experiment(damaged)
            with suppress(InputError):
                assert abs(find_reference(experiment)) < 0.3
            gridded = to_grid(experiment, Axis(16))
            assert torch.isfinite(gridded.fid.abs()).all()
            outcomes["read"] += 1
        except InputError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 5


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


@pytest.mark.parametrize(("n", "methyls_ppm"), [(1024, 0.03), (256, 0.05)])
@pytest.mark.parametrize("shift_ppm", [0.15, None])
def test_every_cross_peak_of_valine_is_on_the_grid(valine, shift_ppm, n, methyls_ppm):
    # 256 points of t2 are 43 ms, which do not resolve the 26 Hz between the methyl groups.
    gridded = to_grid(valine, Axis(n), shift_ppm=find_reference(valine) if shift_ppm is None else shift_ppm)
    spectrum = magnitude_map(*gridded.fid[:, : gridded.n_valid].numpy(), 12.0, 5.0)
    rows = cross_peaks(load_residue("VAL", "d2o", "free"), spectrum)
    assert {row["groups"][1] for row in rows} == {"HA", "HB", "MG1", "MG2"}
    for row in rows:
        within = methyls_ppm if row["groups"][1].startswith("MG") else 0.03
        assert np.abs(row["off_ppm"]).max() < within, (row["groups"], row["off_ppm"])


def transformed(fid, n_valid):
    return np.fft.fftshift(np.fft.fft2((fid[0] + 1j * fid[1]) * (np.arange(256) < n_valid)[:, None]))

"""Files written by nmrglue and read back; what cannot be used is refused with a reason."""

import shutil
import zlib
from contextlib import suppress

import numpy as np
import pytest
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.spectrometer import QUADRATURES, find_reference, read_experiment, to_grid
from tests.spectrometer.writers import (
    CARRIER_PPM,
    FIELD_MHZ,
    WIDTH_HZ,
    WRITERS,
    damage,
    rows_of,
    t1_fine,
    write_bruker,
    write_nmrpipe,
    write_varian,
)


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


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("real", [False, True])
def test_numbers_of_either_byte_order(big, real, fine, tmp_path):
    rows = rows_of(fine, "states")[:, :200]  # which does not fill its block
    experiment = read_experiment(write_bruker(tmp_path / "one", rows, "states", big=big, real=real) / "ser")
    np.testing.assert_allclose(experiment.fid / 1e6, fine[:, ::2, :200], atol=2e-6)


def test_an_older_filter_is_in_the_table_and_one_removed_is_seen(fine, tmp_path):
    rows = rows_of(fine, "states")
    older = {"GRPDLY": None, "DSPFVS": 12, "DECIM": 16}
    experiment = read_experiment(write_bruker(tmp_path / "one", rows, "states", acqus=older))
    assert experiment.t2_start == 0  # no build-up
    assert any("removed already" in step and "71.625" in step for step in experiment.steps)


def write_processed(folder, name, text):
    (folder / "pdata" / "1").mkdir(parents=True)
    (folder / "pdata" / "1" / name).write_text(text)


@pytest.mark.parametrize(("mc2", "quadrature"), [(2, "tppi"), (3, "states"), (4, "states_tppi"), (5, "echo_antiecho")])
def test_mc2_counts_where_fnmode_is_undefined_and_fnmode_of_acqus_never_does(mc2, quadrature, fine, tmp_path):
    folder = write_bruker(tmp_path / "one", rows_of(fine, quadrature)[:32], 0, acqus={"FnMODE": 1})
    write_processed(folder, "proc2s", f"##$MC2= {mc2}\n")
    assert f"t1 was sampled as {quadrature} (MC2)." in read_experiment(folder).steps


def test_0_ppm_is_where_the_spectrum_was_referenced(fine, tmp_path):
    folder = write_bruker(tmp_path / "one", rows_of(fine, "states")[:32], "states")
    write_processed(folder, "procs", f"##$SF= {FIELD_MHZ * (1 - 0.15e-6):.9f}\n")
    for axis in (read_experiment(folder).f1, read_experiment(folder).f2):
        assert axis.carrier_ppm == pytest.approx(CARRIER_PPM + 0.15, abs=1e-4)


def test_the_width_of_f1_in_ppm_has_precedence(fine, tmp_path):
    stale = {"SW": WIDTH_HZ / FIELD_MHZ, "SW_h": 1234.0}
    f1 = read_experiment(write_bruker(tmp_path / "one", rows_of(fine, "states")[:32], "states", acqu2s=stale)).f1
    assert f1.width_hz == pytest.approx(WIDTH_HZ, rel=1e-5)


def test_varian_references_by_the_line_at_rfl_too(fine, tmp_path):
    rfl_hz = WIDTH_HZ / 2 - CARRIER_PPM * FIELD_MHZ + 100
    folder = write_varian(tmp_path / "one", rows_of(fine, "states")[:32], "states", reffrq=0.0, rfl=rfl_hz, rfp=100.0)
    assert read_experiment(folder).f2.carrier_ppm == pytest.approx(CARRIER_PPM, abs=1e-4)


def test_a_filter_that_nmrpipe_removed_has_no_delay(fine, tmp_path):
    path = write_nmrpipe(tmp_path / "one", rows_of(fine, "states")[:32], "states", FDDMXVAL=67.98, FDDMXFLAG=-1.0)
    assert read_experiment(path).t2_start == 0


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


@pytest.mark.parametrize("form", WRITERS)
def test_damaged_files_are_refused_or_read_but_never_crash(form, tmp_path):
    rows = rows_of(t1_fine(12, n_points=64), "states")
    path = WRITERS[form](tmp_path / "whole", rows, "states")
    names = [""] if path.is_file() else sorted(file.name for file in path.iterdir())
    rng = np.random.default_rng(zlib.crc32(form.encode()))
    outcomes = {"refused": 0, "read": 0}
    for _ in range(40):
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
    assert min(outcomes.values()) > 2

"""Dialects of real files: each is read with the right value, or refused with the sentence that helps."""

import struct

import nmrglue
import numpy as np
import pytest

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.spectrometer import Sampling, read_experiment, to_grid
from nmr_speech.spectrometer.rows import time_zero
from tests.spectrometer.test_to_grid import SMALL_GRID
from tests.spectrometer.writers import (
    CARBON,
    CARRIER_PPM,
    FIELD_MHZ,
    OVERSAMPLED,
    WIDTH_HZ,
    edit_procpar,
    filtered,
    likeness,
    rows_of,
    t1_fine,
    write_bruker,
    write_nmrpipe,
    write_processed,
    write_varian,
)

# Where an axis gets its zero.


@pytest.mark.parametrize(
    ("proc2s", "carrier_ppm", "said"),
    [
        ({"SF": 125.757789}, 46.496, "SF of pdata/1/proc2s"),
        ({}, 45.0, "BF1 of acqu2s: not referenced"),
        ({"SF": 500.0}, 45.0, "SF of proc2s, 500 MHz, is of another nucleus"),
    ],
)
def test_f1_of_another_nucleus_has_its_own_reference(proc2s, carrier_ppm, said, rows, tmp_path):
    folder = write_bruker(tmp_path / "hsqc", rows, "states", acqu2s=CARBON)
    write_processed(folder, procs={"SF": FIELD_MHZ}, proc2s=proc2s)
    experiment = read_experiment(folder, sampling=Sampling())
    assert experiment.f1.carrier_ppm == pytest.approx(carrier_ppm, abs=0.01)
    assert experiment.f2.carrier_ppm == pytest.approx(CARRIER_PPM, abs=1e-3)
    assert said in " ".join(experiment.steps)


def test_f1_without_bf1_has_o1(rows, tmp_path):
    folder = write_bruker(tmp_path / "hsqc", rows, "states", acqu2s=CARBON | {"BF1": None, "O1": 5659.0})
    assert read_experiment(folder, sampling=Sampling()).f1.carrier_ppm == pytest.approx(45.0, abs=0.01)
    write_bruker(folder, rows, "states", acqu2s=CARBON | {"BF1": None})
    with pytest.raises(InputError, match="O1 must be a number"):
        read_experiment(folder, sampling=Sampling())


def test_the_processing_is_chosen_by_its_number(rows, tmp_path):
    folder = write_bruker(tmp_path / "one", rows, "states")
    write_processed(folder, 2, procs={"SF": FIELD_MHZ * (1 - 0.1e-6)})
    write_processed(folder, 11, procs={"SF": FIELD_MHZ * (1 - 0.3e-6)})
    for pdata, moved_ppm in ((None, 0.1), (2, 0.1), (11, 0.3)):
        assert read_experiment(folder, pdata=pdata).f2.carrier_ppm == pytest.approx(CARRIER_PPM + moved_ppm, abs=1e-3)
    with pytest.raises(InputError, match="`pdata` may be: 2, 11"):
        read_experiment(folder, pdata=3)


def test_varian_f1_of_another_nucleus_has_its_own_reference(rows, tmp_path):
    carbon = {"refsource1": "dfrq", "dn": "C13", "dfrq": 125.763636, "reffrq1": 125.757789}
    folder = write_varian(tmp_path / "one", rows, "states", **carbon)
    experiment = read_experiment(folder, sampling=Sampling())
    assert experiment.f1.carrier_ppm == pytest.approx(46.496, abs=0.01)
    assert experiment.f1.field_mhz == pytest.approx(125.757789)
    with pytest.raises(InputError, match=r"got 1H in F2 and 13C in F1 .*`nmr-speech reconstruct` takes other nuclei"):
        read_experiment(folder)


# Second loops.


def test_a_second_loop_of_varian_is_refused(rows, tmp_path):
    folder = write_varian(tmp_path / "one", np.repeat(rows, 2, axis=0), "states")
    edit_procpar(folder, array="mixT,phase", mixT=[0.03, 0.08], ni=[16])
    with pytest.raises(InputError, match=r"array must hold the phase alone, got mixT, phase: .* value of mixT alone"):
        read_experiment(folder)
    with pytest.raises(InputError, match="ni must fit the rows, got 16 for 64 rows"):
        read_experiment(edit_procpar(folder, array="phase"))
    with pytest.raises(InputError, match="ni2 of 4 makes three"):
        read_experiment(edit_procpar(folder, array="phase", ni2=[4]))
    assert read_experiment(edit_procpar(folder, array="phase", ni=[32], ni2=[1])).f1.n == 32


def test_a_series_of_varian_is_refused(rows, tmp_path):
    folder = edit_procpar(write_varian(tmp_path / "one", rows, "states"), array="d2", ni=[1])
    with pytest.raises(InputError, match="a series of 1D spectra, arrayed over d2"):
        read_experiment(folder)


def test_a_1d_of_varian_is_refused(rows, tmp_path):
    folder = edit_procpar(write_varian(tmp_path / "one", rows[:2], "states"), array="", ni=[0])
    with pytest.raises(InputError, match=r"is a 1D experiment \(ni 0\); give a 2D TOCSY"):
        read_experiment(folder)


def test_a_second_loop_of_bruker_is_refused(rows, tmp_path):
    folder = write_bruker(tmp_path / "one", rows, "states")
    (folder / "acqu3s").write_text("##$TD= 4\n")
    with pytest.raises(InputError, match=r"acqu3s: .* TD is 4 here: a third dimension, or a second loop"):
        read_experiment(folder)
    (folder / "acqu3s").unlink()
    write_bruker(folder, rows, "states", acqu2s={"TD": 16})
    with pytest.raises(InputError, match=r"must hold the 16 rows of acqu2s \(TD\), got 32: there is a second loop"):
        read_experiment(folder)


def test_a_second_loop_of_nmrpipe_is_refused(rows, tmp_path):
    for header in ({"FDF3SIZE": 2.0}, {"FDF1TDSIZE": 8.0}):
        path = write_nmrpipe(tmp_path / "one.fid", rows, "states", **header)
        with pytest.raises(InputError, match="rows must be those of one plane"):
            read_experiment(path)


@pytest.mark.parametrize("quadrature", ["states", "states_tppi"])
def test_a_second_loop_that_no_file_mentions_is_a_warning(quadrature, fine, tmp_path):
    pairs = rows_of(fine, quadrature).reshape(128, 2, -1)
    weaker = 0.6 * pairs * np.linspace(0.5, 1, 256)  # another mixing time: other intensities
    for name, both, said in (
        ("interleaved", np.stack([pairs, weaker], axis=1), "transients repeat in groups of 2"),
        ("consecutive", np.concatenate([pairs, weaker]), "transients begin anew 2 times"),
    ):
        path = write_nmrpipe(tmp_path / name, both.reshape(512, -1), "states")
        assert any(said in warning for warning in read_experiment(path).warnings), name
        assert not read_experiment(path).warnings[1:]
    assert not read_experiment(write_nmrpipe(tmp_path / "one", rows_of(fine, quadrature), quadrature)).warnings


@pytest.mark.parametrize("marks", [{"PULPROG": "t1ir"}, {"list": "vdlist"}])
def test_an_inversion_recovery_is_refused(marks, rows, tmp_path):
    folder = write_bruker(tmp_path / "one", rows, 0, acqus={"PULPROG": marks.get("PULPROG", "mine")})
    (folder / marks.get("list", "other")).write_text("0.1\n0.2\n")
    with pytest.raises(InputError, match=r"is a series of 1D spectra .* an inversion recovery"):
        read_experiment(folder)


# Non-uniform sampling.


def test_sparse_varian_data_need_their_schedule(fine, tmp_path):
    pairs, schedule = rows_of(fine, "states").reshape(128, 2, -1), np.array([0, 3, 1, 7, 9, 20, 33, 41])
    folder = write_varian(tmp_path / "one", pairs[schedule].reshape(16, -1), "states")
    edit_procpar(folder, sampling="sparse", ni=[64])
    with pytest.raises(InputError, match="sampling 'sparse' says it was not; reconstruct it first"):
        read_experiment(folder)
    experiment = read_experiment(folder, sampling=Sampling(schedule))
    assert experiment.fid.shape[1] == 64
    np.testing.assert_allclose(experiment.fid[:, schedule], fine[:, ::2][:, schedule], atol=1e-5)
    assert experiment.fid.abs().sum((0, 2)).nonzero().flatten().tolist() == sorted(schedule)


def test_zeros_between_transients_need_their_schedule(fine, tmp_path):
    pairs = rows_of(fine, "states").reshape(128, 2, -1)[:64].copy()
    pairs[1:63:2] = 0
    path = write_nmrpipe(tmp_path / "expanded.fid", pairs.reshape(128, -1), "states", FDF1TDSIZE=16.0)
    with pytest.raises(InputError, match="rows must be those of one plane"):
        read_experiment(path)
    path = write_nmrpipe(tmp_path / "expanded.fid", pairs.reshape(128, -1), "states")
    with pytest.raises(InputError, match=r"31 of 64 transients between measured ones are zero, .* give the `schedule`"):
        read_experiment(path)
    assert read_experiment(path, sampling=Sampling(np.array([*range(0, 63, 2), 63]))).f1.n == 64


# Group delays that the file does not mention.


@pytest.fixture(scope="module")
def delayed():
    wide = t1_fine(64, n_points=2000, width_hz=OVERSAMPLED * WIDTH_HZ)
    return filtered(rows_of(wide, "states_tppi"), 67.9856, 384) * np.exp(0.5j)


@pytest.mark.parametrize("header", [{}, {"FDDMXVAL": 67.98, "FDDMXFLAG": -1.0}])
def test_a_filter_that_the_header_of_nmrpipe_lost_is_seen(header, delayed, expected, tmp_path):
    experiment = read_experiment(write_nmrpipe(tmp_path / "one.fid", delayed, "states_tppi", **header))
    assert experiment.t2_start == pytest.approx(-68, abs=1)
    assert any("builds up over 6" in step and "digital filter" in step for step in experiment.steps)
    assert likeness(to_grid(experiment, SMALL_GRID), expected) > 0.99


def test_a_filter_is_seen_in_every_format(delayed, tmp_path):
    for path in (
        write_bruker(tmp_path / "bruker", delayed, "states_tppi", acqus={"GRPDLY": 0.0}),
        write_varian(tmp_path / "varian", delayed, "states_tppi"),
    ):
        assert read_experiment(path, quadrature="states_tppi").t2_start == pytest.approx(-68, abs=1)


def test_empty_points_before_the_signal_are_left_out(rows):
    late = np.concatenate([1e-3 * rows[:, :1] * np.ones(30), rows], axis=1)
    cut, start, step = time_zero(late, 0.0, "one")
    assert (cut == rows).all()
    assert start == 0
    assert "over 30 points as behind a digital filter, abruptly" in step


def test_a_signal_that_starts_at_once_has_no_delay(rows):
    assert time_zero(rows, 0.0, "one")[1] == 0
    noise = np.random.default_rng(0).normal(size=rows.shape) + 0j
    assert time_zero(noise, 0.0, "one")[1] == 0


# Phases.


def test_poor_phases_are_a_warning(fine, tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(256, 256)) + 1j * rng.normal(size=(256, 256))
    path = write_bruker(tmp_path / "noise", noise, "states")
    warnings = to_grid(read_experiment(path), Axis(64)).warnings
    assert any("the phases are poor" in warning and "`phase_f2_deg`" in warning for warning in warnings)
    sound = write_bruker(tmp_path / "sound", rows_of(fine, "states"), "states")
    assert to_grid(read_experiment(sound), Axis(64)).warnings == ()


def test_phases_can_be_given(fine, expected, tmp_path):
    rows = rows_of(fine, "states", late=1, quarters=1) * np.exp(0.6j)
    experiment = read_experiment(write_bruker(tmp_path / "one", rows, "states"))
    given = {"phase_f2_deg": (np.rad2deg(0.6), 0.0), "phase_f1_deg": (90.0, -180.0)}
    gridded = to_grid(experiment, SMALL_GRID, **given)
    assert likeness(gridded, expected) > 0.98
    assert any("as given by the caller" in step for step in gridded.steps)
    with pytest.raises(InputError, match="`phase_f1_deg` must have a first order of 0, or of 180"):
        to_grid(experiment, SMALL_GRID, phase_f1_deg=(0, 90))
    with pytest.raises(InputError, match="contradict each other"):
        to_grid(experiment, SMALL_GRID, phase_f1_deg=(0, 0), t1_start=0.5)


def test_any_zero_order_in_f1_can_be_given(fine, expected, tmp_path):
    cos, sin = fine
    turned = np.stack([np.cos(0.7) * cos - np.sin(0.7) * sin, np.cos(0.7) * sin + np.sin(0.7) * cos])
    experiment = read_experiment(write_bruker(tmp_path / "one", rows_of(turned, "states"), "states"))
    assert likeness(to_grid(experiment, SMALL_GRID, phase_f1_deg=(np.rad2deg(0.7), 0)), expected) > 0.99
    tppi = read_experiment(write_bruker(tmp_path / "two", rows_of(fine, "tppi"), "tppi"))
    with pytest.raises(InputError, match="must be a multiple of 90 degrees, got 40"):
        to_grid(tppi, SMALL_GRID, phase_f1_deg=(40, 0))


# Sound files that used to be refused.


@pytest.mark.parametrize("nucleus", ["off", "", None])
def test_equal_frequencies_are_one_nucleus(nucleus, rows, tmp_path):
    folder = write_bruker(tmp_path / "one", rows, "states", acqu2s={"NUC1": nucleus})
    experiment = read_experiment(folder)
    assert experiment.same_nucleus
    assert "acqu2s names no nucleus; its frequency is that of F2, so F1 is 1H too." in experiment.steps


def test_procpar_in_latin_1_and_the_mixing_time_of_vnmrj(rows, tmp_path):
    folder = edit_procpar(write_varian(tmp_path / "one", rows, "states"), comment="100 \xb5M", mixT=[0.08])
    assert read_experiment(folder).mixing_time_s == 0.08
    edit_procpar(folder, comment="two\nlines")
    assert read_experiment(folder).mixing_time_s == 0.08


def test_varian_as_integers_with_a_scale_for_each_block_and_stopped(rows, tmp_path):
    folder = write_varian(tmp_path / "one", rows, "states")
    before = read_experiment(folder).fid
    np.testing.assert_allclose(
        nmrglue.varian.read_fid(str(folder / "fid"), as_2d=True)[1][0].conj(), rows[0], atol=1e-5
    )
    content = (folder / "fid").read_bytes()
    words = struct.unpack(">6i2hi", content[:32])
    blocks = []
    for at in range(32, len(content), words[5]):
        numbers, scale = np.frombuffer(content[at + 28 : at + words[5]], ">f4") * 1e4, at % 3
        blocks.append(
            struct.pack(">h", scale) + content[at + 2 : at + 28] + np.round(numbers / 2**scale).astype(">i4").tobytes()
        )
    head = struct.pack(">6i2hi", *words[:7], 0x1 | 0x4, words[8])
    (folder / "fid").write_bytes(head + b"".join(blocks))
    np.testing.assert_allclose(read_experiment(folder).fid / 1e4, before, atol=3e-4)
    (folder / "fid").write_bytes(head + b"".join(blocks[:20]))
    experiment = read_experiment(folder)
    assert experiment.f1.n == 10
    assert experiment.steps[0].startswith("Varian folder; 20 of 32 rows were measured")


# Messages.

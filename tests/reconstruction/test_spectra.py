"""Experiments with a schedule, from the spectrometer's files to a spectrum that other programs open."""

import json

import nmrglue
import numpy as np
import pytest
import torch

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.reconstruction import ist, poisson_gap, sampling_mask
from nmr_speech.reconstruction.from_spectrum import spectrum_to_plane
from nmr_speech.reconstruction.load import save_network
from nmr_speech.reconstruction.methods import method_of
from nmr_speech.reconstruction.modern import MoDern
from nmr_speech.reconstruction.plane import f1_spectrum, to_plane
from nmr_speech.reconstruction.recovery import rlne
from nmr_speech.reconstruction.run import reconstruct
from nmr_speech.reconstruction.spectrum_files import read_spectrum, write_spectrum
from nmr_speech.spectrometer import Sampling, read_experiment
from nmr_speech.testing.data import reference_data
from tests.reconstruction.signals import exponentials
from tests.spectrometer.writers import (
    CARRIER_PPM,
    FIELD_MHZ,
    WIDTH_HZ,
    rows_of,
    t1_fine,
    write_bruker,
    write_nmrpipe,
)

N = 64
SCHEDULE = poisson_gap(N, 24, 1)
AXES = Axis(64, 2000.0, 118.0, 60.8), Axis(128, 6000.0, 4.77, 600.13)


@pytest.fixture(scope="module")
def fine():
    """Valine, every half dwell in t1."""
    return t1_fine(N, n_points=128)


def picked(rows, order):
    return rows.reshape(N, 2, -1)[order].reshape(2 * len(order), -1)


@pytest.mark.parametrize("quadrature", ["states", "states_tppi", "echo_antiecho"])
@pytest.mark.parametrize("write", [write_bruker, write_nmrpipe])
def test_rows_go_where_the_schedule_says(tmp_path, fine, quadrature, write):
    """Signs of States-TPPI go with the place on the grid, not with the order of measurement."""
    rows = rows_of(fine, quadrature)
    order = np.random.default_rng(0).permutation(SCHEDULE)
    full = read_experiment(write(tmp_path / "full", rows, quadrature))
    parts = read_experiment(write(tmp_path / "part", picked(rows, order), quadrature), sampling=Sampling(order, N))
    mask = sampling_mask(SCHEDULE, N)
    torch.testing.assert_close(parts.fid, full.fid * mask[:, None])


def test_a_full_or_expanded_file_stays_as_it_is(tmp_path, fine):
    rows = rows_of(fine, "states")
    full = write_nmrpipe(tmp_path / "full.fid", rows, "states")
    kept = rows.reshape(N, 2, -1) * sampling_mask(SCHEDULE, N).numpy()[:, None, None]
    expanded = write_nmrpipe(tmp_path / "expanded.fid", kept.reshape(2 * N, -1), "states")
    sampling = Sampling(SCHEDULE)
    assert read_experiment(full, sampling=sampling).fid.shape == (2, N, 128)
    assert torch.equal(read_experiment(full, sampling=sampling).fid, read_experiment(full).fid)
    mask = sampling_mask(SCHEDULE, N)[:, None]
    torch.testing.assert_close(read_experiment(expanded, sampling=sampling).fid, read_experiment(full).fid * mask)


def test_the_size_of_the_grid_is_that_of_the_file(tmp_path, fine):
    rows = picked(rows_of(fine, "states"), SCHEDULE)
    folder = write_bruker(tmp_path / "nus", rows, "states", acqu2s={"NusTD": 2 * N, "FnTYPE": 2})
    assert read_experiment(folder, sampling=Sampling(SCHEDULE)).fid.shape[1] == N
    with pytest.raises(InputError, match="FnTYPE 2 says it was not"):
        read_experiment(folder)


def test_a_schedule_of_the_wrong_length_is_named(tmp_path, fine):
    folder = write_bruker(tmp_path / "nus", picked(rows_of(fine, "states"), SCHEDULE), "states")
    with pytest.raises(InputError, match=r"must fit the file, got 23 points up to \d+ .* for 24 measured pairs"):
        read_experiment(folder, sampling=Sampling(SCHEDULE[:-1]))


def test_a_measurement_that_was_stopped_has_the_first_points_of_its_schedule(tmp_path, fine):
    folder = write_bruker(tmp_path / "nus", picked(rows_of(fine, "states"), SCHEDULE[:18]), "states")
    experiment = read_experiment(folder, sampling=Sampling(SCHEDULE, N))
    assert experiment.schedule.tolist() == SCHEDULE[:18].tolist()
    assert not experiment.fid[:, SCHEDULE[18:]].any()
    assert experiment.warnings[0].startswith("of 24 points of the schedule, the first 18 are taken as measured")


def test_another_nucleus_in_f1_is_read_for_reconstruction_alone(tmp_path, fine):
    other = {"NUC1": "15N", "BF1": 50.66, "SFO1": 50.66 * (1 + 118e-6)}
    folder = write_bruker(tmp_path / "hsqc", rows_of(fine, "echo_antiecho"), "echo_antiecho", acqu2s=other)
    experiment = read_experiment(folder, sampling=Sampling())
    assert experiment.f1.carrier_ppm == pytest.approx(118)
    assert experiment.f1.field_mhz == pytest.approx(50.66)
    assert experiment.f2.carrier_ppm == pytest.approx(CARRIER_PPM)
    plane = to_plane(experiment)
    assert plane.f1.ppm()[[0, -1]] == pytest.approx(118 + np.array([-1, 1]) * WIDTH_HZ / 2 / 50.66, abs=1.1)
    with pytest.raises(InputError, match="both dimensions must be 1H"):
        read_experiment(folder)


@pytest.mark.parametrize("late", [0, 1])
@pytest.mark.parametrize("quadrature", ["states_tppi", "echo_antiecho"])
def test_a_nus_experiment_becomes_the_full_spectrum(tmp_path, fine, quadrature, late):
    """From half of the transients, whose phases are found on what is there; beside the same from all."""
    rows = rows_of(fine, quadrature, late=late) * np.exp(0.7j)
    half = poisson_gap(N, 40, 2)
    folder = write_bruker(tmp_path / "nus", picked(rows, half), quadrature, acqu2s={"NusTD": 2 * N})
    full = write_bruker(tmp_path / "full", rows, quadrature)
    result = reconstruct(folder, method_of("ist"), schedule=half, reference=full, region_ppm=(0, 4))
    assert result.plane.echo == ("half_dwell" if late else "even")
    assert result.figures[0]["rlne"] < 0.15
    assert result.figures[0]["slope"] == pytest.approx(1, abs=0.05)
    zero_filled = result.plane.spectrum()
    assert rlne(zero_filled, result.reference) > 3 * result.figures[0]["rlne"]


def test_lines_stand_at_their_shifts(tmp_path, fine):
    """HA of free valine correlates with HB: the cross peaks of the simulated shifts, to a point."""
    from nmr_speech.simulate import load_residue  # noqa: PLC0415

    valine = load_residue("VAL", "d2o", "free")
    shift = {name: ppm for (name, _), ppm in zip(valine.system.groups, valine.shift_mean_ppm, strict=True)}
    plane = to_plane(read_experiment(write_bruker(tmp_path / "full", rows_of(fine, "states"), "states")))
    spectrum = plane.spectrum()
    for first, second in (("HA", "HA"), ("HA", "HB"), ("HB", "HA"), ("HB", "HB")):
        near = (abs(plane.f1.ppm()[:, None] - shift[first]) < 0.12) & (abs(plane.f2.ppm() - shift[second]) < 0.06)
        window = np.where(near, spectrum, -np.inf)
        assert window.max() > 5 * np.abs(spectrum[:, plane.f2.ppm() > 6]).max()


@pytest.mark.parametrize("start", [0.0, 0.5])
def test_frequencies_of_a_spectrum_rise_from_minus_half_the_width(start):
    t = torch.arange(32) + start
    for k in (-16, -5, 0, 7, 15):
        spectrum = f1_spectrum(torch.exp(2j * torch.pi * k / 32 * t), start, 64)
        assert (spectrum.argmax().item() - 32) / 2 == k


def test_the_window_is_a_cosine_that_ends_at_zero():
    """A signal of ones has the window's sum at zero frequency."""
    on_time, late = np.cos(np.pi / 8 * np.arange(4)), np.cos(np.pi / 8 * (np.arange(4) + 0.5))
    for start, window in ((0.0, on_time * [0.5, 1, 1, 1]), (0.5, late)):
        assert f1_spectrum(torch.ones(4) + 0j, start, 8)[4].item() == pytest.approx(np.sum(window))


@pytest.mark.parametrize("size", [128, 79])
@pytest.mark.parametrize("ending", ["ft2", "ucsf"])
def test_files_give_the_spectrum_back(tmp_path, ending, size):
    spectrum = np.random.default_rng(0).normal(size=(64, size)).astype(np.float32)
    path = tmp_path / f"100%.{ending}"
    before = AXES[0], AXES[1].cut(0, size)
    write_spectrum(path, spectrum, *before)
    again, *axes = read_spectrum(path)
    assert (again == spectrum).all()
    for ours, theirs in zip(before, axes, strict=True):
        np.testing.assert_allclose(theirs.ppm(), ours.ppm(), atol=1e-4)


@pytest.mark.parametrize("ending", ["ft2", "ucsf"])
def test_nmrglue_finds_a_line_at_its_shift(tmp_path, ending):
    """Its conversion of units, which knows nothing of our axes."""
    spectrum = np.zeros((64, 128), dtype=np.float32)
    spectrum[20, 90] = 1.0
    path = str(tmp_path / f"one.{ending}")
    write_spectrum(path, spectrum, *AXES)
    module = {"ft2": nmrglue.pipe, "ucsf": nmrglue.sparky}[ending]
    dic, data = module.read(path)
    at = np.unravel_index(data.argmax(), data.shape)
    assert at == (64 - 1 - 20, 128 - 1 - 90)  # the highest shift first
    for dimension, axis in enumerate(AXES):
        converter = module.make_uc(dic, data, dim=dimension)
        assert converter.ppm(at[dimension]) == pytest.approx(axis.ppm()[(20, 90)[dimension]], abs=1e-3)


def test_a_whole_spectrum_has_its_carrier_where_nmrpipe_has_it(tmp_path):
    """At point n // 2, counted from the highest shift: scripts that ignore headers rely on it."""
    spectrum = np.zeros((64, 128), dtype=np.float32)
    spectrum[32, 64] = 1.0
    write_spectrum(tmp_path / "one.ft2", spectrum, *AXES, whole=(True, True))
    dic, data = nmrglue.pipe.read(str(tmp_path / "one.ft2"))
    assert np.unravel_index(data.argmax(), data.shape) == (32, 64)
    for dimension, axis in enumerate(AXES):
        assert nmrglue.pipe.make_uc(dic, data, dimension).ppm(axis.n // 2) == pytest.approx(axis.carrier_ppm, abs=1e-4)


def test_a_part_of_an_axis_keeps_its_shifts():
    np.testing.assert_allclose(AXES[1].cut(31, 90).ppm(), AXES[1].ppm()[31:90])


def test_bad_spectra_are_named(tmp_path):
    with pytest.raises(InputError, match=r"must end in \.ft2 or \.ucsf"):
        write_spectrum(tmp_path / "a.txt", np.zeros((8, 8)), *AXES)
    (tmp_path / "cut.ft2").write_bytes(b"UCSF NMR")
    with pytest.raises(InputError, match="cannot be read as a spectrum"):
        read_spectrum(tmp_path / "cut.ft2")
    path = write_nmrpipe(tmp_path / "time.fid", np.ones((16, 32)) + 0j, "states")
    with pytest.raises(InputError, match="must be a real 2D spectrum"):
        read_spectrum(path)


def test_the_command_tries_schedules_and_says_how_far_they_agree(tmp_path, fine, capsys):
    folder = write_bruker(tmp_path / "full", rows_of(fine, "states"), "states")
    out, picture = tmp_path / "out.ucsf", tmp_path / "out.png"
    command = ["reconstruct", str(folder), "--rate=0.4", "--method=ist", f"--out={out}", "--region-ppm", "0", "4"]
    main([*command, "--masks=3", "--json", f"--plot={picture}"])
    said = json.loads(capsys.readouterr().out)
    assert len(said["figures"]) == 3
    assert all(row["rlne"] < 0.3 for row in said["figures"])
    strongest = max(said["peaks"], key=lambda peak: peak["height"])
    assert strongest["relative_std"] < 0.1
    assert strongest["f1_ppm"] == pytest.approx(strongest["f2_ppm"], abs=0.1)  # the methyls' diagonal
    assert picture.read_bytes().startswith(b"\x89PNG")
    spectrum, _, f2 = read_spectrum(out)
    assert 0 <= f2.ppm().min() < f2.ppm().max() <= 4
    main([*command, f"--reference={out}"])  # a spectrum as a reference, on the same axes
    assert "rlne" in capsys.readouterr().out
    assert spectrum.shape == read_spectrum(out)[0].shape


def test_the_command_takes_a_schedule_and_a_network(tmp_path, fine, capsys):
    folder = write_bruker(tmp_path / "nus", picked(rows_of(fine, "states"), SCHEDULE), "states", acqu2s={"NusTD": 128})
    (tmp_path / "nuslist").write_text("\n".join(str(i + 1) for i in SCHEDULE))
    model = tmp_path / "model"
    model.mkdir()
    save_network(MoDern(n_phases=2), model)
    command = ["reconstruct", str(folder), f"--schedule={tmp_path / 'nuslist'}", f"--out={tmp_path / 'a.ft2'}"]
    main([*command, "--method=modern", f"--model={model}"])
    said = capsys.readouterr().out
    assert "24 points in the schedule, counted from 1: no 0 occurs." in said
    assert "no reference" in said
    plane = to_plane(read_experiment(folder, sampling=Sampling(SCHEDULE, N)))
    (folder / "nuslist").write_text("\n".join(map(str, SCHEDULE)))  # found by itself, where none is given
    main([command[0], command[1], command[3], "--method=ist"])
    assert "counted from 0: the spectrometer's own schedule." in capsys.readouterr().out
    expected = plane.spectrum(ist(plane.fid, SCHEDULE, echo="even"))
    # The two ends of the band are one point; the file has it at the high end, as NMRPipe.
    assert rlne(read_spectrum(tmp_path / "a.ft2")[0], np.roll(expected, (-1, -1), axis=(0, 1))) < 1e-5
    for more, message in (
        (["--method=dlnmr"], "`--method` 'dlnmr' needs `--model`"),
        (["--method=dlnmr", f"--model={model}"], "holds a MoDern, `--method` 'dlnmr' needs a DLNMR"),
        (["--method=cs"], "`--method` must be one of auto, ist, hankel, modern, modern_phases, dlnmr, lstm"),
        (["--method=ist", "--rate=0.2"], "give either `--schedule`, or `--rate` to draw one"),
        (["--method=ist", "--masks=0"], "`--masks` must be a whole number from 1 to 1000, got 0"),
        (["--method=ist", "--first=2"], "`--first` must be a whole number from 0 to 1, got 2"),
        (["--method=ist", "--points=1"], "`--points` must be a whole number from 2"),
    ):
        with pytest.raises(SystemExit, match=message):
            main([*command, *more])


def test_the_command_warns_of_poor_phases_and_takes_them_by_hand(tmp_path, fine, capsys):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2 * N, 128)) + 1j * rng.normal(size=(2 * N, 128))
    command = ["--rate=0.5", "--method=ist", f"--out={tmp_path / 'out.ft2'}"]
    main(["reconstruct", str(write_bruker(tmp_path / "noise", noise, "states")), *command, "--echo=none"])
    said = capsys.readouterr().out
    assert "warning: the phases are poor" in said
    assert "give `--phase-f2` and `--phase-f1`" in said
    main(["reconstruct", str(tmp_path / "noise"), *command, "--echo=none", "--json"])
    assert "`--phase-f2`" in json.loads(capsys.readouterr().out)["warnings"][0]
    sound = str(write_bruker(tmp_path / "sound", rows_of(fine, "states") * 1j, "states"))
    main(["reconstruct", sound, *command, "--phase-f2", "90", "0", "--phase-f1", "0", "0"])
    said = capsys.readouterr().out
    assert "warning" not in said
    assert "90.0 degrees at the carrier and 0.0 across the width (as given by the caller)" in said
    for more, message in (
        (["--echo=odd"], "`--echo` must be one of auto, none, even, half_dwell"),
        (["--phase-f1", "0", "90"], "`--phase-f1` must have a first order of 0, or of 180"),
        (["--pdata=4"], "no such processing; `--pdata` may be: none"),
    ):
        with pytest.raises(SystemExit, match=message):
            main(["reconstruct", sound, *command, *more])


def test_a_processed_spectrum_is_taken_back_to_its_signals(tmp_path):
    """Processed by nmrglue as NMRPipe would: SP -off 0.5 -end 0.95 -c 0.5, zero-fill, FT, -di."""
    fid = torch.stack([exponentials(40, [(1.0, f, 20.0), (0.5, -0.2, 9.0)]) for f in (0.1, 0.3, -0.4)]).numpy()
    dic, _ = nmrglue.pipe.read(str(_spectrum_file(tmp_path, np.zeros((128, 3)))))
    window = np.sin(np.pi * (0.5 + 0.45 * np.arange(40) / 39))
    window[0] *= 0.5
    spectrum = np.fft.fftshift(np.fft.fft(fid * window, 128), axes=1).real
    falling = np.roll(spectrum[:, ::-1], 1, axis=1).T
    header = {"FDF1TDSIZE": 40.0, "FDF1APODCODE": 1.0, "FDF1APODQ1": 0.5, "FDF1APODQ2": 0.95, "FDF1APODQ3": 1.0}
    path = tmp_path / "processed.ft2"
    nmrglue.pipe.write(str(path), dic | header | {"FDF1C1": -0.5}, falling.astype(np.float32))
    plane = spectrum_to_plane(path)
    np.testing.assert_allclose(plane.fid.numpy(), fid[::-1], atol=1e-5)  # shifts of F2 fall in the file
    result = reconstruct(path, method_of("hankel"), rate=0.5)
    assert result.figures[0]["rlne"] < 0.02
    compared = reconstruct(path, method_of("hankel"), rate=0.5, reference=path)  # processed with another window
    assert np.corrcoef(compared.spectra[0].ravel(), compared.reference.ravel())[0, 1] > 0.98
    assert np.corrcoef(compared.spectra[0].ravel(), np.roll(compared.reference, 1, axis=0).ravel())[0, 1] < 0.98
    nmrglue.pipe.write(str(tmp_path / "gm.ft2"), dic | header | {"FDF1APODCODE": 3.0}, falling.astype(np.float32))
    with pytest.raises(InputError, match="must be SP or none to be divided out, got code 3"):
        spectrum_to_plane(tmp_path / "gm.ft2")


def _spectrum_file(folder, spectrum):
    write_spectrum(folder / "empty.ft2", spectrum, *[Axis(n, 2000.0, 118.0, 60.8) for n in spectrum.shape])
    return folder / "empty.ft2"


def test_gb1_is_taken_back_as_it_was_independently():
    """The npz beside it holds the same signals, both dimensions the other way round; F2 is a part that was cut out."""
    plane, before = (
        spectrum_to_plane(reference_data("gb1_hsqc/hn_part.ft2")),
        np.load(reference_data("gb1_hsqc/signals.npz")),
    )
    of_part = (before["column"] >= 680) & (before["column"] < 808)
    ours, theirs = plane.fid.numpy()[::-1].conj(), before["t"][of_part]
    scale = np.vdot(theirs, ours) / np.vdot(theirs, theirs)
    assert np.linalg.norm(ours - scale * theirs) < 1e-5 * np.linalg.norm(ours)
    np.testing.assert_allclose(plane.f2.ppm()[::-1], before["f2_ppm"][of_part], atol=1e-5)


def test_a_nan_in_the_file_is_named(tmp_path, fine):
    rows = rows_of(fine, "states")
    rows[5, 7] = np.nan
    path = write_nmrpipe(tmp_path / "nan.fid", rows, "states")
    with pytest.raises(InputError, match=r"nan\.fid: points must be finite numbers, got NaN"):
        read_experiment(path, sampling=Sampling(SCHEDULE))


def test_fields_of_the_writer_are_those_of_the_reader(tmp_path, fine):
    plane = to_plane(read_experiment(write_bruker(tmp_path / "full", rows_of(fine, "states"), "states")))
    write_spectrum(tmp_path / "a.ft2", plane.spectrum(), plane.f1, plane.f2)
    _, f1, f2 = read_spectrum(tmp_path / "a.ft2")
    assert (f1.field_mhz, f2.field_mhz) == pytest.approx((FIELD_MHZ, FIELD_MHZ))

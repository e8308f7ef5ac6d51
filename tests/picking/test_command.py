"""`nmr-speech pick`: from files to tables, in one dimension and in two; the tables read back."""

import csv
import json

import nmrglue
import numpy as np
import pytest

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.enhancement.files import write_1d
from nmr_speech.picking import Peaks, pick
from nmr_speech.picking.compare import compare_picked
from nmr_speech.picking.spectra import read_to_pick
from nmr_speech.picking.tables import write_peaks
from nmr_speech.picking.voigt import voigt
from nmr_speech.reconstruction.spectrum_files import write_spectrum
from tests.spectrometer.writers import rows_of, t1_fine, write_bruker

F1, F2 = Axis(96, 2000.0, 118.0, 60.0), Axis(128, 1500.0, 8.0, 600.0)
PLACES = np.array([[20.3, 30.6], [60.8, 90.2]])  # points
HEIGHTS = 100.0, -60.0
PPM = np.stack([np.interp(p, np.arange(axis.n), axis.ppm()) for p, axis in zip(PLACES.T, (F1, F2), strict=True)], 1)


def plane_without_noise():
    """A 15N plane of two peaks."""
    rows, columns = np.arange(F1.n), np.arange(F2.n)
    return sum(
        h * np.outer(voigt(rows - a, 4, 2), voigt(columns - b, 5, 3)) for h, (a, b) in zip(HEIGHTS, PLACES, strict=True)
    )


@pytest.fixture(scope="module")
def plane():
    """The same with a little noise."""
    return plane_without_noise() + np.random.default_rng(0).normal(size=(F1.n, F2.n)) / 10


def write_2rr(folder, plane, f1=F1, f2=F2):
    """Integers of TopSpin, unscaled by NC_proc = -2, in blocks of a quarter of each axis."""
    folder.mkdir(parents=True)
    for name, axis in (("proc2s", f1), ("procs", f2)):
        highest = axis.ppm()[-1]
        values = {"SI": axis.n, "XDIM": axis.n // 2, "SF": axis.field_mhz, "SW_p": axis.width_hz, "OFFSET": highest}
        values |= {"NC_proc": -2, "BYTORDP": 0, "DTYPP": 0}
        (folder / name).write_text("".join(f"##${key}= {value}\n" for key, value in values.items()))
    falling = np.round(plane[::-1, ::-1] * 4).astype("<i4")
    blocks = falling.reshape(2, f1.n // 2, 2, f2.n // 2).transpose(0, 2, 1, 3)
    (folder / "2rr").write_bytes(blocks.tobytes())
    return folder


def run(capsys, *arguments):
    main(["pick", *map(str, arguments), "--json"])
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("kind", ["ft2", "ucsf", "bruker"])
def test_a_plane_of_each_format_gives_its_peaks(kind, plane, tmp_path, capsys):
    if kind == "bruker":
        source = write_2rr(tmp_path / "7" / "pdata" / "1", plane).parent.parent
    else:
        source = tmp_path / f"plane.{kind}"
        write_spectrum(source, plane, F1, F2)
    told = run(capsys, source, "--out", tmp_path / "peaks.csv", "--method", "maxima", "--plot", tmp_path / "a.png")
    assert [row["height"] for row in told["peaks"]] == pytest.approx(HEIGHTS, rel=0.05)
    assert [[row["f1_ppm"], row["f2_ppm"]] for row in told["peaks"]] == [pytest.approx(one, abs=0.02) for one in PPM]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with (tmp_path / "peaks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["f2_ppm", "f1_ppm", "height", "volume", "f2_width_hz", "f1_width_hz", "probability"]
    for row, same in zip(rows, told["peaks"], strict=True):
        assert {name: float(text) for name, text in row.items()} == pytest.approx({name: same[name] for name in row})


def test_two_lines_of_one_maximum_are_split_on_demand(tmp_path, capsys):
    rows, columns = np.arange(F1.n), np.arange(F2.n)
    row = voigt(columns - 60, 7, 3) + voigt(columns - 66, 7, 3)
    plane = np.outer(voigt(rows - 40, 4, 2), row) + np.random.default_rng(0).normal(size=(F1.n, F2.n)) / 100
    write_spectrum(tmp_path / "plane.ft2", plane, F1, F2)
    options = tmp_path / "plane.ft2", "--out", tmp_path / "peaks.tab", "--method", "maxima"
    assert len(run(capsys, *options)["peaks"]) == len(run(capsys, *options, "--no-split")["peaks"]) == 1
    found = sorted(row["f2_ppm"] for row in run(capsys, *options, "--split")["peaks"])
    assert found == pytest.approx(F2.ppm()[[60, 66]].tolist(), abs=0.02)


def test_nmrpipe_reads_the_table_back_and_its_points_are_those_of_the_file(plane, tmp_path):
    write_spectrum(tmp_path / "plane.ft2", plane, F1, F2)
    spectrum = read_to_pick(tmp_path / "plane.ft2")
    peaks = pick(spectrum.values, spectrum.axes, method="maxima")
    write_peaks(tmp_path / "peaks.tab", peaks, spectrum.axes)
    _, _, table = nmrglue.pipe.read_table(str(tmp_path / "peaks.tab"))
    header, stored = nmrglue.pipe.read(str(tmp_path / "plane.ft2"))
    assert len(table) == 2
    for row, peak in zip(table, peaks.rows(), strict=True):
        assert row["HEIGHT"] == pytest.approx(peak["height"], rel=1e-5)
        for letter, dim, name in (("X", 1, "f2"), ("Y", 0, "f1")):
            converter = nmrglue.pipe.make_uc(header, stored, dim=dim)
            assert row[f"{letter}_PPM"] == pytest.approx(peak[f"{name}_ppm"], abs=1e-3)
            assert converter.ppm(row[f"{letter}_AXIS"] - 1) == pytest.approx(peak[f"{name}_ppm"], abs=0.002)
            assert row[f"{letter}W_HZ"] == pytest.approx(peak[f"{name}_width_hz"], abs=1e-3)
        place = round(row["Y_AXIS"]) - 1, round(row["X_AXIS"]) - 1
        assert stored[place] == pytest.approx(row["HEIGHT"], rel=0.15)


def test_sparky_and_pipe_tables_of_one_dimension_and_of_nothing(tmp_path):
    axis = Axis(512, 5000.0, 4.7, 500.0)
    spectrum = 50 * voigt(np.arange(512) - 100.4, 4, 2)
    peaks = pick(spectrum, axis, method="maxima")
    for ending in ("tab", "list", "csv"):
        write_peaks(tmp_path / f"one.{ending}", peaks, (axis,))
        write_peaks(tmp_path / f"none.{ending}", Peaks.none(2), (F1, F2))
    shift = float(np.interp(100.4, np.arange(512), axis.ppm()))
    assert nmrglue.pipe.read_table(str(tmp_path / "one.tab"))[2]["X_PPM"] == pytest.approx([shift], abs=1e-3)
    name, ppm, height = (tmp_path / "one.list").read_text().splitlines()[2].split()[:3]
    assert (name, float(ppm), float(height)) == ("?", pytest.approx(shift, abs=1e-3), pytest.approx(50, rel=1e-3))
    assert (tmp_path / "one.csv").read_text().startswith("f2_ppm,height,volume,f2_width_hz,probability\n")
    assert (tmp_path / "none.tab").read_text().startswith("VARS   INDEX X_AXIS Y_AXIS")


@pytest.mark.parametrize("kind", ["complex", "1r"])
def test_one_dimension(kind, tmp_path, capsys):
    axis = Axis(2048, 5000.0, 4.7, 500.0)
    fid = sum(np.exp((2j * np.pi * hz - 30) * axis.seconds() + 0.7j) for hz in (600.0, -900.0))
    if kind == "complex":
        source = tmp_path / "one.ft1"
        write_1d(source, fid, axis)
    else:
        source = tmp_path / "3"
        (source / "pdata" / "1").mkdir(parents=True)
        absorption = np.fft.fftshift(np.fft.fft(fid * np.exp(-0.7j))).real
        (source / "pdata" / "1" / "1r").write_bytes(np.round(absorption[::-1]).astype("<i4").tobytes())
        values = {"SI": 2048, "SF": 500.0, "SW_p": 5000.0, "OFFSET": axis.ppm()[-1], "BYTORDP": 0, "DTYPP": 0}
        text = "".join(f"##${key}= {value}\n" for key, value in values.items())
        (source / "pdata" / "1" / "procs").write_text(text)
    told = run(capsys, source, "--out", tmp_path / "one.csv", "--method=maxima", "--plot", tmp_path / "a.png")
    shifts = [row["f2_ppm"] for row in told["peaks"][:2]]
    assert sorted(shifts) == pytest.approx([2.9, 5.9], abs=0.005)
    assert all(row["height"] > 0 for row in told["peaks"][:2])
    widths = [row["f2_width_hz"] for row in told["peaks"][:2]]
    assert widths == pytest.approx([30 / np.pi] * 2, rel=0.1)  # a decay at 30 / s


def test_an_experiment_is_transformed_first(tmp_path, capsys):
    write_bruker(tmp_path / "7", rows_of(t1_fine(64), "states"), "states")
    told = run(capsys, tmp_path / "7", "--out", tmp_path / "a.list", "--method=maxima")
    assert any("zero-filled to 128 x 512 points" in step for step in told["steps"])
    diagonal = [row for row in told["peaks"] if abs(row["f1_ppm"] - row["f2_ppm"]) < 0.05]
    assert len(diagonal) >= 3  # of valine
    main(["pick", str(tmp_path / "7"), "--out", str(tmp_path / "a.list"), "--method=maxima"])
    assert "peaks by maxima\nf2" in capsys.readouterr().out


def test_lost_and_invented_peaks_are_counted(plane):
    rows, columns = np.arange(F1.n), np.arange(F2.n)
    extra = [80 * np.outer(voigt(rows - 75, 4, 2), voigt(columns - b, 5, 3)) for b in (20, 50)]
    counted = compare_picked(plane + extra[0], plane + extra[1], (F1, F2), "maxima")
    assert counted == {"picked_peaks": 3, "picked_lost": 1, "picked_false": 1}
    assert compare_picked(plane, plane, (F1, F2), "maxima")["picked_lost"] == 0
    quiet = plane_without_noise()
    ghost = 0.002 * np.abs(quiet).max() * np.outer(voigt(np.arange(F1.n) - 40, 4, 2), voigt(np.arange(F2.n) - 60, 5, 3))
    assert compare_picked(quiet + ghost, quiet, (F1, F2), "maxima")["picked_false"] == 0  # below half a percent
    assert compare_picked(quiet + 10 * ghost, quiet, (F1, F2), "maxima")["picked_false"] == 1


def test_reconstruct_tells_what_was_lost_and_invented(plane, tmp_path, capsys):
    proton = Axis(F1.n, 2000.0, 5.0, 600.0)
    write_spectrum(tmp_path / "full.ft2", plane, proton, F2)
    main(["reconstruct", str(tmp_path / "full.ft2"), "--method=ist", "--rate=0.5", "--json",
          "--out", str(tmp_path / "part.ft2")])  # fmt: skip
    (figures,) = json.loads(capsys.readouterr().out)["figures"]
    assert figures["picked_peaks"] == 2
    assert figures["picked_lost"] == 0


@pytest.mark.parametrize(
    ("source", "out", "options", "message"),
    [
        ("nothing.ft2", "a.tab", (), "no such file or folder; give a spectrum"),
        ("empty", "a.tab", (), "must be a Bruker folder"),
        ("plane.ft2", "a.txt", (), "a.txt: the file must end in .tab, .list, .csv"),
        ("plane.ft2", "a.tab", ("--method=best",), "`--method` must be one of"),
        ("plane.ft2", "a.tab", ("--threshold=7",), "`--threshold` must be from 0 to 1"),
        ("plane.ft2", "nowhere/a.tab", (), "the folder .*nowhere does not exist"),
        ("cut.ft2", "a.tab", (), "cannot be read as a spectrum"),
        ("fid.ft1", "a.tab", (), "is an FID, not a spectrum"),
        ("hole.ft2", "a.tab", (), "points must be finite numbers, got NaN"),
    ],
)
def test_messages(source, out, options, message, plane, tmp_path):
    write_spectrum(tmp_path / "plane.ft2", plane, F1, F2)
    (tmp_path / "cut.ft2").write_bytes((tmp_path / "plane.ft2").read_bytes()[:1000])
    (tmp_path / "empty").mkdir()
    write_spectrum(tmp_path / "hole.ft2", np.where(plane > 90, np.nan, plane), F1, F2)
    write_1d(tmp_path / "a.fid", np.ones(128, complex), Axis(128))
    (tmp_path / "a.fid").rename(tmp_path / "fid.ft1")
    with pytest.raises(SystemExit, match=message):
        main(["pick", str(tmp_path / source), "--out", str(tmp_path / out), *options])
    assert not list(tmp_path.glob("a.*"))


def test_non_uniform_sampling_is_reconstructed_first(tmp_path):
    folder = tmp_path / "8"
    write_bruker(folder, rows_of(t1_fine(16), "states"), "states", acqus={"FnTYPE": 2})
    (folder / "nuslist").write_text("\n".join(map(str, [0, *range(2, 17)])))
    with pytest.raises(InputError, match="reconstruct it first"):
        read_to_pick(folder)

"""3D: echoes in four quadrants, readers, phases, solvers on pairs of pathways, files that other programs open."""

import json

import nmrglue
import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.reconstruction import components, hankel, ist, load_modern, pathways, poisson_gap, sampling_mask
from nmr_speech.reconstruction.cube import to_cube
from nmr_speech.reconstruction.cube_run import reconstruct_cube
from nmr_speech.reconstruction.fid_settings import FIDSettings
from nmr_speech.reconstruction.hypercomplex import echo_phase, from_echo, known_points, make_echo
from nmr_speech.reconstruction.methods import method_of
from nmr_speech.reconstruction.modern import MoDern
from nmr_speech.reconstruction.synthetic import make_fids
from nmr_speech.spectrometer.cube import place_points
from nmr_speech.spectrometer.cube_files import read_cube
from tests.reconstruction.cubes import (
    CARRIERS,
    FIELDS,
    GRID,
    LINES,
    WIDTHS,
    as_measured,
    cube_fid,
    write_bruker,
    write_planes,
)

EVERY_FORM = [(a, b) for a in ("even", "odd", "half_dwell") for b in ("even", "odd", "half_dwell")]
QUADRATURES = [("states", "states_tppi"), ("states_tppi", "echo_antiecho"), ("echo_antiecho", "states")]
SCHEDULE = poisson_gap(GRID, 70, 3)


def pair_of(f1, f2, forms=("even", "even"), grid=(9, 7), decay=0.05):
    """One line as P and N, from its closed form."""
    t1, t2 = (
        torch.arange(n, dtype=torch.float64) + (form == "half_dwell") / 2 for n, form in zip(grid, forms, strict=True)
    )
    one, two = (torch.exp((2j * torch.pi * f - decay) * t) for f, t in ((f1, t1), (f2, t2)))
    return torch.stack([torch.outer(one, two), torch.outer(one, two.conj())])


@pytest.mark.parametrize("forms", EVERY_FORM)
def test_the_spectrum_of_an_echo_is_real_and_the_echo_has_an_exact_inverse(forms):
    pair = pair_of(0.21, -0.34, forms) + 0.5 * pair_of(-0.4, 0.1, forms)
    echo = make_echo(pair, forms)
    spectrum = torch.fft.fftn(echo, dim=(-2, -1)) * echo_phase(echo.shape, forms, echo)
    assert spectrum.imag.abs().max() < 1e-9 * spectrum.abs().max()
    assert torch.equal(from_echo(echo, forms)[:, 1:, 1:], pair[:, 1:, 1:])
    torch.testing.assert_close(from_echo(echo, forms), pair)


@pytest.mark.parametrize("forms", EVERY_FORM)
def test_points_known_of_an_echo_are_those_of_the_points_measured(forms):
    mask = sampling_mask(poisson_gap((9, 7), 20, 1), (9, 7))
    known = known_points(mask, forms)
    marked = make_echo(torch.stack([mask, mask]).cdouble(), forms).abs() > 0
    partnerless = known & ~marked  # the row and the column of zeros of the form "even"
    assert torch.equal(known & marked, marked)
    expected = sum(form == "even" for form in forms)
    assert (partnerless.all(dim=0).sum() + partnerless.all(dim=1).sum() >= expected) or expected == 0


def test_components_and_pathways_are_inverse_and_match_the_closed_form():
    fid = torch.from_numpy(cube_fid())[..., 0].real  # any real cube
    torch.testing.assert_close(components(pathways(fid)), fid)
    one = cube_fid(lines=[(1.0, 0.2, 0.3, 0.0)])[..., 0].real
    t1, t2 = np.arange(GRID[0])[:, None], np.arange(GRID[1])
    plus = np.exp((2j * np.pi * 0.2 - 0.04) * t1) * np.exp((2j * np.pi * 0.3 - 0.04) * t2)
    np.testing.assert_allclose(pathways(torch.from_numpy(one))[0].numpy(), plus, atol=1e-12)


@pytest.mark.parametrize("forms", [("even", "even"), ("half_dwell", "even")])
def test_ist_recovers_lines_of_pairs_better_with_an_echo(forms):
    pair = sum(a * pair_of(f1, f2, forms, (32, 20), 0.02) for a, f1, f2 in ((1, 0.2, -0.3), (-0.5, -0.11, 0.4)))
    schedule = poisson_gap((32, 20), 120, 5)
    measured = pair * sampling_mask(schedule, (32, 20))

    def error(filled):
        return ((filled - pair).norm() / pair.norm()).item()

    with_echo, without = error(ist(measured, schedule, echo=forms)), error(ist(measured, schedule))
    assert with_echo < 0.25
    assert with_echo < 0.7 * without


def test_a_batch_of_pairs_is_its_pairs():
    pairs = torch.stack([pair_of(0.1 * k, 0.3, grid=(12, 10)) for k in range(3)])
    schedule = poisson_gap((12, 10), 50, 1)
    measured = pairs * sampling_mask(schedule, (12, 10))
    network = load_modern(dims=2)
    single = measured.to(torch.complex64)
    for solve in (
        lambda fid: ist(fid, schedule, echo="even", n_iterations=40),
        lambda fid: hankel(fid, schedule),
    ):
        torch.testing.assert_close(solve(measured)[1], solve(measured[1]))
    assert (network(single, schedule)[1] - network(single[1], schedule)).abs().max() < 1e-4
    assert torch.equal(network(single, schedule)[:, :, *schedule.T], single[:, :, *schedule.T])


def test_modern_in_two_dimensions_has_the_papers_parameters():
    assert sum(weight.numel() for weight in MoDern(dims=2).parameters()) == 33_620


def test_the_packaged_network_is_better_than_ist_on_planes_it_has_not_seen():
    settings = FIDSettings(n_points=(32, 20), rate=(0.1, 0.1), decay_points=(4.0, 400.0), log_uniform=("decay_points",))
    full, masks = make_fids(settings, 77, range(40))
    measured = torch.where(masks[:, None], full, 0)
    network = load_modern(dims=2)
    errors = [
        ((filled - full).flatten(1).norm(dim=1) / full.flatten(1).norm(dim=1)).mean()
        for filled in (network.fill_in(measured, masks)[-1], ist(measured, masks, echo="even", dims=2))
    ]
    assert errors[0] < 0.8 * errors[1]


def test_synthetic_pairs_are_products_of_exponentials_with_both_signs_of_f2():
    settings = FIDSettings(n_points=(16, 12), peaks=(1, 1), noise_std=0.0, decay_points=(1e6, 1e6), negative_share=0.0)
    fids, masks = make_fids(settings, 3, range(4))
    assert fids.shape == (4, 2, 16, 12)
    assert masks.sum(dim=(1, 2)).tolist() == [round(0.2 * 192)] * 4
    steps = fids[:, :, :, 1:] / fids[:, :, :, :-1]  # of one line: the same at every point, conjugate between pathways
    torch.testing.assert_close(steps[:, 0], steps[:, 0, :1, :1].expand_as(steps[:, 0]), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(steps[:, 0], steps[:, 1].conj(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("quadratures", QUADRATURES)
@pytest.mark.parametrize("write", [write_planes, write_bruker])
def test_a_cube_written_in_any_quadrature_is_read_back(tmp_path, write, quadratures):
    fid = cube_fid()
    found = read_cube(write(tmp_path, fid, quadratures))
    np.testing.assert_allclose(found.fid / np.abs(found.fid).max(), fid / np.abs(fid).max(), atol=2e-6)
    for axis, width, field, carrier in zip((found.f1, found.f2, found.f3), WIDTHS, FIELDS, CARRIERS, strict=True):
        assert axis.width_hz == pytest.approx(width, rel=1e-4)
        assert axis.field_mhz == pytest.approx(field, rel=1e-4)
        assert axis.carrier_ppm == pytest.approx(carrier, abs=0.01)


@pytest.mark.parametrize("write", [write_planes, write_bruker])
def test_points_of_a_schedule_are_placed(tmp_path, write):
    fid = cube_fid()
    order = np.random.default_rng(1).permutation(SCHEDULE)  # spectrometers may shuffle
    found = read_cube(write(tmp_path, fid, ("states_tppi", "states"), order), order, GRID)
    mask = sampling_mask(order, GRID).numpy()[:, None, :, None, None]
    np.testing.assert_allclose(found.fid / np.abs(found.fid).max(), fid * mask / np.abs(fid).max(), atol=2e-6)


@pytest.mark.parametrize("schedule", [None, SCHEDULE])
def test_either_indirect_dimension_may_be_the_inner_loop(tmp_path, schedule):
    fid, found = cube_fid(), []
    for t1_faster in (False, True):
        folder = tmp_path / str(t1_faster)
        folder.mkdir()
        write_bruker(folder, fid, ("states_tppi", "echo_antiecho"), schedule, t1_faster)
        found.append(read_cube(folder, schedule, GRID))
    np.testing.assert_array_equal(found[0].fid, found[1].fid)
    assert [one.steps[0] for one in found] == [f"Bruker 3D folder, {t} in the inner loop." for t in ("t2", "t1")]


@pytest.mark.parametrize("start", [(0.0, 0.0), (0.5, 0.0)])
@pytest.mark.parametrize("turns", [(0, 0), (90, 0), (0, 90), (270, 180)])
def test_phases_are_found_and_lines_are_where_they_belong(tmp_path, start, turns):
    fid = cube_fid(start) * np.exp(0.7j)  # and 40 degrees in F3
    for axis, turn in zip((1, 3), turns, strict=True):
        cos, sin = np.moveaxis(fid, axis, 0)
        c, s = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
        fid = np.moveaxis(np.stack([c * cos - s * sin, c * sin + s * cos]), 0, axis)
    cube = to_cube(read_cube(write_planes(tmp_path, fid)))
    assert cube.start == start
    spectrum = cube.spectrum()
    where = np.unravel_index(spectrum.argmax(), spectrum.shape)
    for index, axis, frequency in zip(where, cube.axes, LINES[0][1:], strict=True):
        assert abs(index / axis.n - 0.5 - frequency) < 1.5 / axis.n
    assert np.square(np.minimum(spectrum, 0)).sum() < 0.1 * np.square(spectrum).sum()


def test_the_command_reconstructs_a_cube_and_other_programs_open_it(tmp_path, capsys):
    pattern = write_planes(tmp_path, cube_fid())
    out = tmp_path / "out%03d.ft3"
    main(["reconstruct", str(pattern), "--method=ist", "--rate=0.4", "--masks=2", f"--out={out}", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert {"rlne", "peak_r2", "weak_peak_r2", "slope", "lost", "false_peaks"} <= set(told["figures"][0])
    assert len(told["figures"]) == 2
    assert told["figures"][0]["rlne"] < 0.2
    header, data = nmrglue.pipe.read(str(out))
    assert data.shape == (32, 32, 128)
    strongest = np.unravel_index(data.argmax(), data.shape)
    for k, frequency in enumerate(LINES[0][1:]):
        ppm = nmrglue.pipe.make_uc(header, data, dim=k).ppm(strongest[k])
        expected = CARRIERS[k] + frequency * WIDTHS[k] / FIELDS[k]
        assert abs(ppm - expected) < 1.5 * WIDTHS[k] / FIELDS[k] / data.shape[k]
    ucsf, picture = tmp_path / "out.ucsf", tmp_path / "out.png"
    main(["reconstruct", str(tmp_path), "--method=modern", "--rate=0.4", f"--out={ucsf}", f"--plot={picture}"])
    assert nmrglue.sparky.read(str(ucsf))[1].shape == (32, 32, 128)
    assert picture.read_bytes()[1:4] == b"PNG"
    assert "modern: " in capsys.readouterr().out


def test_the_nuslist_of_a_bruker_folder_is_found(tmp_path, capsys):
    write_bruker(tmp_path, cube_fid(), ("states_tppi", "echo_antiecho"), SCHEDULE)
    main(["reconstruct", str(tmp_path), "--method=hankel", f"--out={tmp_path / 'out.ucsf'}"])
    shown = capsys.readouterr().out
    assert f"{len(SCHEDULE)} of {GRID[0] * GRID[1]} points" in shown
    _, data = nmrglue.sparky.read(str(tmp_path / "out.ucsf"))
    index = np.unravel_index(data.argmax(), data.shape)
    assert [round(1 - (i + 1) / n - 0.5, 1) for i, n in zip(index, data.shape, strict=True)] == [0.2, 0.2, 0.1]


def test_the_command_says_how_far_a_cube_can_be_trusted(tmp_path, capsys):
    rng, fid = np.random.default_rng(1), cube_fid()
    fid += 0.02 * (rng.normal(size=fid.shape) + 1j * rng.normal(size=fid.shape))
    out, std = tmp_path / "out.ucsf", tmp_path / "std.ucsf"
    options = ["--method=ist", "--rate=0.4", f"--out={out}", f"--std={std}", "--json"]
    main(["reconstruct", str(write_planes(tmp_path, fid)), *options])
    told = json.loads(capsys.readouterr().out)
    spectrum, deviation = (nmrglue.sparky.read(str(path))[1] for path in (out, std))
    assert deviation.shape == spectrum.shape
    assert (deviation >= 0).all()
    assert told["within_two_std"] > 0.7
    strongest = max(told["peaks"], key=lambda peak: abs(peak["height"]))
    at = np.unravel_index(np.abs(spectrum).argmax(), spectrum.shape)
    assert strongest["height"] == pytest.approx(spectrum[at], rel=1e-5)
    assert strongest["relative_std"] == pytest.approx(deviation[at] / abs(spectrum[at]), rel=1e-4)
    expected = [CARRIERS[k] + LINES[0][1 + k] * WIDTHS[k] / FIELDS[k] for k in range(3)]
    assert [strongest[f"f{k}_ppm"] for k in (1, 2, 3)] == pytest.approx(expected, abs=0.3)


def test_parts_of_a_schedule_are_tried_on_a_cube(tmp_path):
    pattern = write_planes(tmp_path, cube_fid())
    result = reconstruct_cube(pattern, method_of("ist", dims=2), schedule=SCHEDULE, n_schedules=3)
    errors = [row["rlne"] for row in result.figures]
    assert len(set(errors)) == 3
    assert min(errors) == errors[0]  # from all of its points


def test_trouble_names_the_file(tmp_path):
    pattern = write_planes(tmp_path, cube_fid())
    with pytest.raises(InputError, match=r"two columns, this one has one"):
        reconstruct_cube(pattern, method_of("ist", dims=2), schedule=np.array([0, 3, 5]))
    with pytest.raises(InputError, match=r"must hold the 768 rows of a grid of 16 x 12 points.*got 100"):
        place_points(np.ones((100, 8)), GRID, None, "ser")
    (tmp_path / "test005.fid").write_bytes((tmp_path / "test005.fid").read_bytes()[:-8])
    with pytest.raises(InputError, match=r"test005.fid: must hold the rows that its header announces"):
        read_cube(pattern)
    (tmp_path / "test005.fid").unlink()
    with pytest.raises(InputError, match=r"test005.fid: this plane is missing between test004.fid and test006.fid"):
        read_cube(pattern)
    with pytest.raises(InputError, match=r"TPPI they are not; measure with States-TPPI"):
        read_cube(write_planes(tmp_path, cube_fid()), quadrature="tppi")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--reference=x.ft2", "--rate=0.3"], "takes no `--reference`"),
        (["--schedule=SCHEDULE", "--columns=f1"], "`--columns` must be one of f2f1, f1f2"),
        ([], "give either `--schedule`, or `--rate`"),
        (["--rate=0.3", "--method=dlnmr"], "'dlnmr' needs `--model`"),
    ],
)
def test_options_that_cannot_be_used_for_a_cube(tmp_path, capsys, options, message):
    write_planes(tmp_path, cube_fid())
    listed = tmp_path / "schedule.txt"
    listed.write_text("".join(f"{j} {i}\n" for i, j in SCHEDULE))
    told = [one.replace("SCHEDULE", str(listed)) for one in options]
    with pytest.raises(SystemExit, match=message):
        main(["reconstruct", str(tmp_path), "--method=ist", f"--out={tmp_path / 'o.ucsf'}", *told])


def test_a_plane_of_another_size_is_named(tmp_path):
    pattern = write_planes(tmp_path, cube_fid())
    other = tmp_path / "other"
    other.mkdir()
    write_planes(other, cube_fid(grid=(16, 10)))
    (tmp_path / "test007.fid").write_bytes((other / "test007.fid").read_bytes())
    with pytest.raises(InputError, match=r"test007.fid: must be as large as test001.fid, \(24, 64\), got \(20, 64\)"):
        read_cube(pattern)


def test_measured_order_is_the_inverse_of_sorting():
    fid = cube_fid()
    assert not np.array_equal(as_measured(fid, ("states_tppi", "states")), fid)
    np.testing.assert_array_equal(as_measured(as_measured(fid, ("states_tppi",) * 2), ("states_tppi",) * 2), fid)

"""Schedules: count, first point, density, and what is refused."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nmr_speech.checks import InputError
from nmr_speech.reconstruction import check_schedule, own_schedule, poisson_gap, read_schedule, sampling_mask


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 200), st.floats(0, 1), st.integers(0, 2**32))
def test_any_count_is_met_and_the_first_point_kept(n, share, seed):
    m = 1 + round(share * (n - 1))
    points = poisson_gap(n, m, seed)
    assert len(points) == m
    assert points[0] == 0
    assert (np.diff(points) > 0).all()
    assert points[-1] < n


@settings(max_examples=20, deadline=None)
@given(st.integers(3, 24), st.integers(3, 24), st.floats(0.1, 1), st.integers(0, 2**32))
def test_any_count_is_met_in_two_dimensions(rows, columns, share, seed):
    m = max(1, round(share * rows * columns))
    points = poisson_gap((rows, columns), m, seed)
    assert points.shape == (m, 2)
    assert tuple(points[0]) == (0, 0)
    check_schedule(points, (rows, columns))


def test_seeds_make_schedules():
    assert (poisson_gap(128, 32, 7) == poisson_gap(128, 32, 7)).all()
    assert (poisson_gap(128, 32, 7) != poisson_gap(128, 32, 8)).any()


def test_density_falls_as_the_gaps_say():
    """The mean gap behind point i is 1 + w sin(...), so the density is its inverse; one w for all fits to 10%."""
    n, m = 128, 32
    density = np.bincount(np.concatenate([poisson_gap(n, m, (1, i)) for i in range(1000)]), minlength=n) / 1000
    sine = np.sin(np.pi / 2 * (np.arange(n) + 0.5) / (n + 1))
    blocks = [slice(a, a + 16) for a in range(16, n, 16)]
    weights = [((1 / density[block] - 1) / sine[block]).mean() for block in blocks]
    assert np.ptp(weights) < 0.1 * np.mean(weights)


def test_two_dimensions_are_denser_at_the_beginning():
    counts = sum(sampling_mask(poisson_gap((32, 32), 200, s), (32, 32)).double() for s in range(50))
    quarter = [counts[a : a + 16, b : b + 16].sum() for a in (0, 16) for b in (0, 16)]
    assert quarter[0] > 1.2 * max(quarter[1:])
    assert min(quarter[1:3]) > 1.1 * quarter[3]


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ([0, 5, 3, 5], r"each point once, got 5 more than once \(entries 2 and 4\)"),
        ([0, 3, 8], r"from 0 up to 8 less one, got 8 \(entry 3\)$"),
        ([1, 3, 8], r"got 8 \(entry 3\); does it count from 1\?"),
        ([0, -1], r"got -1 \(entry 2\)"),
        ([], "at least one point"),
        ([0.5, 1], r"whole numbers, got float64"),
        ([[0, 1], [2, 3]], r"one index a point, got an array of shape \(2, 2\)"),
        (list(range(9)), r"got 8 \(entry 9\)"),
        (["a"], "whole numbers"),
    ],
)
def test_bad_schedules_are_named(schedule, message):
    with pytest.raises(InputError, match=message):
        check_schedule(schedule, 8)


def test_bad_schedules_of_two_dimensions_are_named():
    with pytest.raises(InputError, match=r"got 1, 2 more than once \(entries 1 and 3\)"):
        check_schedule([[1, 2], [0, 0], [1, 2]], (4, 4))
    with pytest.raises(InputError, match=r"up to 4 x 8 less one, got 4, 7 \(entry 2\)"):
        check_schedule([[3, 7], [4, 7]], (4, 8))
    with pytest.raises(InputError, match="2 indices a point"):
        check_schedule([1, 2], (4, 4))


def test_masks_of_the_wrong_length_are_named():
    with pytest.raises(InputError, match=r"end in \(8,\) points as the signal does, got \(9,\)"):
        sampling_mask(torch.ones(9, dtype=torch.bool), 8)
    with pytest.raises(InputError, match="a mask without any"):
        sampling_mask(torch.zeros(3, 8, dtype=torch.bool), 8)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (8, 9), (8, 0), (8, 2.5)])
def test_impossible_sizes_are_named(n, m):
    with pytest.raises(InputError, match="must be a whole number"):
        poisson_gap(n, m, 0)


def test_files_are_read_in_their_order(tmp_path):
    path = tmp_path / "nuslist"
    path.write_text("0\n  7\n3 # late\n\n")
    schedule, step = read_schedule(path)
    assert schedule.tolist() == [0, 7, 3]
    assert "counted from 0: 0 occurs" in step
    path.write_text("1 1\n4 2\n")
    assert read_schedule(path)[0].tolist() == [[0, 0], [3, 1]]
    path.write_text("2\n4\n")
    assert read_schedule(path, index_base=1)[0].tolist() == [1, 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this file holds none"),
        ("0\n1 2\n", "as many indices as the first, 1"),
        ("0\n-1\n2\n", "line 2 must hold indices from 0 or 1, got -1"),
        ("0\n1.5\n", "line 2 must hold whole numbers, got '1.5'"),
        ("0\nx\n", "line 2 must hold whole numbers, got 'x'"),
        ("2\n4\n", "neither 0 nor 1"),
        (b"\xff\xfe\x00", "cannot be read as a schedule"),
    ],
)
def test_bad_files_are_named(tmp_path, text, message):
    path = tmp_path / "nuslist"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message):
        read_schedule(path)


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("0 2 3 5 9", [0, 2, 3, 5, 9]),
        ("0,2,3,5,9\n", [0, 2, 3, 5, 9]),
        ("0 2 3 5\n7 9\n", [0, 2, 3, 5, 7, 9]),
        ("0,\n2,\n5,\n", [0, 2, 5]),
        ("\ufeff0\n2\n", [0, 2]),
        ("0.0\n2.0\n", [0, 2]),
        ("% made by nussampler\n; n = 64\n# sine\n0\n2 # late\n", [0, 2]),
        ("5\n0\n2\n3\n5\n9\n", [0, 2, 3, 5, 9]),
        ("2\n0\n1\n", [0, 1]),
        ("0\n7\n3\n", [0, 7, 3]),
        ("3\n0\n9\n1\n", [3, 0, 9, 1]),
        ("1\n2\n5\n9\n", [0, 1, 4, 8]),
    ],
)
def test_schedules_are_read_as_people_write_them(text, points, tmp_path):
    (tmp_path / "s.txt").write_text(text, encoding="utf-8")
    assert read_schedule(tmp_path / "s.txt")[0].tolist() == points
    (tmp_path / "s.txt").write_bytes(text.lstrip("\ufeff").encode("utf-16"))
    assert read_schedule(tmp_path / "s.txt")[0].tolist() == points


@pytest.mark.parametrize(("name", "beside"), [("nuslist", "acqus"), ("sampling.sch", "procpar")])
def test_the_schedule_of_a_folder_counts_from_0_whether_0_occurs_or_not(name, beside, tmp_path):
    (tmp_path / name).write_text("1\n2\n5\n")
    assert own_schedule(tmp_path) is None
    (tmp_path / beside).write_text("")
    assert own_schedule(tmp_path / "ser") == own_schedule(tmp_path) == tmp_path / name
    schedule, step = read_schedule(own_schedule(tmp_path))
    assert schedule.tolist() == [1, 2, 5]
    assert "counted from 0: the spectrometer's own schedule" in step
    assert read_schedule(tmp_path / name, index_base=1)[0].tolist() == [0, 1, 4]

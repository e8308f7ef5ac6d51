"""IST and Hankel completion: exact recovery, batches, independent implementations, and what is refused."""

import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.reconstruction import hankel, ist, poisson_gap, sampling_mask
from nmr_speech.reconstruction.hankel import from_hankel, to_hankel
from nmr_speech.reconstruction.operators import fourier
from nmr_speech.reconstruction.virtual_echo import echo_transform, virtual_echo
from nmr_speech.testing.data import reference_data
from tests.reconstruction.signals import exponentials, noise

LINES = [(1.0, 0.12, 60.0), (0.6, -0.31, 25.0), (0.3, 0.44, 120.0)]
ON_GRID = [(1.0, 8 / 128, 1e9), (0.4, -37 / 128, 1e9), (0.15, 50 / 128, 1e9)]
SOLVERS = {
    "ist_s": {},
    "ist_d": {"variant": "ist_d"},
    "even": {"echo": "even"},
    "odd": {"echo": "odd"},
    "half_dwell": {"echo": "half_dwell"},
    "ist_d, odd": {"variant": "ist_d", "echo": "odd"},
}


def measured(fid, m, seed=0):
    schedule = poisson_gap(fid.shape[-1], m, seed)
    return fid * sampling_mask(schedule, fid.shape[-1]), schedule


def deviation(ours, true):
    return ((ours - true).norm() / true.norm()).item()


@pytest.mark.parametrize("variant", ["ist_s", "ist_d"])
def test_lines_on_the_grid_are_recovered_exactly(variant):
    """Undamped lines at grid frequencies are what l1 is exact for; the rest is the last threshold."""
    fid = exponentials(128, ON_GRID)
    y, schedule = measured(fid, 40)
    assert deviation(ist(y, schedule, variant=variant, n_iterations=700), fid) < 1e-4


@pytest.mark.parametrize("seed", range(3))
def test_exponentials_are_recovered_exactly_from_a_quarter(seed):
    fid = exponentials(128, LINES)
    y, schedule = measured(fid, 32, seed)
    assert deviation(hankel(y, schedule, n_iterations=2000, tolerance=1e-9, weight=1e6), fid) < 1e-3


def test_one_line_is_recovered_from_any_phase():
    fid = exponentials(96, [(1.0, 0.2345, 30.0)], phase=1.0)
    y, schedule = measured(fid, 20)
    assert deviation(hankel(y, schedule, n_iterations=2000, tolerance=1e-9, weight=1e6), fid) < 1e-3


@pytest.mark.parametrize("form", ["even", "odd", "half_dwell"])
def test_an_echo_halves_the_error_of_decaying_lines(form):
    fid = exponentials(128, LINES, start=0.5 if form == "half_dwell" else 0.0)
    y, schedule = measured(fid, 26)
    assert deviation(ist(y, schedule, echo=form), fid) < 0.5 * deviation(ist(y, schedule), fid)


@pytest.mark.parametrize("settings", SOLVERS.values(), ids=SOLVERS)
def test_a_batch_is_its_signals(settings):
    start = 0.5 if settings.get("echo") == "half_dwell" else 0.0
    fids = torch.stack([exponentials(64, [line], start=start) for line in LINES]).reshape(3, 1, 64)
    y, schedule = measured(fids, 20)
    single = torch.stack([ist(one, schedule, n_iterations=50, **settings) for one in y])
    torch.testing.assert_close(ist(y, schedule, n_iterations=50, **settings), single)


def test_a_batch_is_its_signals_for_hankel():
    """With a first rank that is too low for some of them."""
    fids = torch.stack([exponentials(64, LINES[:k]) for k in (1, 2, 3)] + [noise(64)])
    y, schedule = measured(fids, 24)
    single = torch.stack([hankel(one, schedule, rank=4) for one in y])
    torch.testing.assert_close(hankel(y, schedule, rank=4), single)


def test_every_signal_may_have_a_schedule_of_its_own():
    fids = torch.stack([exponentials(64, [line]) for line in LINES])
    masks = torch.stack([sampling_mask(poisson_gap(64, 20, seed), 64) for seed in range(3)])
    for solve in (ist, hankel):
        single = torch.stack([solve(f * m, m.nonzero()[:, 0]) for f, m in zip(fids, masks, strict=True)])
        torch.testing.assert_close(solve(fids * masks, masks), single)


@pytest.mark.parametrize("solve", [ist, hankel])
def test_points_measured_are_kept_and_the_order_of_the_schedule_does_not_matter(solve):
    y, schedule = measured(exponentials(64, LINES), 20)
    result = solve(y, schedule)
    assert torch.equal(result[schedule], y[schedule])
    torch.testing.assert_close(solve(y, schedule[::-1].copy()), result)


@pytest.mark.parametrize("solve", [ist, hankel])
def test_scale_and_empty_signals(solve):
    y, schedule = measured(exponentials(64, LINES), 20)
    torch.testing.assert_close(solve(y * 1e5, schedule), 1e5 * solve(y, schedule))
    assert not solve(torch.zeros_like(y), schedule).any()


def test_all_points_measured_is_the_signal_itself():
    fid = exponentials(32, LINES)
    for result in (ist(fid, range(32)), hankel(fid, range(32))):
        assert torch.equal(result, fid)


def test_single_precision_is_enough_for_hankel():
    y, schedule = measured(exponentials(128, LINES), 32)
    double = hankel(y, schedule, n_iterations=300)
    assert deviation(hankel(y.to(torch.complex64), schedule, n_iterations=300), double) < 1e-3


def test_two_dimensions_are_recovered():
    rows, columns = exponentials(24, [(1.0, 3 / 24, 1e9)]), exponentials(20, [(1.0, -7 / 20, 1e9)])
    plane = torch.outer(rows, columns) + 0.5 * torch.outer(rows.conj(), columns)
    schedule = poisson_gap((24, 20), 120, 0)
    result = ist(plane * sampling_mask(schedule, (24, 20)), schedule, dims=2, n_iterations=500)
    assert deviation(result, plane) < 1e-3


def test_ist_is_the_papers_recursion_written_out():
    """d = x + F U^T (y - U F^H x), x = S(d), in NumPy, one signal."""
    y, schedule = measured(exponentials(48, LINES), 16)
    mask, data = sampling_mask(schedule, 48).numpy(), y.numpy()
    x = np.fft.fft(data, norm="ortho")
    threshold = abs(x).max()
    for _ in range(60):
        threshold *= 0.98
        d = x + np.fft.fft(mask * (data - np.fft.ifft(x, norm="ortho")), norm="ortho")
        x = d * np.maximum(1 - threshold / np.maximum(abs(d), 1e-300), 0)
    expected = np.where(mask, data, np.fft.ifft(x, norm="ortho"))
    np.testing.assert_allclose(ist(y, schedule, n_iterations=60).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("form", ["even", "odd", "half_dwell"])
def test_the_real_transform_of_an_echo_is_its_complex_one(form):
    fid = exponentials(24, LINES, start=0.5 if form == "half_dwell" else 0.0)
    forward, inverse = echo_transform(24, form)
    assert not forward(fid).is_complex()
    complex_one = fourier(virtual_echo(fid, form))  # a shift in time changes its phase alone
    torch.testing.assert_close(forward(fid).abs(), complex_one.abs())
    torch.testing.assert_close(inverse(forward(fid))[..., :24], fid)


def test_hankel_operators_are_adjoint():
    x, matrix = noise(2, 17), noise(2, 9, 9, seed=1)
    assert to_hankel(x).shape == matrix.shape
    left = torch.vdot(to_hankel(x).flatten(), matrix.flatten())
    torch.testing.assert_close(left, torch.vdot(x.flatten(), from_hankel(matrix).flatten()))


def test_hankel_operators_are_adjoint_in_two_dimensions():
    x = noise(2, 7, 6)
    matrix = to_hankel(x, 2)
    assert matrix[1, 3, 4] == x[1, 0 + 1, 3 + 1]  # row 3 is (0, 3) of 4 x 4, column 4 is (1, 1) of 4 x 3
    other = noise(*matrix.shape, seed=1)
    left = torch.vdot(matrix.flatten(), other.flatten())
    torch.testing.assert_close(left, torch.vdot(x.flatten(), from_hankel(other, (7, 6)).flatten()))


def test_hankel_in_two_dimensions_recovers_products_of_exponentials_of_any_phase():
    first, second = exponentials(12, [(1.0, 0.21, 20.0)], phase=1.0), exponentials(10, [(1.0, -0.37, 15.0)])
    other = exponentials(12, [(0.5, -0.4, 9.0)]), exponentials(10, [(1.0, 0.1, 30.0)], phase=2.0)
    fid = torch.outer(first, second) + torch.outer(*other)
    schedule = poisson_gap((12, 10), 50, 2)
    filled = hankel(fid * sampling_mask(schedule, (12, 10)), schedule, n_iterations=1000, tolerance=1e-9, weight=1e6)
    assert deviation(filled, fid) < 1e-3


def proximal_hankel(y, schedule, weight, iterations):
    """Solve the same problem by Chambolle and Pock's primal-dual method with NumPy's SVD: no ADMM, no Gram matrix."""
    n = len(y)
    p = n // 2 + 1
    index = np.add.outer(np.arange(p), np.arange(n - p + 1))
    mask = np.isin(np.arange(n), schedule)
    tau = sigma = 0.99 / np.sqrt(p)  # the largest count of an antidiagonal bounds the square of the norm
    x, extrapolated, dual = y.copy(), y.copy(), np.zeros(index.shape, dtype=complex)
    for _ in range(iterations):
        u, values, vh = np.linalg.svd(dual + sigma * extrapolated[index], full_matrices=False)
        dual = (u * np.minimum(values, 1)) @ vh  # projection onto the unit ball of the spectral norm
        back = np.zeros(n, dtype=complex)
        np.add.at(back, index, dual)
        moved = (x - tau * back + tau * weight * mask * y) / (1 + tau * weight * mask)
        extrapolated, x = 2 * moved - x, moved
    return x


def test_hankel_finds_what_another_method_finds():
    """Too few points for exact recovery, so the minimum is not the signal itself."""
    y, schedule = measured(exponentials(16, LINES) + 0.05 * noise(16), 6, seed=1)
    scale = abs(y.numpy()).max()
    expected = scale * proximal_hankel(y.numpy() / scale, schedule, 1e3, 500)
    missing = np.setdiff1d(np.arange(16), schedule)
    ours = hankel(y, schedule, n_iterations=500, tolerance=1e-10, rank=None).numpy()
    assert np.linalg.norm((ours - expected)[missing]) < 1e-3 * np.linalg.norm(expected[missing])
    assert np.linalg.norm((ours - exponentials(16, LINES).numpy())[missing]) > 0.1 * np.linalg.norm(expected[missing])


def test_a_wrong_phase_stops_an_echo():
    y, schedule = measured(exponentials(64, LINES, phase=0.9), 20)
    for echo in ("even", "odd"):
        with pytest.raises(InputError, match=r"needs signals in phase: .* a phase of 52 or -128 degrees"):
            ist(y, schedule, echo=echo)
    assert ist(y, schedule).isfinite().all()


@pytest.mark.parametrize("solve", [ist, hankel])
@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ([0, 1, 1], "each point once"),
        ([0, 64], "up to 64 less one, got 64"),
        (torch.ones(63, dtype=torch.bool), r"end in \(64,\) points"),
    ],
)
def test_bad_schedules_stop_every_solver(solve, schedule, message):
    with pytest.raises(InputError, match=message):
        solve(torch.zeros(64, dtype=torch.complex64), schedule)


@pytest.mark.parametrize("solve", [ist, hankel])
def test_a_plane_with_nan_stops_every_solver(solve):
    plane = torch.zeros(4, 64, dtype=torch.complex64)
    plane[2, 5] = complex("nan")
    with pytest.raises(InputError, match=r"finite, got NaN or infinity, first at \(2, 5\)"):
        solve(plane, range(64))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"variant": "ist"}, "`variant` must be one of ist_s, ist_d"),
        ({"echo": "odd", "dims": 3}, "`dims` must be a whole number from 1 to 2"),
        ({"n_iterations": 0}, "`n_iterations` must be"),
        ({"decay": 1.5}, "`decay` must be from 0 to 1"),
        ({"echo": "evn"}, "`echo` must be one of .* did you mean 'even'"),
    ],
)
def test_settings_are_checked(settings, message):
    y, schedule = measured(exponentials(16, LINES), 8)
    with pytest.raises(InputError, match=message):
        ist(y, schedule, **settings)


@pytest.mark.parametrize(("m", "plain", "with_echo", "low_rank"), [(34, 0.182, 0.076, 0.045), (17, 0.335, 0.125, None)])
def test_gb1_is_as_good_as_measured_before(m, plain, with_echo, low_rank):
    """Values of an independent implementation, means over three other schedules; they scatter by a fifth."""
    full = torch.from_numpy(np.load(reference_data("gb1_hsqc/signals.npz"))["t"])
    full = full[full.norm(dim=-1).argsort(descending=True)[:500]]  # 99% of the energy of all 1466
    y, schedule = measured(full, m, seed=2)
    window = torch.cos(torch.arange(170) * torch.pi / 340)
    window[0] = 0.5

    def rlne(of, chosen=slice(None)):
        ours, true = (torch.fft.fft(x * window, 340).real for x in (of, full[chosen]))
        return deviation(ours, true)

    assert rlne(ist(y, schedule)) < 1.2 * plain
    assert rlne(ist(y, schedule, echo="even")) < 1.2 * with_echo
    if low_rank:
        assert rlne(hankel(y[:16], schedule), slice(16)) < low_rank

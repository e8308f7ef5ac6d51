"""Laws that every reconstruction network obeys, trained or not; the parts of MoDern against other implementations."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from nmr_speech.checks import InputError
from nmr_speech.reconstruction import poisson_gap
from nmr_speech.reconstruction.dlnmr import DLNMR
from nmr_speech.reconstruction.fid_settings import FIDSettings
from nmr_speech.reconstruction.lstm import LSTMNetwork
from nmr_speech.reconstruction.modern import MoDern, PeriodicConv, SoftThresholding, _Shrink
from nmr_speech.reconstruction.network import ROWS_AT_ONCE, Measurement
from nmr_speech.reconstruction.synthetic import make_fids

N = 48
NETWORKS = {
    "modern": lambda: MoDern(n_phases=3, channels=8),
    "fixed": lambda: MoDern(n_phases=3, channels=8, adaptive=False),
    "dlnmr": lambda: DLNMR(n_phases=2, n_layers=2, growth=4, kernel_size=5),
    "lstm": lambda: LSTMNetwork(hidden_size=8, n_layers=2),
}
SHIFTABLE = ("modern", "fixed", "dlnmr")


@pytest.fixture(params=NETWORKS)
def network(request):
    """A network whose weights, biases and running statistics are drawn at random."""
    torch.manual_seed(0)
    made = NETWORKS[request.param]()
    for name, weight in made.named_parameters():
        if "bias" in name:
            nn.init.normal_(weight, std=0.1)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 2)
    return made.eval()


@pytest.fixture(scope="module")
def fids():
    return make_fids(FIDSettings(n_points=N, rate=(0.25, 0.25)), 1, range(6))


def relative(a, b):
    return ((a - b).norm() / b.norm()).item()


def test_parameters_are_those_of_the_paper():
    def count(module):
        return sum(weight.numel() for weight in module.parameters())

    modern, modern_3d = MoDern(), MoDern(dims=2)
    assert [count(block) for block in modern.blocks] == [2594] * 10
    assert [count(block) for block in modern_3d.blocks] == [3362] * 10
    assert (count(modern), count(modern_3d)) == (25_940, 33_620)
    assert len({id(weight) for weight in modern.parameters()}) == 12 * 10 - 20  # nothing shared: 10 tensors a phase
    without = 2 * (32 * 32 + 32) + 2 * 32  # sub-block A: two layers, batch normalisation
    assert [count(block) for block in MoDern(adaptive=False).blocks] == [2594 - without + 32] * 10
    assert count(modern) / count(DLNMR()) == pytest.approx(0.09, abs=0.002)  # "ca 9%"


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize(("into", "out_of"), [(2, 5), (5, 2), (3, 3)])
def test_a_convolution_is_that_of_pytorch(into, out_of, dims):
    torch.manual_seed(0)
    ours, grid = PeriodicConv(into, out_of, dims), (7, 6)[:dims]
    nn.init.normal_(ours.bias)
    kernel = ours.weight.view(out_of, *[3] * dims, into).movedim(-1, 1)
    x = torch.randn(into, 4, *grid)
    padded = nn.functional.pad(x.transpose(0, 1), [1] * 2 * dims, mode="circular")
    convolve = nn.functional.conv1d if dims == 1 else nn.functional.conv2d
    theirs = convolve(padded, kernel, ours.bias).transpose(0, 1)
    assert torch.allclose(ours(x), theirs, atol=1e-5)


def test_shrinking_and_its_gradient():
    x = torch.tensor([[[-3.0, -0.5, 0.2, 2.0]]], dtype=torch.float64, requires_grad=True)
    threshold = torch.tensor([[[0.75]]], dtype=torch.float64, requires_grad=True)
    assert _Shrink.apply(x, threshold).tolist() == [[[-2.25, 0.0, 0.0, 1.25]]]
    assert torch.autograd.gradcheck(_Shrink.apply, (x, threshold))


def test_thresholds_adapt_and_never_take_all():
    """Between zero and the mean magnitude of each map; twice the spectrum has not the threshold of the spectrum."""
    torch.manual_seed(0)
    block = SoftThresholding(16, adaptive=True, dims=1).eval()
    maps = torch.randn(16, 5, 30)
    threshold, mean = block.threshold(maps), maps.abs().mean(dim=2, keepdim=True)
    assert (threshold > 0).all()
    assert (threshold < mean).all()
    assert ((block.threshold(2 * maps) - threshold) > 0.1 * threshold).any()
    fixed = SoftThresholding(16, adaptive=False, dims=1)
    assert torch.equal(fixed.threshold(maps), fixed.threshold(2 * maps))
    assert (fixed.threshold(maps) > 0).all()


@pytest.mark.parametrize("echo", ["even", "odd", "half_dwell"])
def test_consistency_is_equation_s1_4_by_matrices(echo):
    """``x + F U^T (y - U F^H x)`` with F and U written out; and the spectrum of an echo in phase is real."""
    torch.manual_seed(0)
    t = torch.arange(12) + (0.5 if echo == "half_dwell" else 0.0)
    fid = torch.exp(-t / 5 + 2j * math.pi * 0.3 * t)[None]
    mask = torch.zeros(1, 12, dtype=torch.bool)
    mask[0, [0, 1, 3, 7]] = True
    measurement = Measurement.of(fid * mask, mask, echo=echo)
    assert measurement.zero_filled().imag.abs().max() < 1e-6
    assert measurement.reference(fid).imag.abs().max() < 1e-6
    points = measurement.measured.shape[-1]
    k, time = torch.arange(points), torch.arange(points)
    fourier = torch.exp(-2j * math.pi * torch.outer(k, time) / points) / math.sqrt(points)
    if echo == "half_dwell":
        fourier = torch.exp(-1j * math.pi * torch.fft.fftfreq(points))[:, None] * fourier
    known = measurement.mask[0]
    take = torch.eye(points, dtype=torch.complex64)[known]
    x = torch.randn(1, points, dtype=torch.complex64)
    y = measurement.measured[0, known]
    expected = x[0] + fourier @ take.T @ (y - take @ fourier.conj().T @ x[0])
    assert torch.allclose(measurement.consistent(x)[0], expected, atol=1e-5)


@pytest.mark.parametrize("echo", ["even", "odd", "half_dwell"])
def test_reference_and_signal_are_inverse(echo):
    fid = torch.exp((-0.1 + 1j) * torch.arange(10))[None]
    measurement = Measurement.of(fid, torch.ones(1, 10, dtype=torch.bool), echo=echo)
    assert torch.allclose(measurement.fid(measurement.reference(fid)), fid, atol=1e-5)


@pytest.mark.parametrize("echo", ["even", "odd", "half_dwell"])
def test_what_was_measured_stays_after_every_phase(network, fids, echo):
    full, masks = fids
    phases = network.every_phase(full * masks, masks, echo=echo)
    assert phases.shape == (3 if isinstance(network, MoDern) else len(phases), *full.shape)
    for phase in phases:
        assert torch.equal(phase[masks], full[masks])
        assert not torch.equal(phase[~masks], torch.zeros_like(phase[~masks]))
    torch.testing.assert_close(network(full * masks, masks, echo=echo), phases[-1])


def test_a_full_schedule_changes_nothing(network, fids):
    assert torch.equal(network(fids[0], range(N)), fids[0])


def test_a_batch_is_its_signals_one_by_one(network, fids):
    full, masks = fids
    together = network(full * masks, masks)
    for i, (fid, mask) in enumerate(zip(full, masks, strict=True)):
        alone = network(fid * mask, mask)
        assert relative(together[i], alone) < 1e-5
    schedule = poisson_gap(N, 12, seed=3)
    measured = torch.zeros_like(full)
    measured[:, schedule] = full[:, schedule]
    blocks = network(measured.view(2, 3, N), schedule)
    assert relative(blocks.view(6, N), network(measured, schedule)) < 1e-5
    assert relative(network(measured[4], schedule), blocks[1, 1]) < 1e-5


def test_more_signals_than_go_at_once(network, fids):
    full, masks = fids
    many = (full * masks).repeat(ROWS_AT_ONCE // 6 + 1, 1)
    masks = masks.repeat(ROWS_AT_ONCE // 6 + 1, 1)
    assert len(many) > ROWS_AT_ONCE
    filled = network(many, masks)
    assert relative(filled[-6:], filled[:6]) < 1e-5


def test_scale_passes_through(network, fids):
    full, masks = fids
    measured = full * masks
    torch.testing.assert_close(network(8 * measured, masks), 8 * network(measured, masks))
    for scale in (1e-7, 1e6):
        assert relative(network(scale * measured, masks), scale * network(measured, masks)) < 1e-4


@pytest.mark.parametrize("kind", SHIFTABLE)
@pytest.mark.parametrize("bins", [1, 31, -7])
def test_a_shift_in_frequency_passes_through(kind, bins, fids):
    """By any number of bins of the echo's spectrum, around its end too: half bins of the signal's own."""
    torch.manual_seed(0)
    network = NETWORKS[kind]().eval()
    full, masks = fids
    turn = torch.exp(2j * math.pi * bins * torch.arange(N) / (2 * N))
    shifted = network(full * masks * turn, masks)
    assert relative(shifted, network(full * masks, masks) * turn) < 1e-4


def test_any_length_and_rate(network):
    for n, m in ((17, 5), (170, 34), (64, 64)):
        fid, _ = make_fids(FIDSettings(n_points=n), 2, [0])
        schedule = poisson_gap(n, m, seed=1)
        measured = torch.zeros_like(fid[0])
        measured[schedule] = fid[0, schedule]
        filled = network(measured, schedule)
        assert filled.shape == (n,)
        assert torch.isfinite(torch.view_as_real(filled)).all()


def test_silence_stays_and_so_does_double_precision(network, fids):
    silent = torch.zeros(2, N, dtype=torch.complex128)
    silent[1] = fids[0][0] * fids[1][0]
    filled = network(silent, fids[1][0])
    assert filled.dtype == torch.complex128
    assert not filled[0].any()
    assert filled[1].any()


def test_three_dimensions():
    """Two indirect dimensions without an echo: a schedule of pairs, and shifts along both."""
    torch.manual_seed(0)
    network = MoDern(n_phases=2, channels=8, dims=2, in_phase=False).eval()
    schedule = poisson_gap((8, 6), 12, seed=1)
    mask = torch.zeros(8, 6, dtype=torch.bool)
    mask[tuple(schedule.T)] = True
    fid = torch.randn(3, 8, 6, dtype=torch.complex64)
    filled = network(fid * mask, schedule)
    assert torch.equal(filled[:, mask], fid[:, mask])
    assert filled[:, ~mask].all()
    assert relative(filled[1], network(fid[1] * mask, schedule)) < 1e-5
    turn = torch.exp(2j * math.pi * (3 * torch.arange(8)[:, None] / 8 - torch.arange(6) / 6))
    assert relative(network(fid * mask * turn, schedule), filled * turn) < 1e-4


def loss(network, fids):
    """Equation S1-8, written out."""
    full, masks = fids
    measurement = Measurement.of(full * masks, masks)
    reference = measurement.reference(full)
    return torch.stack([(spectrum - reference).abs().square().sum() for spectrum in network.phases(measurement)]).mean()


def test_a_step_down_the_gradient_is_a_step_down(network, fids):
    network.train()
    before = loss(network, fids)
    before.backward()
    gradients = [weight.grad for weight in network.parameters()]
    assert all(gradient is not None and gradient.any() for gradient in gradients)
    norm = torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()
    with torch.no_grad():
        for weight in network.parameters():
            weight.sub_(1e-3 * weight.grad / norm)
    assert loss(network, fids) < before


def test_a_few_fids_are_overfitted(fids):
    """A small MoDern halves the error of zeros within 60 steps."""
    torch.manual_seed(0)
    network = MoDern(n_phases=3, channels=16)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(60):
        optimiser.zero_grad()
        loss(network, fids).backward()
        optimiser.step()
    full, masks = fids
    with torch.no_grad():
        filled = network.train()(full * masks, masks)
    assert relative(filled, full) < 0.5 * relative(full * masks, full)


def spoil(change):
    fid, mask = torch.exp((-0.1 + 2j) * torch.arange(N))[None], torch.zeros(N, dtype=torch.bool)
    mask[::4] = True
    fid = fid * mask
    return change(fid), np.flatnonzero(mask.numpy())


def with_nan(fid):
    fid[0, 8] = math.nan
    return fid


BAD = {
    "NaN": (lambda: spoil(with_nan), "`fid` must be finite, got NaN or infinity, first at"),
    "real": (lambda: spoil(torch.real), "`fid` must be a complex tensor"),
    "array": (lambda: spoil(torch.Tensor.numpy), "`fid` must be a complex tensor .* got ndarray"),
    "short": (lambda: spoil(lambda fid: fid[:, :20]), "the schedule must hold indices from 0 up to 20 less one"),
    "not zero": (lambda: spoil(lambda fid: fid + 1), "`fid` must be zero where nothing was measured"),
    "out of phase": (lambda: spoil(lambda fid: 1j * fid), "a virtual echo needs signals in phase"),
    "twice": (lambda: (spoil(lambda fid: fid)[0], [0, 4, 4]), "the schedule must hold each point once"),
}


@pytest.mark.parametrize("kind", BAD)
def test_signals_that_cannot_be_used(kind, network):
    make, message = BAD[kind]
    with pytest.raises(InputError, match=message):
        network(*make())


def test_an_unknown_echo(network, fids):
    with pytest.raises(InputError, match="`echo` must be one of even, odd, half_dwell; got 'evn', did you mean 'even'"):
        network(fids[0] * fids[1], fids[1], echo="evn")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MoDern(n_phases=0), "`n_phases` must be a whole number from 1"),
        (lambda: MoDern(channels=1.5), "`channels` must be a whole number"),
        (lambda: MoDern(dims=3), "`dims` must be a whole number from 1 to 2, got 3"),
        (lambda: DLNMR(kernel_size=0), "`kernel_size` must be a whole number"),
        (lambda: LSTMNetwork(hidden_size=-1), "`hidden_size` must be a whole number"),
    ],
)
def test_sizes_that_cannot_be_used(make, message):
    with pytest.raises(InputError, match=message):
        make()

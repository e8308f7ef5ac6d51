"""Front ends against their definitions."""

from pathlib import Path

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml
from speechbrain.lobes.features import Fbank
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

from nmr_speech.checks import InputError
from nmr_speech.corpus import stack_fid
from nmr_speech.corpus.pseudo_audio import to_channels, unstack_fid
from nmr_speech.models.embed import embed
from nmr_speech.models.frontends import ConvFrontEnd, MelFrontEnd, QuadratureFrontEnd, SpectralFrontEnd
from nmr_speech.simulate import draw_recording, tocsy
from nmr_speech.simulate.spin_system import SpinSystem
from nmr_speech.training.augment import Augmentation

PARTS = Path(__file__).parents[2] / "hparams" / "frontend"
ALL = [MelFrontEnd, ConvFrontEnd, QuadratureFrontEnd, SpectralFrontEnd]


@pytest.fixture(scope="module")
def wavs():
    return torch.stack([stack_fid(draw_recording(residue, 1, 0).fid)[0] for residue in ("VAL", "ASN", "GLY")])


def small_backbone():
    torch.manual_seed(0)
    return ECAPA_TDNN(80, channels=[8] * 5, lin_neurons=12, attention_channels=8, se_channels=8, res2net_scale=4).eval()


@pytest.mark.parametrize(
    ("part", "shape", "parameters"),
    [
        ("mel", (3, 4, 820, 80), 0),
        ("mel_transient", (3, 4, 257, 80), 0),
        ("conv", (3, 4, 256, 80), 80 * 256),
        ("quadrature", (3, 2, 256, 80), 80 * 256 * 2),
        ("spectral", (3, 1, 256, 80), 80 * 256 * 2),
        ("spectral_centred", (3, 1, 256, 80), 80 * 256 * 2),
    ],
)
def test_streams_frames_and_parameters_of_each_part(part, shape, parameters, wavs):
    with (PARTS / f"{part}.yaml").open() as stream:
        frontend = load_hyperpyyaml(stream)["module"]
    assert frontend(wavs).shape == shape
    assert frontend.n_streams == shape[1]
    assert sum(weight.numel() for weight in frontend.parameters()) == parameters


def test_half_the_stride_gives_twice_the_frames(wavs):
    assert ConvFrontEnd(stride=128)(wavs).shape == (3, 4, 511, 80)


def test_mel_is_fbank_on_each_channel(wavs):
    frontend = MelFrontEnd()
    fbank = Fbank(sample_rate=8000, n_fft=400, n_mels=80)
    for channel in range(4):
        expected = fbank(wavs[..., channel])
        assert torch.allclose(frontend(wavs)[:, channel], expected - expected.mean(1, keepdim=True), atol=1e-4)


def test_conv_is_a_product_with_each_transient(wavs):
    frontend = ConvFrontEnd()
    transients = wavs[0, :, 2].reshape(256, 256)
    expected = transients @ frontend.conv.weight[:, 0].T
    assert torch.allclose(frontend(wavs)[0, 2], expected, atol=1e-5)


@pytest.mark.parametrize("bin_number", [0, 13, 40, 41, 79])
def test_a_quadrature_filter_responds_to_its_own_frequency_and_sign(bin_number):
    offset_hz = ((bin_number + 0.5) / 80 - 0.5) * 7200
    fid = tocsy(SpinSystem({"H": 1}, {}), [5 + offset_hz / 600])
    frontend = QuadratureFrontEnd()
    power = torch.view_as_real(fid @ frontend.start.T).square().sum((0, 1, 3))
    assert power.argmax() == bin_number


def test_complex_filters_keep_the_sign_of_the_frequency(wavs):
    mirrored = wavs * torch.tensor([1.0, -1.0, 1.0, -1.0])  # the complex conjugate: every frequency reversed
    backbone = small_backbone()
    for frontend, blind in [(MelFrontEnd(), True), (QuadratureFrontEnd(), False), (SpectralFrontEnd(), False)]:
        with torch.no_grad():
            same = torch.allclose(embed(frontend, backbone, wavs), embed(frontend, backbone, mirrored), atol=1e-3)
        assert same is blind


def line(bins, n=256):
    """One line, so many points of the spectrum above its middle: (N,)."""
    return torch.polar(torch.ones(n), 2 * torch.pi * bins / n * torch.arange(n))


def states_of(t1, t2, transfer):
    """The waveforms of groups that evolve as ``t1``, are transferred and detected as ``t2``: (B, T, 4)."""
    evolved = torch.stack([t1.real, t1.imag], 1).to(t1.dtype)  # the States pair, (B, 2, G, P)
    return to_channels(evolved.mT @ transfer.to(t1.dtype)[:, None] @ t2[:, None])


@pytest.mark.parametrize(("f1", "number"), [(0, 40), (-128, 0), (127, 79), (32, 13), (-5, 66)])
def test_a_line_is_in_the_frame_and_the_filter_of_its_frequencies(f1, number):
    t2 = line(torch.tensor(((number + 0.5) / 80 - 0.5) * 256))
    feats = SpectralFrontEnd()(states_of(line(f1)[None, None], t2[None, None], torch.ones(1, 1, 1)))
    assert divmod(feats.argmax().item(), 80) == (128 + f1, number)


def test_a_frame_is_the_transform_of_the_squared_cosine():
    """Along F1 a line has the shape of the window's own transform, whatever the filter."""
    frontend = SpectralFrontEnd(floor=1e-12)
    feats = frontend(states_of(line(20)[None, None], line(3.3)[None, None], torch.ones(1, 1, 1)))[0, 0]
    t = torch.arange(256, dtype=torch.float64)
    apart = torch.tensor([0, 1, 2, 5])
    shape = (torch.cos(torch.pi * t / 512) ** 2 * torch.exp(-2j * torch.pi * apart[:, None] * t / 256)).sum(1).abs()
    expected = torch.log(shape / shape[0])[:, None].expand(-1, 80)
    assert torch.allclose((feats[148 + apart] - feats[148]).double(), expected, atol=1e-3)


def test_one_point_more_in_f1_is_one_frame_more():
    wavs, frontend = torch.randn(1, 65536, 4), SpectralFrontEnd()
    fid = unstack_fid(wavs)
    turn = line(1)[:, None]
    # cos + i sin times a phase, whatever the two are: a rotation of the pair.
    moved = torch.stack(
        [turn.real * fid[:, 0] - turn.imag * fid[:, 1], turn.imag * fid[:, 0] + turn.real * fid[:, 1]], 1
    )
    assert torch.allclose(frontend(to_channels(moved)), frontend(wavs).roll(1, dims=2), atol=1e-3)


def test_the_conjugate_signal_turns_both_axes_and_the_other_sign_of_the_sine_only_frames():
    frontend, turned = SpectralFrontEnd(), -torch.arange(256) % 256
    noise = torch.randn(1, 65536, 4)
    # The conjugate of cos + i sin has the channels cos* and -sin*.
    conjugate = frontend(noise * torch.tensor([1.0, -1.0, -1.0, 1.0]))
    assert torch.allclose(conjugate, frontend(noise)[:, :, turned].flip(-1), atol=1e-3)
    one = states_of(line(31)[None, None], line(-60.5)[None, None], torch.ones(1, 1, 1))
    other_sign = frontend(one * torch.tensor([1.0, 1.0, -1.0, -1.0]))
    assert torch.allclose(other_sign, frontend(one)[:, :, turned], atol=1e-3)


def test_features_of_lines_are_those_of_their_recording():
    torch.manual_seed(0)
    decay = torch.exp(-torch.arange(256) / 100)
    t1, t2 = (torch.stack([line(f) * decay for f in 256 * torch.rand(6)]).view(2, 3, 256) for _ in range(2))
    transfer = torch.rand(2, 3, 3) / 9
    for frontend in (SpectralFrontEnd(), SpectralFrontEnd(remove_mean="frames")):
        frontend.learned.data.normal_()
        recording = frontend(states_of(t1, t2, transfer))
        assert torch.allclose(frontend.from_lines(t1, t2, transfer), recording, atol=1e-3)


def test_a_proton_is_in_the_frame_of_its_shift_with_what_it_is_coupled_to():
    """The exact simulation of two coupled protons: the frame of A holds A and X, that of a lone B only B."""
    shifts = {"A": 6.0, "X": 3.0, "B": 8.0}
    system = SpinSystem(dict.fromkeys(shifts, 1), {("A", "X"): 7.0})
    wav, _ = stack_fid(tocsy(system, shifts, mixing_time_s=1 / 14 / 2))  # half of A to X
    feats = SpectralFrontEnd()(wav[None])[0, 0].detach()
    offset = {name: (ppm - 5) * 600 / 7200 for name, ppm in shifts.items()}
    frame = {name: round(128 + 256 * share) for name, share in offset.items()}
    number = {name: int(80 * (share + 0.5)) for name, share in offset.items()}
    linked = torch.tensor([[feats[frame[a] - 2 : frame[a] + 3, number[b]].max() for b in "AXB"] for a in "AXB"])
    assert (linked[:2, :2].min() - linked[2, :2].max()) > 1
    assert (linked[2, 2] - linked[2, :2].max()) > 1


def test_the_mean_that_is_removed(wavs):
    plane, frames = SpectralFrontEnd()(wavs), SpectralFrontEnd(remove_mean="frames")(wavs)
    assert not SpectralFrontEnd().removes_mean
    assert SpectralFrontEnd(remove_mean="frames").removes_mean
    assert plane.mean((-2, -1)).abs().max() < 1e-4
    assert plane.mean(-2).abs().max() > 0.1
    assert frames.mean(-2).abs().max() < 1e-4
    assert torch.allclose(plane - plane.mean(-2, keepdim=True), frames, atol=1e-4)
    with pytest.raises(InputError, match="`remove_mean` must be one of plane, frames"):
        SpectralFrontEnd(remove_mean="transients")


def test_fixed_filters_are_not_trained():
    assert QuadratureFrontEnd().learned.requires_grad
    assert not list(QuadratureFrontEnd(learning_rate_scale=0).parameters())


def test_fixed_filters_load_what_earlier_versions_saved():
    """A tensor of zeros stood beside the filters."""
    trained, fixed = QuadratureFrontEnd(), QuadratureFrontEnd(learning_rate_scale=0)
    assert "learned" in trained.state_dict()
    fixed.load_state_dict(trained.state_dict())
    assert torch.equal(fixed.filters(), trained.filters())


def test_filters_learn_at_their_share_of_the_rate(wavs):
    """One step of Adam moves each parameter by its rate, so each weight by rate x scale."""
    frontend = QuadratureFrontEnd(learning_rate_scale=0.01)
    before = frontend.start + 0.01 * torch.view_as_complex(frontend.learned.detach())
    optimizer = torch.optim.Adam(frontend.parameters(), lr=0.003)
    frontend(wavs[:1]).square().mean().backward()
    optimizer.step()
    moved = torch.view_as_real(frontend.start + 0.01 * torch.view_as_complex(frontend.learned.detach()) - before).abs()
    assert moved.max() == pytest.approx(0.003 * 0.01, rel=1e-2)


@pytest.mark.parametrize("frontend", ALL)
def test_other_channels_are_refused(frontend):
    with pytest.raises(InputError, match="4"):
        frontend()(torch.randn(2, 65536, 2))


@pytest.mark.parametrize("frontend", ALL)
def test_equation_2_written_out(frontend, wavs):
    """Summed logits of a linear classifier on each stream are one classifier on the summed embedding."""
    module, backbone, classifier = frontend(), small_backbone(), torch.nn.Linear(12, 20)
    with torch.no_grad():
        feats = module(wavs / wavs.abs().amax((1, 2), keepdim=True))
        n_streams = feats.shape[1]
        streams = [backbone(feats[:, k]).squeeze(1) for k in range(n_streams)]
        by_hand = sum(stream @ classifier.weight.T + classifier.bias / n_streams for stream in streams)
        logits = classifier(embed(module, backbone, wavs))
    assert torch.allclose(logits, by_hand, atol=1e-4)


@pytest.mark.parametrize("frontend", ALL)
def test_an_embedding_does_not_depend_on_its_batch_or_its_amplitude(frontend, wavs):
    module, backbone = frontend(), small_backbone()
    with torch.no_grad():
        together = embed(module, backbone, wavs)
        assert torch.allclose(embed(module, backbone, wavs[[2, 0, 1]]), together[[2, 0, 1]], atol=1e-4)
        assert torch.allclose(embed(module, backbone, wavs[1:2]), together[1:2], atol=1e-4)
        assert torch.allclose(embed(module, backbone, wavs * 37.0), together, atol=1e-4)
        assert torch.isfinite(embed(module, backbone, torch.zeros(1, 65536, 4))).all()


def test_an_uncertain_reference_is_that_of_the_simulator():
    shift = Augmentation({"reference_offset": {"offset_ppm": 0.1}})
    system = SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0})
    wav, _ = stack_fid(tocsy(system, [4.0, 2.0], tolerance=0))
    moved, _ = stack_fid(tocsy(system, [4.1, 2.1], tolerance=0))
    assert (shift(wav[None], torch.Generator())[0] - moved).abs().max() < 1e-4


def test_without_nuisances_nothing_changes():
    wavs = torch.rand(2, 65536, 4)
    assert torch.equal(Augmentation(None)(wavs, torch.Generator()), wavs)

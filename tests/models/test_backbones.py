"""Embedding models: their parts in `hparams/backbone`, and DEEP Picker against its definition."""

from pathlib import Path

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml

from nmr_speech.models.deep_picker import DeepPicker

PARTS = Path(__file__).parents[2] / "hparams" / "backbone"
KERNEL_SIZES = (11, 1, 11, 1, 1, 11, 1)


def ecapa(width, pooled_width, scale, bottleneck, size, features=80, first=5):
    """Weights of an ECAPA-TDNN; a batch normalisation has 2 a channel."""

    def block(n_in, n_out, kernel_size):  # convolution with bias, normalisation
        return n_in * n_out * kernel_size + n_out + 2 * n_out

    res2net = (scale - 1) * block(width // scale, width // scale, 3)
    squeeze = width * bottleneck + bottleneck + bottleneck * width + width
    return (
        block(features, width, first)
        + 3 * (block(width, width, 1) + res2net + block(width, width, 1) + squeeze)
        + block(3 * width, pooled_width, 1)
        + block(3 * pooled_width, bottleneck, 1) + bottleneck * pooled_width + pooled_width  # attention
        + 2 * 2 * pooled_width  # normalisation of mean and standard deviation
        + 2 * pooled_width * size + size
    )  # fmt: skip


def xvector(width, pooled_width, size, features=80):
    """Convolution with bias and normalisation, five times; mean and standard deviation; a dense layer."""
    return (
        features * width * 5 + width * 3
        + 2 * (width * width * 3 + width * 3)
        + width * width + width * 3
        + width * pooled_width + pooled_width * 3
        + 2 * pooled_width * size + size
    )  # fmt: skip


PARAMETERS = {
    "ecapa_xs": ecapa(width=32, pooled_width=96, scale=4, bottleneck=32, size=64),
    "ecapa_s": ecapa(width=512, pooled_width=1536, scale=8, bottleneck=128, size=192),
    "ecapa_l": ecapa(width=1024, pooled_width=3072, scale=8, bottleneck=128, size=192),
    "ecapa_m": ecapa(width=64, pooled_width=192, scale=4, bottleneck=64, size=128),
    "cnn_ecapa": (
        8 * (5 * 5 + 2) + 16 * (8 * 3 * 3 + 2) + 2 * 16 * (16 * 3 * 3 + 2)
        + ecapa(width=48, pooled_width=96, scale=4, bottleneck=48, size=96, features=16 * 20, first=1)
    ),
    "xvector": xvector(width=512, pooled_width=1500, size=512),
    "xvector_xs": xvector(width=64, pooled_width=192, size=64),
    "deep_picker": (
        80 * 40 * 11 + 40 + 40 * 20 + 20 + 20 * 10 * 11 + 10 + 10 * 20 + 20 + 20 * 10 + 10 + 10 * 30 * 11 + 30
        + 30 * 18 + 18
    ),
    "ge2e": 4 * 256 * ((40 + 256 + 2) + 2 * (256 + 256 + 2)) + 256 * 256 + 256,
}  # fmt: skip
# x-vector adds noise of up to 1e-4 to each of the 1500 means that it pools, in evaluation too
TOLERANCE = {"xvector": 2e-4, "xvector_xs": 2e-4}


@pytest.fixture(scope="module", params=sorted(path.stem for path in PARTS.glob("*.yaml")))
def part(request):
    torch.manual_seed(0)
    with (PARTS / f"{request.param}.yaml").open() as stream:
        loaded = load_hyperpyyaml(stream)
    return request.param, loaded["module"].eval(), loaded["embedding_size"]


def test_parameters_are_those_counted_by_hand(part):
    name, module, _ = part
    assert sum(weight.numel() for weight in module.parameters()) == PARAMETERS[name]


def test_known_counts():
    """What others counted: SpeechBrain's ECAPA-TDNN and x-vector, and DEEP Picker with its two heads."""
    assert PARAMETERS["ecapa_s"] == 6_194_048
    assert PARAMETERS["ecapa_l"] == 20_767_552
    assert PARAMETERS["xvector"] == 4_354_964
    assert PARAMETERS["deep_picker"] == 42_588
    original = sum(weight.numel() for weight in DeepPicker(input_size=1).parameters())
    assert original + (18 * 8 + 8) + (18 * 3 + 3) == 8037


def test_an_embedding_depends_on_its_own_frames_alone(part):
    name, module, size = part
    feats = torch.randn(3, 24, 80) + 3 * torch.randn(3, 1, 80)
    tolerance = TOLERANCE.get(name, 1e-5)
    with torch.inference_mode():
        together = module(feats)
        assert together.shape == (3, 1, size)
        assert together.std(dim=0).max() > 10 * tolerance  # or equal embeddings would prove nothing
        assert torch.allclose(module(feats[[2, 0, 1]]), together[[2, 0, 1]], atol=tolerance)
        for i in range(3):
            assert torch.allclose(module(feats[i : i + 1]), together[i : i + 1], atol=tolerance)


def test_deep_picker_written_out():
    torch.manual_seed(1)
    model, feats = DeepPicker(), torch.randn(2, 40, 80)
    state = model.state_dict()
    hidden = feats
    for i, kernel_size in enumerate(KERNEL_SIZES):
        weight, bias = state[f"layers.{2 * i}.weight"], state[f"layers.{2 * i}.bias"]
        reach = kernel_size // 2
        padded = torch.nn.functional.pad(hidden, (0, 0, reach, reach))
        taps = [padded[:, k : k + 40] @ weight[:, :, k].T for k in range(kernel_size)]
        hidden = (sum(taps) + bias).clamp(min=0)
    pooled = torch.stack([hidden[:, max(0, i - 1) : i + 2].amax(dim=1) for i in range(40)], dim=1)
    dense = torch.nn.Linear(18, 20)
    with torch.inference_mode():
        by_hand = dense(pooled).mean(dim=1)  # a dense layer on each frame, then the mean
        assert torch.allclose(dense(model(feats).squeeze(1)), by_hand, atol=1e-6)


def test_a_frame_of_deep_picker_sees_sixteen_frames_either_way():
    """Three kernels of 11 and a maximum over 3: 5 + 5 + 5 + 1."""
    model = DeepPicker()
    feats = torch.randn(1, 80, 99, requires_grad=True)
    model.layers(feats)[0, :, 49].sum().backward()
    reached = feats.grad.abs().sum(dim=(0, 1)).nonzero().flatten()
    assert 49 - 16 <= reached.min() <= reached.max() <= 49 + 16
    assert reached.max() - reached.min() >= 30


def test_as_many_filters_as_kernels():
    with pytest.raises(ValueError, match="zip"):
        DeepPicker(filters=[4, 4], kernel_sizes=[3])

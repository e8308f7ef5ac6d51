"""The two-dimensional convolutions before an ECAPA-TDNN: what they see, and that a peak looks alike anywhere."""

import pytest
import torch

from nmr_speech.models.cnn_tdnn import CnnTdnn

SMALL = {"channels": [8] * 5, "res2net_scale": 4, "attention_channels": 8, "se_channels": 8, "lin_neurons": 4}


@pytest.fixture(scope="module")
def stem():
    torch.manual_seed(0)
    return CnnTdnn(64, [4, 6], **SMALL).eval().stem


def peak(frame, feature):
    """Features (1, 1, 64, 64) with one peak."""
    feats = torch.zeros(1, 1, 64, 64)
    feats[..., frame - 1 : frame + 2, feature - 1 : feature + 2] = 1.0
    return feats


@torch.inference_mode()
def test_a_peak_looks_alike_wherever_it_lies(stem):
    here, there = stem(peak(30, 28)), stem(peak(34, 40))
    assert here.std() > 0
    moved = here.roll((2, 3), (2, 3))  # by strides of 2 frames and of 4 features
    inside = (..., slice(6, -6), slice(4, -4))
    assert torch.allclose(moved[inside], there[inside], atol=1e-6)


@torch.inference_mode()
def test_an_output_sees_a_peak_and_its_surroundings_alone(stem):
    """Per side: 2 points of the first layer, 1 and twice 1 of the others at strides of 2 and 4."""
    changed = (stem(peak(32, 32)) - stem(torch.zeros(1, 1, 64, 64))).abs().amax((0, 1)) > 0
    frames, features = changed.any(1).nonzero().flatten(), changed.any(0).nonzero().flatten()
    assert 2 * frames.max() - 32 <= 1 + 2 + 2 * (1 + 2)
    assert 32 - 2 * frames.min() <= 1 + 2 + 2 * (1 + 2)
    assert 4 * features.max() - 32 <= 1 + 2 + 2 * 1 + 4 * 2
    assert 32 - 4 * features.min() <= 1 + 2 + 2 * 1 + 4 * 2


@pytest.mark.parametrize(("n_features", "channels", "expected"), [(80, [4], 4 * 40), (81, [4, 6], 6 * 21)])
def test_all_maps_are_features_of_the_tdnn(n_features, channels, expected):
    network = CnnTdnn(n_features, channels, **SMALL).eval()
    with torch.inference_mode():
        feats = network.stem(torch.zeros(2, 1, 32, n_features)).movedim(1, 2).flatten(2)
        assert feats.shape == (2, 16, expected)
        assert network(torch.zeros(2, 32, n_features)).shape == (2, 1, 4)

"""The voice encoder against its definition, written out."""

import math

import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.models.ge2e import GE2E, LOUDEST, SPEECH_LEVEL, SPEECH_SPREAD


def small(**settings):
    torch.manual_seed(0)
    sizes = {"input_size": 12, "n_mels": 6, "hidden_size": 5, "n_layers": 2, "embedding_size": 7}
    return GE2E(**sizes | settings).eval()


def lstm(frames, weights, layer):
    """States of one layer, by the equations of Hochreiter and Schmidhuber with a forget gate: (L, hidden)."""

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    of_input, of_state, *biases = (
        weights[f"lstm.{name}_l{layer}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    state = cell = np.zeros(of_state.shape[1])
    states = []
    for frame in frames:
        enter, forget, new, leave = np.split(of_input @ frame + of_state @ state + sum(biases), 4)
        cell = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(new)
        state = sigmoid(leave) * np.tanh(cell)
        states.append(state)
    return np.array(states)


def by_hand(model, feats):
    """The embedding of features (L, F), in steps that Resemblyzer's documentation names."""
    weights = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    mels = feats.double().numpy().reshape(len(feats), model.n_mels, 2).mean(-1)
    mels = (mels - mels.mean()) / mels.std()
    if model.speech_levels:
        mels = np.exp(SPEECH_LEVEL + SPEECH_SPREAD * np.minimum(mels, LOUDEST))
    units = []
    for start in (0, 70, 140):  # 300 frames: three times 160, each begins 70 after the one before
        states = mels[start : start + 160]
        for layer in range(2):
            states = lstm(states, weights, layer)
        raw = np.maximum(weights["linear.weight"] @ states[-1] + weights["linear.bias"], 0)
        units.append(raw / np.linalg.norm(raw))
    mean = np.mean(units, axis=0)
    return mean / np.linalg.norm(mean)


@pytest.mark.parametrize("speech_levels", [True, False])
def test_the_embedding_written_out(speech_levels):
    model, feats = small(speech_levels=speech_levels), torch.randn(2, 300, 12)
    with torch.no_grad():
        found = model(feats)
    assert found.shape == (2, 1, 7)
    for one, own in zip(found, feats, strict=True):
        assert np.allclose(one[0].numpy(), by_hand(model, own), atol=1e-5)


@pytest.mark.parametrize("length", [1, 159, 160, 161, 240, 241, 256, 820])
def test_partial_utterances_cover_all_frames_and_overlap_by_half(length):
    frames = torch.arange(length)[None, :, None]
    partials = GE2E.partial_utterances(frames)[0, :, :, 0]
    assert partials.shape[1] == min(length, 160)
    assert (partials.diff() == 1).all()
    assert set(partials.flatten().tolist()) == set(range(length))
    assert (partials[:, 0].diff() <= 80).all()


def test_only_the_pattern_of_the_features_counts_and_powers_have_the_level_of_speech():
    model, feats = small(), torch.randn(1, 200, 12)
    with torch.no_grad():
        assert torch.allclose(model(feats), model(5 * feats - 3), atol=1e-5)
        assert torch.isfinite(model(torch.zeros(1, 200, 12))).all()
    logarithms = model.levels(0.1 * feats).log()
    assert logarithms.mean().item() == pytest.approx(SPEECH_LEVEL, abs=0.05)
    assert logarithms.std().item() == pytest.approx(SPEECH_SPREAD, abs=0.05)
    assert logarithms.max().item() <= SPEECH_LEVEL + LOUDEST * SPEECH_SPREAD + 1e-5
    assert math.exp(SPEECH_LEVEL + LOUDEST * SPEECH_SPREAD) < 4


def test_sizes_that_do_not_fit():
    with pytest.raises(InputError, match="`input_size` must be a multiple of `n_mels`, 30, got 80"):
        GE2E(80, n_mels=30)

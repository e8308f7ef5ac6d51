"""Work that is left out changes nothing."""

import copy

import pytest
import torch
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
from speechbrain.lobes.models.Xvector import Xvector

from nmr_speech.training.speedups import skip_idle_padding

MODELS = {
    "ecapa": lambda: ECAPA_TDNN(80, channels=[16] * 4 + [48], attention_channels=16, se_channels=16, lin_neurons=24),
    "xvector": lambda: Xvector(in_channels=80, tdnn_channels=[16] * 4 + [48], lin_neurons=24),
}


@pytest.mark.parametrize("name", MODELS)
def test_outputs_gradients_and_names_stay(name):
    stock = MODELS[name]()
    lean = skip_idle_padding(copy.deepcopy(stock))
    changed = [
        1
        for a, b in zip(stock.modules(), lean.modules(), strict=True)
        if vars(a).get("padding") != vars(b).get("padding")
    ]
    assert len(changed) >= 2
    assert list(stock.state_dict()) == list(lean.state_dict())
    feats = torch.rand(4, 64, 80)
    outputs = []
    for model in (stock, lean):
        torch.manual_seed(0)  # the pooling of the x-vector adds noise
        output = model(feats)
        output.square().sum().backward()
        outputs.append(output)
    assert torch.equal(*outputs)
    for one, other in zip(stock.parameters(), lean.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)

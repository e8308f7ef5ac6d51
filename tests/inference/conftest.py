"""A small bundle, written without training."""

import pytest
import torch

from nmr_speech.models.frontends import QuadratureFrontEnd
from nmr_speech.models.heads import LinearHead
from tests.fixtures import backbone
from tests.inference.payloads import TRAINING, YAML


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "hyperparams.yaml").write_text(YAML)
    (folder / "training.yaml").write_text(TRAINING)
    torch.manual_seed(0)
    torch.save(QuadratureFrontEnd().state_dict(), folder / "frontend.ckpt")
    torch.save(backbone().state_dict(), folder / "backbone.ckpt")
    torch.save(LinearHead(12, 2).state_dict(), folder / "classifier.ckpt")
    (folder / "label_encoder.ckpt").write_text("'GLY' => 0\n'VAL' => 1\n================\n'starting_index' => 0\n")
    return folder

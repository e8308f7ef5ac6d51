"""Hyperparameter files: every pair of parts loads, every key is known, none is swallowed by the command line."""

import dataclasses
import itertools
import re
from pathlib import Path

import pytest
import torch
from speechbrain.utils.run_opts import RunOptions

from nmr_speech.checks import InputError
from nmr_speech.hparams import load_hparams
from nmr_speech.models.embed import embed

HPARAMS = Path(__file__).parents[1] / "hparams"
FILES = sorted(HPARAMS.glob("*.yaml"))
FRONTENDS = sorted(path.stem for path in (HPARAMS / "frontend").glob("*.yaml"))
BACKBONES = sorted(path.stem for path in (HPARAMS / "backbone").glob("*.yaml"))
CLASSES = {
    "mel": "MelFrontEnd", "mel_transient": "MelFrontEnd", "conv": "ConvFrontEnd", "quadrature": "QuadratureFrontEnd",
    "ecapa_xs": "ECAPA_TDNN", "ecapa_s": "ECAPA_TDNN", "ecapa_l": "ECAPA_TDNN", "xvector": "Xvector",
    "deep_picker": "DeepPicker",
}  # fmt: skip


def keys(path):
    return re.findall(r"^(\w+):", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize(("frontend", "backbone"), list(itertools.product(FRONTENDS, BACKBONES)))
def test_any_front_end_fits_any_embedding_model(frontend, backbone):
    path = HPARAMS / "quickstart.yaml"
    overrides = f"frontend: !include:frontend/{frontend}.yaml\nbackbone: !include:backbone/{backbone}.yaml\nseed: 1"
    hparams = load_hparams(path, overrides, [key for key in keys(path) if not key.startswith("__")])
    modules = hparams["modules"]
    assert type(modules["frontend"]).__name__ == CLASSES[frontend]
    assert type(modules["backbone"]).__name__ == CLASSES[backbone]
    assert hparams["checkpointer"].keywords["recoverables"]["backbone"] is modules["backbone"]
    for module in modules.values():
        module.eval()
    with torch.no_grad():
        embedding = embed(modules["frontend"], modules["backbone"], torch.randn(1, 65536, 4))
    assert modules["classifier"](embedding).shape == (1, 20)
    assert hparams["output_folder"] == "results/quickstart/1"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_no_key_is_the_beginning_of_a_run_option(path):
    """argparse would take `--prec=...` for `--precision`, and the YAML would never see it."""
    options = [option.name for option in dataclasses.fields(RunOptions)]
    swallowed = [(key, option) for key in keys(path) for option in options if option.startswith(key)]
    assert not swallowed


@pytest.mark.parametrize(
    ("change", "overrides", "message"),
    [
        (("lr: 0.003", "lr: 0.003\nlearning_rate: 0.1"), "", "the key `learning_rate` means nothing to this recipe"),
        (
            ("batch_size: 20", "batchsize: 20"),
            "",
            "the key `batchsize` means nothing to this recipe; did you mean `batch_size`",
        ),
        (("batch_size: 20\n", ""), "", "the key `batch_size` is missing; add it"),
        (("lr: 0.003", "lr: 0.003"), "learningrate: 1", "'learningrate' not found in"),
        (
            ("lr: 0.003", "lr: 0.003"),
            "frontend: !include:frontend/melt.yaml",
            r"includes .*melt\.yaml, which does not exist",
        ),
        (("lr: 0.003", "lr: 0.003"), "lr: 1\nlr: 2", "not valid YAML: .*duplicate key"),
        (("lr: 0.003", "lr: [0.003"), "", "not valid YAML"),
        (("lr: 0.003", "lr: !PLACEHOLDER"), "", "'lr' is a !PLACEHOLDER and must be replaced"),
        (("reference_offset", "reference_ofset"), "", "`nuisance` must be one of .* did you mean 'reference_offset'"),
        (("-0.2, 0.2", "0.2, -0.2"), "", "reference_offset: `offset_ppm` must be"),
    ],
)
def test_bad_keys(tmp_path, change, overrides, message):
    original = HPARAMS / "quickstart.yaml"
    text = original.read_text().replace(*change)
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace("!include:", f"!include:{HPARAMS}/"))
    known = [key for key in keys(original) if not key.startswith("__")]
    with pytest.raises(InputError, match=message):
        load_hparams(path, overrides, known)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such hyperparameter file"):
        load_hparams(tmp_path / "none.yaml", "", [])

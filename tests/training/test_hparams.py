"""Hyperparameter files: every pair of parts loads, every key is known, none is swallowed by the command line."""

import dataclasses
import itertools
import pydoc
import re
import shutil
from pathlib import Path

import pytest
import speechbrain as sb
import torch
from hyperpyyaml import load_hyperpyyaml
from ruamel.yaml import YAML, ScalarNode
from speechbrain.utils.run_opts import RunOptions

from nmr_speech.checks import InputError
from nmr_speech.corpus.splits import SPLITS
from nmr_speech.models.embed import embed
from nmr_speech.training.hparams import RENAMED_CLASSES, flatten_hparams, load_hparams

HPARAMS = Path(__file__).parents[2] / "hparams"
FRONTENDS = sorted(path.stem for path in (HPARAMS / "frontend").glob("*.yaml"))
BACKBONES = sorted(path.stem for path in (HPARAMS / "backbone").glob("*.yaml"))
CLASSES = {
    "mel": "MelFrontEnd", "mel_transient": "MelFrontEnd", "conv": "ConvFrontEnd",
    "conv_centred": "ConvFrontEnd", "quadrature": "QuadratureFrontEnd",
    "spectral": "SpectralFrontEnd", "spectral_centred": "SpectralFrontEnd",
    "ecapa_xs": "ECAPA_TDNN", "ecapa_s": "ECAPA_TDNN", "ecapa_l": "ECAPA_TDNN", "ecapa_m": "ECAPA_TDNN",
    "cnn_ecapa": "CnnTdnn",
    "xvector": "Xvector", "xvector_xs": "Xvector", "deep_picker": "DeepPicker",
    "ge2e": "GE2E",
}  # fmt: skip


def keys(path):
    return re.findall(r"^(\w+):", path.read_text(), re.MULTILINE)


KEYS = [key for key in keys(HPARAMS / "base.yaml") if not key.startswith("__")]


VOICES = ("n_speakers", "recordings_per_speaker")


def load_pair(frontend, backbone, folder, seed):
    overrides = f"frontend: !include:frontend/{frontend}.yaml\nbackbone: !include:backbone/{backbone}.yaml"
    overrides += f"\noutput_folder: {folder}\nseed: {seed}"
    hparams = load_hparams(HPARAMS / "classification.yaml", overrides, KEYS)
    return hparams, torch.nn.ModuleDict(hparams["modules"])


SMALL = ("deep_picker", "ecapa_xs", "xvector_xs")  # every front end with these, every large model with one front end
PAIRS = [*itertools.product(FRONTENDS, SMALL), *(("conv", backbone) for backbone in BACKBONES if backbone not in SMALL)]


@pytest.mark.parametrize(("frontend", "backbone"), PAIRS)
def test_any_front_end_fits_any_embedding_model(frontend, backbone, tmp_path):
    """Each pair takes a step, is saved, and is the same model again when loaded."""
    hparams, modules = load_pair(frontend, backbone, tmp_path, seed=1)
    assert type(modules["frontend"]).__name__ == CLASSES[frontend]
    assert type(modules["backbone"]).__name__ == CLASSES[backbone]
    transients = 16 if frontend.startswith(("mel", "conv")) else 256  # these take any length
    wavs = torch.randn(2, transients * 256, 4)  # batch normalisation needs two, and a front end may have one stream
    optimizer = hparams["opt_class"](modules.parameters())
    logits = modules["classifier"](embed(modules["frontend"], modules["backbone"], wavs))
    assert logits.shape == (2, 20)
    torch.nn.functional.cross_entropy(logits, torch.tensor([7, 3])).backward()
    assert all(torch.isfinite(weight.grad).all() for weight in modules.parameters())
    optimizer.step()
    hparams["checkpointer"]().save_checkpoint()

    other_hparams, other = load_pair(frontend, backbone, tmp_path, seed=2)
    saved = modules.state_dict()
    assert other.state_dict().keys() == saved.keys()
    assert not all(torch.equal(weight, saved[name]) for name, weight in other.state_dict().items())
    other_hparams["checkpointer"]().recover_if_possible()
    assert all(torch.equal(weight, saved[name]) for name, weight in other.state_dict().items())
    shutil.rmtree(tmp_path / "save")  # up to 80 MB, which pytest would keep


@pytest.mark.parametrize("path", sorted(HPARAMS.rglob("*.yaml")), ids=lambda p: str(p.relative_to(HPARAMS)))
def test_every_key_can_be_given_on_the_command_line(path):
    """argparse takes a key that is a run option of SpeechBrain, or begins one, and the YAML never sees it."""
    overridable = [key for key in keys(path) if not key.startswith("__")]
    _, _, overrides = sb.parse_arguments([str(path), *(f"--{key}=1" for key in overridable)])
    assert YAML(typ="safe").load(overrides) == dict.fromkeys(overridable, 1)
    options = [option.name for option in dataclasses.fields(RunOptions)]
    assert not [(key, option) for key in overridable for option in options if option.startswith(key)]


def test_what_argparse_swallows():
    """The trap is there, or the test above would be of nothing."""
    _, run_options, overrides = sb.parse_arguments(["a.yaml", "--optimizer=adam", "--optimiser=adam"])
    assert YAML(typ="safe").load(overrides) == {"optimiser": "adam"}
    assert run_options.optimizer_step_limit == "adam"


@pytest.mark.parametrize("path", [HPARAMS / "quickstart.yaml", HPARAMS / "classification.yaml"], ids=lambda p: p.stem)
def test_every_scalar_can_be_overridden(path):
    flat = YAML(typ="safe", pure=True).compose(flatten_hparams(path, ""))
    scalars = [key.value for key, value in flat.value if isinstance(value, ScalarNode) or key.value == "residues"]
    assert {"lr", "warmup_share", "clean_share", "logger", "residues", "mixing_time_s"} <= set(scalars)
    for key in scalars:
        assert re.search(rf"^{key}: 0\.25\b", flatten_hparams(path, f"{key}: 0.25"), re.MULTILINE), key


def test_the_training_of_the_paper():
    hparams = load_hparams(HPARAMS / "classification.yaml", "seed: 3", KEYS)
    assert {key: hparams[key] for key in ("number_of_epochs", "batch_size", "lr", "warmup_share", "augmentation")} == {
        "number_of_epochs": 10, "batch_size": 20, "lr": 0.001, "warmup_share": None, "augmentation": None,
    }  # fmt: skip
    assert hparams["opt_class"].func is torch.optim.Adam
    assert hparams["opt_class"].keywords == {"lr": 0.001}
    assert hparams["epoch_counter"].limit == 10
    assert len(hparams["residues"]) * hparams["recordings_per_residue"] == 20_000
    assert SPLITS == {"train": 0.7, "valid": 0.2, "test": 0.1}
    assert type(hparams["classifier"]).__name__ == "LinearHead"
    assert (hparams["data_folder"], hparams["output_folder"]) == ("data/classification/3", "results/classification/3")


def test_transfer_is_the_training_of_the_paper_initialised_from_other_weights():
    flat = YAML(typ="safe", pure=True).compose(flatten_hparams(HPARAMS / "transfer.yaml", ""))
    values = {key.value: value.value for key, value in flat.value}
    assert values["pretrained_source"] == "speechbrain/spkrec-ecapa-voxceleb"
    assert [float(values[key]) for key in ("number_of_epochs", "batch_size", "lr")] == [10, 20, 0.001]
    overrides = "pretrained_source: null\nfreeze: False\npretrained_lr: 0.0001"
    hparams = load_hparams(HPARAMS / "transfer.yaml", overrides, KEYS)
    assert hparams["modules"]["backbone"] is hparams["pretrained"]
    assert hparams["checkpointer"].keywords["recoverables"]["backbone"] is hparams["pretrained"]
    assert hparams["pretrained"].module is hparams["backbone"]["module"]
    assert sum(weight.numel() for weight in hparams["pretrained"].parameters()) == 20_767_552  # as on the Hub
    assert hparams["pretrained"].learning_rate == 0.0001
    assert not hparams["pretrained"].always_frozen


def test_a_base_gives_what_a_file_does_not(tmp_path):
    (tmp_path / "base.yaml").write_text("# Title\na: 1 # one\nb: !ref <a> + 1\nc: {x: 1}\nd: {x: 1}\ne: null\n")
    mine = tmp_path / "mine.yaml"
    mine.write_text("# Mine\nbase: base.yaml\na: 5\nc: null\nd: {y: 2}\n")
    hparams = load_hparams(mine, "", "abcde")
    assert hparams == {"a": 5, "b": 6, "c": None, "d": {"y": 2}, "e": None}
    overrides = "a: 7\nc: {z: 3}\nd: {z: 3}\ne: {z: 3}"
    hparams = load_hparams(mine, overrides, "abcde")
    assert hparams == {"a": 7, "b": 8, "c": {"z": 3}, "d": {"y": 2, "z": 3}, "e": {"z": 3}}
    flat = flatten_hparams(mine, overrides)
    assert load_hyperpyyaml(flat) == hparams
    assert "# Mine" in flat
    assert "Title" not in flat
    assert "# one" not in flat
    (tmp_path / "third.yaml").write_text("base: mine.yaml\nb: 1\n")
    assert load_hparams(tmp_path / "third.yaml", overrides, "abcde") == hparams | {"b": 1}


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        ("base: quickstrat.yaml", "", r"mine\.yaml: `base` must be a file beside it, got .*quickstrat\.yaml"),
        ("base: quickstart.yaml\nwarmup: 0.3", "", "the key `warmup` means nothing .* did you mean `warmup_share`"),
        ("base: quickstart.yaml\nnuisances: null", "", r"mine\.yaml: the key `nuisances` is now `augmentation`"),
        ("base: mine.yaml", "", r"`base` must not lead back to .*mine\.yaml"),
        ("base: quickstart.yaml", "base: verification.yaml", "'base' not found in"),
    ],
)
def test_a_base_that_cannot_be_used(text, overrides, message, tmp_path):
    for name in ("base.yaml", "quickstart.yaml"):
        (tmp_path / name).write_text((HPARAMS / name).read_text().replace("!include:", f"!include:{HPARAMS}/"))
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        load_hparams(tmp_path / "mine.yaml", overrides, KEYS)


def test_another_class_with_arguments_replaces_the_one_in_the_file():
    quickstart = load_hparams(HPARAMS / "quickstart.yaml", "opt_class: !name:torch.optim.SGD {lr: 0.02}", KEYS)
    optimiser = quickstart["opt_class"]([torch.nn.Parameter(torch.zeros(1))])
    assert isinstance(optimiser, torch.optim.SGD)
    assert optimiser.param_groups[0]["lr"] == 0.02


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("nuisances: null", "the key `nuisances` is now `augmentation`, such as --augmentation="),
        ("margin: 0.2", r"the key `margin` is now an argument of the head, such as --head='!include:head/margin\.yaml"),
        ("disturb_evaluation: null", "the key `disturb_evaluation` is now `evaluation_augment`"),
    ],
)
def test_keys_of_earlier_versions_are_answered_with_the_present_ones(override, message):
    with pytest.raises(InputError, match=r"quickstart\.yaml: " + message):
        load_hparams(HPARAMS / "quickstart.yaml", override, KEYS)


def test_renamed_classes_exist_under_their_present_names():
    for name in RENAMED_CLASSES.values():
        assert pydoc.locate(name.split(" or ")[0]) is not None


def test_a_part_in_place_of_another_keeps_the_arguments_of_the_include():
    """Sizes of the head are given once, in base.yaml; a part may bring arguments of its own beside them."""
    for override, margin in (
        ("", None),
        ("head: !include:head/margin.yaml", 0.2),
        ("head: !include:head/margin.yaml {margin: 0.3}", 0.3),
    ):
        head = load_hparams(HPARAMS / "quickstart.yaml", override, KEYS)["modules"]["classifier"]
        assert head(torch.rand(2, 64)).shape == (2, 20)
        assert (head.margin.margin if margin else None) == margin
    voices = load_hparams(HPARAMS / "voices.yaml", "residues: [a, b, c]", [*KEYS, *VOICES])
    assert voices["modules"]["classifier"].margin.margin == 0.2
    assert voices["modules"]["classifier"](torch.rand(2, 192)).shape == (2, 3)


def test_null_can_be_overridden_by_a_mapping():
    path = HPARAMS / "dataset.yaml"
    overrides = "data_folder: x\nnuisances: {white_noise: {snr: [10, 1000]}}"
    assert load_hparams(path, overrides, keys(path))["nuisances"] == {"white_noise": {"snr": [10, 1000]}}


COMPLETE = """\
lr: 0.003
batch_size: 20
frontend: !include:FRONTEND
augmentation:
    reference_offset: {offset_ppm: [-0.2, 0.2]}
augment: !new:nmr_speech.training.augment.Augmentation
    nuisances: !ref <augmentation>
""".replace("FRONTEND", str(HPARAMS / "frontend" / "conv.yaml"))


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
        (
            ("training.augment.Augmentation", "models.augment.Nuisances"),
            "",
            "nmr_speech.models.augment.Nuisances is now nmr_speech.training.augment.Augmentation",
        ),
    ],
)
def test_bad_keys(tmp_path, change, overrides, message):
    path = tmp_path / "mine.yaml"
    path.write_text(COMPLETE.replace(*change))
    with pytest.raises(InputError, match=message):
        load_hparams(path, overrides, ("lr", "batch_size", "frontend", "augment"))


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such hyperparameter file"):
        load_hparams(tmp_path / "none.yaml", "", [])

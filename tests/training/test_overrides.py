"""Overrides of wrong types are refused in one sentence before anything is written, in every recipe."""

import importlib.util
from pathlib import Path

import pytest

from nmr_speech.checks import InputError
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.reconstruction.fid_settings import FIDSettings
from nmr_speech.training import speakers
from nmr_speech.training.hparams import load_hparams
from nmr_speech.training.objects import check_objects

ROOT = Path(__file__).parents[2]


def script(path):
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / "recipes" / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


verify, reconstruct, simulate = map(
    script,
    ("AminoAcidTOCSY/SpeakerRec/verify.py", "SyntheticFID/Reconstruction/train.py", "AminoAcidTOCSY/simulate.py"),
)


def train(overrides):
    hparams = load_hparams(ROOT / "hparams" / "quickstart.yaml", overrides, speakers.KEYS)
    speakers.check_training(hparams, "cpu")
    return speakers.plan_of(hparams)


def score(overrides):
    verify.check(load_hparams(ROOT / "hparams" / "verification.yaml", overrides, verify.KEYS))


def rebuild(overrides):
    path = ROOT / "hparams" / "reconstruction" / "modern_cpu.yaml"
    hparams = load_hparams(path, overrides, reconstruct.KEYS)
    reconstruct.check(hparams)
    FIDSettings.of(hparams["fids"])


def make(overrides):
    hparams = load_hparams(ROOT / "hparams" / "dataset.yaml", f"{overrides}\ndata_folder: data", simulate.KEYS)
    check_objects(hparams)
    DatasetPlan(**{key: hparams[key] for key in simulate.PLAN})


LIST = r"must be a list of names such as \[GLY, VAL\], got "
OBJECT = "must be an object such as !"
BAD = [
    (train, "residues: 1.5", f"`residues` {LIST}1.5"),
    (train, "residues: null", f"`residues` {LIST}None"),
    (train, "residues: [1, GLY]", f"`residues` {LIST}"),
    (train, "residues: {a: 1}", "structure of the overrides"),
    (train, "residues: []", "two residues or more to train on"),
    (train, "residues: [GLY]", "two residues or more to train on"),
    (train, "held_out_residues: 5", f"`held_out_residues` {LIST}5"),
    (train, "frontend: 5", f"`frontend` {OBJECT}include:frontend/spectral.yaml, got 5"),
    (train, "backbone: null", f"`backbone` {OBJECT}include"),
    (train, "opt_class: null", rf"`opt_class` {OBJECT}name:torch\.optim\.Adam, got None"),
    (train, "opt_class: !name:builtins.len", "`opt_class` cannot be used"),
    (train, "opt_class: !name:torch.optim.Adam {lr: x}", "`opt_class` cannot be used"),
    (train, "lr: !ref <lr>*2", r"`lr` must not refer to itself, got '<lr>\*2'; give a number"),
    (train, "lr: !ref <seed>/0", "division by zero"),
    (train, "lr: !ref <none>", 'The reference "none" is not valid'),
    (train, "lr: .inf", "`lr` must be positive, got inf"),
    (train, "lr: [1]", "must be positive|structure|cannot be used"),
    (train, "lr: !new:nothing.here {}", "cannot be used: ImportError"),
    (train, f"lr: {'9' * 400}", "`lr` must be positive|cannot be used"),
    (train, "seed: x", "`seed` must be a whole number from 0 .* got 'x'"),
    (train, "seed: 1.5", "`seed` must be a whole number from 0 .* got 1.5"),
    (train, "seed: 9223372036854775808", "`seed` must be a whole number from 0"),
    (train, "number_of_epochs: null", "`number_of_epochs` must be a whole number from 1"),
    (train, "output_folder: 5", "cannot be used|must be the name of a folder"),
    (train, "data_folder: null", "`data_folder` must be the name of a folder, got None"),
    (train, "save_folder: null", "`save_folder` must be the name of a folder"),
    (train, "train_logger: null", "`train_logger` must be an object as in base.yaml, got None"),
    (train, "pretrained: 5", "`pretrained` must be null or as in transfer.yaml, got 5"),
    (train, "modules: {frontend: 5}", "`modules` must hold the parts"),
    (train, "skip_prep: maybe", "`skip_prep` must be one of True, False; got 'maybe'"),
    (train, "experiment: 5", "cannot be used: TypeError"),
    (train, "- 1", "overrides must hold keys and values"),
    (train, "audio_format: " + "x" * 5000, r"`audio_format` must be .*; got 'x{196}\.\.\."),
    (score, "splits: test", "`splits` must be a list of names, got 'test'"),
    (score, "residues: 5", "`residues` must be a list of names, got 5"),
    (score, "trials: null", "`trials` must be a name, got None"),
    (score, "source: 5", "`source` must be a name, got 5"),
    (score, "revision: 5", "`revision` must be a name, got 5"),
    (score, "other_p_targets: 5", "`other_p_targets` must be a list of priors, got 5"),
    (score, "c_miss: x", "`c_miss` must be from"),
    (score, "allow_self: 5", "`allow_self` must be one of True, False"),
    (rebuild, "network: 5", f"`network` {OBJECT}include"),
    (rebuild, "fids: null", "`fids` must hold settings by name, got None"),
    (rebuild, "fids: {peaks: 5}", "`peaks` must be two numbers"),
    (rebuild, "seed: -5", "`seed` must be a whole number from 0"),
    (rebuild, "lr: x", "`lr` must be positive, got 'x'"),
    (rebuild, "curves: null", f"`curves` {OBJECT}new"),
    (rebuild, "number_of_epochs: 9223372036854775808", "`number_of_epochs` must be a whole number from 1"),
    (make, "residues: 5", r"`residues` must be a list such as \[VAL, GLY\], got 5"),
    (make, "experiment: null", "`experiment` must hold parameters by name, got None"),
    (make, "nuisances: 5", "must name nuisances, each with its settings, got 5"),
]


@pytest.mark.parametrize(
    ("use", "overrides", "message"), BAD, ids=lambda value: getattr(value, "__name__", str(value)[:40])
)
def test_wrong_types_are_refused_in_one_sentence(use, overrides, message):
    with pytest.raises(InputError, match=message) as caught:
        use(overrides)
    assert len(str(caught.value)) < 800
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("content", [b"", b"5", b"- 1", b"\xff\xfe", b"[" * 10_000, b"a: &a {b: *a}", b"a: " * 10**6])
def test_odd_files_are_refused(tmp_path, content):
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(InputError, match=r"mine\.yaml: "):
        load_hparams(tmp_path / "mine.yaml", "", [])

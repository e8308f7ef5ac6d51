"""Models that somebody else has written: nothing of them is executed, and what is no model is refused."""

import contextlib
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml
from safetensors.torch import save_file

from nmr_speech.checks import InputError
from nmr_speech.hub.allow_list import CLASSES, MENTIONED
from nmr_speech.hub.build import build
from nmr_speech.hub.tensors import load_weights
from nmr_speech.inference.load import load_classifier, load_embedder
from nmr_speech.models.heads import LinearHead
from tests.inference.payloads import TRAINING, YAML, payloads, refuse_all, refuse_or_read_all

SCALE = "learning_rate_scale: 0.01"
LISTED = "is not on the list of what a model may contain; nothing was executed"
CHANGES = {
    "another class": ("nmr_speech.models.frontends.QuadratureFrontEnd", "subprocess.Popen", LISTED),
    "another tag": ("!new:nmr_speech", "!apply:nmr_speech", LISTED),
    "a class that is no front end": (
        "!new:nmr_speech.models.frontends.QuadratureFrontEnd",
        "!new:speechbrain.utils.parameter_transfer.Pretrainer",
        "`frontend` must be one of",
    ),
    "a call in an argument": (SCALE, "learning_rate_scale: !apply:os.getpid []", LISTED),
    "an object in an argument": (SCALE, "floor: !!python/object/apply:os.getpid []", LISTED),
    "an unknown argument": (SCALE, "filters: 3", "cannot be built from"),
    "text that HyperPyYAML evaluates": (SCALE, "n_filters: (!!python/object/apply:os.getpid [])", LISTED),
    "a size without end": (SCALE, "n_filters: 1000000000", "the number 1000000000 is not on the list"),
    "another size than the weights'": (SCALE, "n_filters: 99999", "the weights do not fit hyperparams.yaml"),
    "an infinite number": (SCALE, "floor: .inf", "the number .inf"),
    "weights from elsewhere": ("residues: [GLY, VAL]", "pretrainer: {paths: {frontend: other}}", "`paths` is not on"),
    "another's repository": (
        "residues: [GLY, VAL]",
        "pretrained_path: speechbrain/other",
        "`pretrained_path` is not on the list",
    ),
    "a path": ("residues: [GLY, VAL]", "residues: [GLY, ../VAL]", r"line 2: the text '\.\./VAL' is not on the list"),
    "a key twice": ("residues: [GLY, VAL]", "residues: [GLY]\nresidues: [VAL]", "stands twice"),
    "aliases that grow": ("residues: [GLY, VAL]", "a: &a [1]\nb: &b [*a, *a]", "aliases to plain data"),
    "depth without end": ("residues: [GLY, VAL]", "a: " + "[" * 600 + "]" * 600, "not valid YAML"),
    "another document": ("residues: [GLY, VAL]", "a: 1\n---\nb: 1", "not valid YAML"),
    "no YAML": ("residues: [GLY, VAL]", "residues: [1", "not valid YAML"),
    "nothing": (YAML, "", "must hold keys and values"),
    "too long": ("residues: [GLY, VAL]", "#" * 30_000, "must have at most 30000 bytes"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_a_bundle_must_not_say(kind, bundle):
    old, new, message = CHANGES[kind]
    path = bundle / "hyperparams.yaml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        load_embedder(str(bundle))


def test_payloads_run_nothing_in_a_used_process(tmp_path):
    """HyperPyYAML changes ruamel for the whole process: text in brackets becomes a tuple, also for a safe loader."""
    load_hyperpyyaml("a: (1, 2)")
    refuse_all(tmp_path)
    refuse_or_read_all(tmp_path)


def test_payloads_run_nothing_in_a_fresh_process(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "tests.inference.payloads", tmp_path, ",".join(MENTIONED)],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr


def test_the_payloads_are_real(tmp_path):
    """SpeechBrain's way runs them: what is refused above is no straw man."""
    for kind in ("apply", "python object", "plain text in brackets", "anchor"):
        marker = tmp_path / kind.replace(" ", "_")
        with contextlib.suppress(Exception):
            load_hyperpyyaml(payloads(marker)[kind])
        assert marker.exists(), kind


def test_changed_weights_load_or_are_refused(bundle):
    """Bytes of the weights changed at random: an InputError or a model, nothing else."""
    draw = random.Random(0)
    tensors = torch.load(bundle / "classifier.ckpt")
    save_file(tensors, bundle / "classifier.safetensors")
    whole = {kind: (bundle / f"classifier.{kind}").read_bytes() for kind in ("ckpt", "safetensors")}
    for kind, content in whole.items():
        (bundle / "classifier.safetensors").unlink(missing_ok=True)
        for _ in range(150):
            changed = bytearray(content)
            for _ in range(draw.randint(1, 8)):
                changed[draw.randrange(len(changed))] = draw.randrange(256)
            (bundle / f"classifier.{kind}").write_bytes(changed[: draw.choice([None, draw.randrange(len(changed))])])
            with contextlib.suppress(InputError):
                load_head(bundle)


def load_head(bundle):
    path = next(bundle.glob("classifier.*"))
    build(
        CLASSES["nmr_speech.models.heads.LinearHead"], {"in_features": 12, "out_features": 2}, load_weights(path), "it"
    )


@pytest.mark.parametrize(
    "text",
    [
        "'GLY' => 1\n'VAL' => 0\n================\n'starting_index' => 0\n",
        "'GLY' => 0\n",
        "__import__('os') => 0\n================\n",
        "(" * 3000 + " => 0\n================\n",
        "'" + "G" * 200_000,
        "",
    ],
)
def test_a_label_encoder_that_says_otherwise(text, bundle):
    (bundle / "label_encoder.ckpt").write_text(text)
    with pytest.raises(InputError, match=r"label_encoder\.ckpt: must number the `residues` of"):
        load_classifier(str(bundle))


MISFITS = {
    "a label more": ("residues: [GLY, VAL]", "residues: [GLY, SER, VAL]", None),
    "a label twice": ("residues: [GLY, VAL]", "residues: [GLY, GLY]", "must name each residue once"),
    "labels that are no list": (
        "residues: [GLY, VAL]",
        "residues: GLY",
        "`residues` must be a list of names, got 'GLY'",
    ),
    "no labels": ("residues: [GLY, VAL]", "", "the key `residues` is missing"),
    "a calibration that is none": ("{temperature: 2.0}", "warm", "`calibration` must be a mapping, got 'warm'"),
    **{
        f"a temperature of {bad}": (
            "temperature: 2.0",
            f"temperature: {bad}",
            r"`calibration.temperature` must be from",
        )
        for bad in ("warm", "0", "-1", "-0.0", "1e-9", "1e5", "null", "true", "[2.0]", "{a: 1}")
    },
    "a temperature of nan": ("temperature: 2.0", "temperature: .nan", r"the number \.nan is not on the list"),
    "a temperature of 400 digits": ("temperature: 2.0", "temperature: 1" + 400 * "0", "is not on the list"),
    "a threshold that is no cosine": (
        "temperature: 2.0",
        "threshold: 2",
        "`calibration.threshold` must be",
    ),
}


@pytest.mark.parametrize("kind", MISFITS)
def test_a_description_that_does_not_fit_together(kind, bundle):
    old, new, message = MISFITS[kind]
    path = bundle / "hyperparams.yaml"
    path.write_text(path.read_text().replace(old, new))
    if kind == "a label more":
        text = "'GLY' => 0\n'SER' => 1\n'VAL' => 2\n================\n'starting_index' => 0\n"
        (bundle / "label_encoder.ckpt").write_text(text)
        (bundle / "training.yaml").write_text(TRAINING.replace("held_out_residues: [SER]", "held_out_residues: []"))
        message = "3 `residues`, but the classifier has 2 classes"
    with pytest.raises(InputError, match=message):
        load_classifier(str(bundle))


def test_parts_that_do_not_fit_one_another(bundle):
    path = bundle / "hyperparams.yaml"
    path.write_text(path.read_text().replace("in_features: 12", "in_features: 13"))
    torch.save(LinearHead(13, 2).state_dict(), bundle / "classifier.ckpt")
    with pytest.raises(InputError, match="the parts of the model do not fit together"):
        load_classifier(str(bundle))


def test_a_model_of_nan(bundle):
    weights = torch.load(bundle / "classifier.ckpt")
    torch.save({name: tensor * torch.nan for name, tensor in weights.items()}, bundle / "classifier.ckpt")
    with pytest.raises(InputError, match=r"classifier\.ckpt: holds NaN or infinity in"):
        load_classifier(str(bundle))


@pytest.mark.parametrize("part", ["frontend", "backbone", "classifier"])
@pytest.mark.parametrize("kind", ["ckpt", "safetensors"])
def test_weights_that_no_training_gives(part, kind, bundle):
    weights = torch.load(bundle / f"{part}.ckpt")
    name = next(name for name, tensor in weights.items() if tensor.is_floating_point())
    weights[name] = torch.full_like(weights[name], 1e38)
    (save_file if kind == "safetensors" else torch.save)(weights, bundle / f"{part}.{kind}")
    with pytest.raises(InputError, match=rf"{part}\.{kind}: weights must be below 1e\+08, got 1e\+38 in {name}"):
        load_classifier(str(bundle))


@pytest.mark.parametrize(
    "odd",
    [
        torch.ones(2, 12, dtype=torch.complex64), torch.ones(2, 12).to_sparse(), torch.ones(2, 12, device="meta"),
        torch.ones(2, 12).to(torch.float8_e4m3fn), torch.quantize_per_tensor(torch.ones(2, 12), 0.1, 0, torch.qint8),
    ],
    ids=["complex", "sparse", "meta", "float8", "quantised"],
)  # fmt: skip
def test_tensors_of_other_kinds(odd, bundle):
    torch.save(torch.load(bundle / "classifier.ckpt") | {"weight": odd}, bundle / "classifier.ckpt")
    with pytest.raises(
        InputError, match=r"classifier\.ckpt: .*(weight (is not one|is torch|must be real)|holds more than)"
    ):
        load_classifier(str(bundle))


@pytest.mark.parametrize("trick", ["repeated", "packed"])
def test_weights_that_grow_when_they_are_read(trick, bundle):
    path = bundle / "classifier.ckpt"
    if trick == "repeated":  # ten million million numbers in four bytes
        torch.save({"weight": torch.ones(1).expand(10**7, 10**6), "bias": torch.ones(2)}, path)
        message = "weight is larger than its values in the file"
    else:
        torch.save({"weight": torch.zeros(1000, 1000)}, path)
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        message = r"classifier\.ckpt: unpacks to \d+ bytes, more than it has"
    with pytest.raises(InputError, match=message):
        load_classifier(str(bundle))


def test_a_checkpoint_in_the_format_before_version_1_6(bundle):
    path = bundle / "classifier.ckpt"
    torch.save(torch.load(path), path, _use_new_zipfile_serialization=False)
    assert load_classifier(str(bundle)).head.weight.shape == (2, 12)
    for damaged in (path.read_bytes()[:300], b"", b"\x80\x02", b"PK\x03\x04"):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"classifier\.ckpt: holds more than tensors, or is damaged"):
            load_classifier(str(bundle))


def test_outputs_are_finite_or_refused(bundle):
    model = load_classifier(str(bundle))
    with torch.no_grad():
        model.head.weight[0, 0] = torch.inf
    with pytest.raises(InputError, match="the model gives NaN or infinity for this input"):
        model.log_probabilities(torch.randn(1, 65536, 4))

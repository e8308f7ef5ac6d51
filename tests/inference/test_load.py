"""Loading a trained model: strict, and without running anything that it brings."""

import shutil
from pathlib import Path

import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.hub.allow_list import MOVED
from nmr_speech.hub.build import build
from nmr_speech.inference import AminoAcidClassifier
from nmr_speech.inference.domain_check import training_data
from nmr_speech.inference.load import load_classifier, load_embedder
from nmr_speech.models.frontends import MelFrontEnd
from nmr_speech.models.heads import MarginHead
from tests.fixtures import HEADS, OLD_HEADS, write_results
from tests.inference.payloads import TRAINING


def test_a_bundle_is_loaded(bundle):
    embedder = load_embedder(str(bundle))
    assert embedder.speakers == ("GLY", "VAL")
    assert not embedder.backbone.training
    saved = torch.load(bundle / "backbone.ckpt")
    assert all(torch.equal(tensor, saved[name]) for name, tensor in embedder.backbone.state_dict().items())
    assert embedder(torch.randn(2, 65536, 4)).shape == (2, 12)
    model = load_classifier(str(bundle))
    assert model.labels.lab2ind == {"GLY": 0, "VAL": 1}
    assert model.calibration == {"temperature": 2.0}
    assert not model.head.weight.requires_grad


def test_of_a_results_folder_only_what_describes_the_model_is_read(bundle):
    """A training's own YAML calls functions; they are not called here."""
    (bundle / "save").mkdir()
    with (bundle / "hyperparams.yaml").open("a") as yaml:
        yaml.write(f"__evil: !apply:os.system [touch {bundle / 'executed'}]\nheld_out_residues: [VAL]\n")
    checkpoint = bundle / "save" / "CKPT+1"
    checkpoint.mkdir()
    for part in ("frontend", "backbone"):
        shutil.copy(bundle / f"{part}.ckpt", checkpoint)
    (checkpoint / "CKPT.yaml").write_text("{end-of-epoch: true, error: 0.1, unixtime: 1.0, recoverables: []}")
    assert load_embedder(str(bundle)).speakers == ("GLY",)
    assert not (bundle / "executed").exists()


def test_the_settings_of_the_training_come_with_the_model(bundle):
    training = load_classifier(str(bundle)).training
    assert (training.sample.condition, training.acquisition.field_mhz) == ("d2o", 500.0)
    assert training.nuisances == {"white_noise": {"snr": [20, 100]}}
    assert not Path("executed").exists()


SETTINGS = {
    "empty": (None, "", "must hold keys and values"),
    "too long": (None, "#" * 30_001, "must have at most 30000 bytes"),
    "not UTF-8": (None, b"\xe9: 1", "must be text in UTF-8, but byte 0 is not"),
    "a list": (None, "[1, 2]", "must hold keys and values"),
    "no YAML": (None, "a: [", "not valid YAML"),
    "another front end": ("QuadratureFrontEnd", "MelFrontEnd", "`frontend` is not that of hyperparams.yaml"),
    "another size": ("lin_neurons: 12", "lin_neurons: 13", "`backbone` is not that of hyperparams.yaml"),
    "no front end": ("frontend:", "other:", "`frontend` is not that of hyperparams.yaml"),
    "other residues": ("[GLY, SER, VAL]", "[GLY, SER, ALA]", "`residues` are not those of hyperparams.yaml"),
    "residues that are no list": ("[GLY, SER, VAL]", "7", "`residues` must be a list of names, got 7"),
    "a field that is none": ("field_mhz: 500.0", "field_mhz: high", "cannot be used: `field_mhz` must be from"),
    "a list for a number": ("field_mhz: 500.0", "field_mhz: [500.0]", "`field_mhz` must be one value, a pair"),
    "400 digits": ("field_mhz: 500.0", "field_mhz: 1" + 400 * "0", "cannot be used: `field_mhz` must be from"),
    "5000 digits": ("field_mhz: 500.0", "field_mhz: 1" + 5000 * "0", r"training\.yaml: "),
    "another grid": ("field_mhz: 500.0", "n_points: 512", "must have 256 transients of 256 points"),
    "an experiment that is a list": (
        "{field_mhz: 500.0, mixing_time_s: 0.08}",
        "[1]",
        "`experiment` must be a mapping",
    ),
    "an unknown setting": ("field_mhz", "feld_mhz", "did you mean 'field_mhz'"),
    "a condition with escapes": ("condition: d2o", 'condition: "\\e[2J[x](http://y)"', r"got '\\x1b\[2J\[x\]"),
    "a condition of a list": ("condition: d2o", "condition: [d2o, dmso]", "`condition` must be one of"),
    "a call": ("condition: d2o", "condition: !apply:os.getpid []", "is not on the list of what a model may contain"),
    "nuisances that are a number": ("{white_noise: {snr: [20, 100]}}", "5", "must name nuisances"),
    "a nuisance without settings": ("{snr: [20, 100]}", "null", "must have settings"),
    "a nuisance of words": ("[20, 100]", "loud", "white_noise: `snr`"),
    "a nuisance of three": ("[20, 100]", "[1, 2, 3]", "white_noise: `snr`"),
    "a nuisance of mappings": ("[20, 100]", "{a: 1}", "white_noise: "),
}


@pytest.mark.parametrize("kind", SETTINGS)
def test_settings_that_are_not_those_of_the_model_are_refused(kind, bundle):
    old, new, message = SETTINGS[kind]
    path = bundle / "training.yaml"
    text = TRAINING if old is None else TRAINING.replace(old, new)
    assert text != TRAINING or old is None
    path.write_bytes(new if isinstance(new, bytes) else (new if old is None else text).encode())
    with pytest.raises(InputError, match=message) as caught:
        load_classifier(str(bundle))
    assert str(path) in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_bundle_without_its_settings_is_refused(bundle):
    (bundle / "training.yaml").unlink()
    with pytest.raises(InputError, match=r"training\.yaml: not there"):
        load_classifier(str(bundle))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "5",
        "{error: low}",
        "{end-of-epoch: true}",
        "\x00",
        "a: [",
        "{recoverables: 5, error: 0.1}",
        "a: !!x 1",
    ],
)
def test_a_results_folder_with_a_damaged_checkpoint(text, results):
    next(results.rglob("CKPT.yaml")).write_text(text)
    with pytest.raises(InputError, match=r"save: a CKPT.yaml in it is damaged|holds no checkpoint"):
        load_classifier(results)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"{", b"5", b'{"calibration": []}', b'{"calibration": 5}', b'{"calibration": {"temperature": 0}}',
        b"\xff", b"[" * 10**5, b'{"calibration": {"temperature": 1' + b"0" * 400 + b"}}",
        b'{"calibration": {"temperature": NaN}}', b'{"calibration": {"threshold": 1e999}}', b'{"seed": 1' + b"0" * 5000,
    ],
)  # fmt: skip
def test_a_results_folder_with_damaged_results(content, results):
    (results / "results.json").write_bytes(content)
    with pytest.raises(InputError, match=r"results\.json: |`calibration\.\w+` must be from"):
        load_classifier(results)


def test_what_does_not_fit_the_weights_takes_no_memory(bundle):
    """A backbone of 100 GB is refused from its sizes alone."""
    path = bundle / "hyperparams.yaml"
    path.write_text(path.read_text().replace("[8, 8, 8, 8, 8]", "[40000, 40000, 40000, 40000, 8]"))
    with pytest.raises(InputError, match="the weights do not fit"):
        load_embedder(str(bundle))


def test_every_class_is_built_without_memory_first():
    for make, arguments in ((MelFrontEnd, {}), (MarginHead, {"embedding_size": 4, "n_classes": 3})):
        weights = make(**arguments).state_dict()
        built = build(make, arguments, weights, "it").state_dict()
        assert all(torch.equal(built[name], weights[name]) for name in weights)


def test_a_pickle_is_not_unpickled(bundle, monkeypatch):
    class Payload:
        def __reduce__(self):
            return (open, (str(bundle / "executed"), "w"))

    torch.save(Payload(), bundle / "frontend.ckpt")
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with pytest.raises(
        InputError, match=r"frontend\.ckpt: holds more than tensors, .*nothing in it was executed"
    ) as caught:
        load_embedder(str(bundle))
    said = str(caught.value)
    assert not any(advice in said for advice in ("weights_only", "False", "safe_globals", "http", "likely succeed"))
    assert "it names io.open" in said or "it names builtins.open" in said
    assert not (bundle / "executed").exists()


def test_weights_must_fit(bundle):
    shutil.copy(bundle / "frontend.ckpt", bundle / "backbone.ckpt")
    with pytest.raises(InputError, match=r"backbone\.ckpt: the weights do not fit hyperparams\.yaml .*Missing key"):
        load_embedder(str(bundle))
    (bundle / "backbone.ckpt").unlink()
    with pytest.raises(InputError, match=r"backbone\.ckpt: not there"):
        load_embedder(str(bundle))
    (bundle / "hyperparams.yaml").unlink()
    with pytest.raises(InputError, match=r"hyperparams\.yaml: not there; `source` must be"):
        load_embedder(str(bundle))


def test_a_results_folder_without_a_checkpoint(bundle):
    (bundle / "save").mkdir()
    with pytest.raises(InputError, match="holds no checkpoint"):
        load_embedder(str(bundle))


@pytest.mark.parametrize("head", HEADS)
def test_results_folders_describe_their_heads_as_parts_and_as_in_version_0_1(head, tmp_path):
    results, wavs = write_results(tmp_path, head), torch.randn(1, 65536, 4)
    yaml = results / "hyperparams.yaml"
    model = load_classifier(results)
    old = yaml.read_text().replace(HEADS[head], OLD_HEADS[head]).replace("\naugmentation:", "\nnuisances:")
    assert "make_head" in old
    yaml.write_text(old)
    earlier = load_classifier(results)
    assert torch.equal(earlier.log_probabilities(wavs), model.log_probabilities(wavs))
    assert training_data(earlier).nuisances == {"reference_offset": {"offset_ppm": [-0.2, 0.2]}}
    yaml.write_text(old.replace("heads.make_head", "heads.other"))
    with pytest.raises(
        InputError, match=r"`classifier` must be !new:.*LinearHead or .*MarginHead or .*MixtureHead, got !apply:.*other"
    ):
        load_classifier(results)


def test_a_bundle_of_an_earlier_version_is_loaded(bundle_copy, bundled):
    """End to end by the safe loader; SpeechBrain's own needs the present names."""
    path = bundle_copy / "hyperparams.yaml"
    text = path.read_text()
    for old, new in MOVED.items():
        assert new in text
        text = text.replace(new, old)
    path.write_text(text)
    wavs = torch.randn(1, 65536, 4, generator=torch.Generator().manual_seed(3))
    expected = AminoAcidClassifier.from_hparams(bundled).classify_batch(wavs)
    given = AminoAcidClassifier.from_hparams(bundle_copy).classify_batch(wavs)
    assert torch.equal(given[0], expected[0])
    assert given[3] == expected[3]
    with pytest.raises(InputError, match=r"made by another version \(.*models\.inference.*load it without `run_yaml`"):
        AminoAcidClassifier.from_hparams(bundle_copy, run_yaml=True)

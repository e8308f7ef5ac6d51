"""Transfer through the recipe: what is frozen stays as it was over a fit with checkpoints and a resume."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
import train

from nmr_speech.checks import InputError
from nmr_speech.hub.tensors import Saved
from nmr_speech.inference.load import load_embedder
from nmr_speech.publish.bundle import make_bundle
from tests.fixtures import backbone
from tests.hub.test_tensors import speaker_model

TRANSFER = str(Path(__file__).parents[2] / "hparams" / "transfer.yaml")
TINY = ["--residues=[GLY,SER,ALA]", "--recordings_per_residue=5", "--noprogressbar"]
PART = """
embedding_size: 12
module: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
    input_size: 80
    channels: [8, 8, 8, 8, 8]
    attention_channels: 8
    se_channels: 8
    res2net_scale: 4
    lin_neurons: 12
"""
MEL = "--frontend=!include:frontend/mel_transient.yaml"


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """Two pretrained models, and the part file that fits them."""
    folder = tmp_path_factory.mktemp("speech")
    (folder / "tiny.yaml").write_text(PART)
    for seed, name in ((1, "one"), (2, "two")):
        speaker_model(folder / name, seed)
    return folder


@pytest.fixture
def go(speech, data, tmp_path, monkeypatch):
    """Runs the recipe; gives the folder of results."""

    monkeypatch.setattr(train, "classify_by_spectrum", lambda *_: ([0, 1, 2], [0, 1, 2]))

    def run(*overrides, out="out", epochs=2, source="one", batch_size=4):
        arguments = [
            TRANSFER, *TINY, f"--batch_size={batch_size}", f"--number_of_epochs={epochs}", f"--data_folder={data}",
            f"--output_folder={tmp_path / out}", f"--backbone=!include:{speech / 'tiny.yaml'}",
            f"--pretrained_source={speech / source}", *overrides,
        ]  # fmt: skip
        train.main(arguments)
        return tmp_path / out

    return run


def checkpoint(out):
    return max(Path(out, "save").glob("CKPT*"), key=lambda folder: folder.name)  # named by time


def source_state(speech, name="one"):
    return torch.load(speech / name / "embedding_model.ckpt")


def saved(out, part):
    return Saved.load(checkpoint(out) / f"{part}.ckpt").state()


def differing(one, other):
    assert one.keys() == other.keys()
    return {name for name in one if not torch.equal(one[name], other[name])}


class Watch:
    """Keeps what Brain's modules hold when a fit starts and whenever an epoch is saved."""

    def __init__(self, monkeypatch):
        self.brain, self.states = None, []
        start, end = train.AminoAcidBrain.on_fit_start, train.AminoAcidBrain.on_stage_end

        def on_fit_start(brain):
            self.brain = brain
            self.keep()
            start(brain)

        def on_stage_end(brain, *arguments):
            end(brain, *arguments)
            self.keep()

        monkeypatch.setattr(train.AminoAcidBrain, "on_fit_start", on_fit_start)
        monkeypatch.setattr(train.AminoAcidBrain, "on_stage_end", on_stage_end)

    def keep(self):
        self.states.append({name: tensor.clone() for name, tensor in self.brain.modules.state_dict().items()})


@pytest.fixture
def watch(monkeypatch):
    return Watch(monkeypatch)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--precision=bf16",),
        ("--grad_accumulation_factor=2", "--ckpt_interval_steps=1"),
        (MEL, "--augmentation={reference_offset: {offset_ppm: [-0.2, 0.2]}}"),
        (MEL,),
    ],
    ids=["conv", "bf16", "accumulation", "mel, augmented", "mel, embedded once"],
)
def test_frozen_means_frozen(options, go, speech, watch):
    go(*options, epochs=1)
    out = go(*options, epochs=2)  # resumes from the checkpoint
    expected = {f"backbone.module.{name}": tensor for name, tensor in source_state(speech).items()}
    assert len(watch.states) >= 8
    for state in watch.states:
        assert differing(expected, {name: state[name] for name in expected}) == set()
    learned = differing(watch.states[0], watch.states[-1])
    assert "classifier.weight" in learned
    assert ("frontend.conv.weight" in learned) == (MEL not in options)
    frozen = {id(weight) for weight in watch.brain.hparams.pretrained.parameters()}
    assert not frozen & {id(weight) for weight in watch.brain.optimizer.state}
    assert (checkpoint(out) / "backbone.ckpt").stat().st_size < 3000  # names and a hash, no tensors
    results = json.loads((out / "results.json").read_text())
    assert results["resumed"]
    assert results["pretrained"]["origin"]["source"] == "one"


def test_trainable_changes_every_layer(go, speech, watch):
    out = go("--freeze=False", epochs=1)
    learned = differing(source_state(speech), saved(out, "backbone"))
    weights = {name for name, _ in backbone().named_parameters()}
    assert learned >= weights - {"asp.conv.conv.bias"}
    assert {name for name in learned if "running_mean" in name}


@pytest.mark.slow
def test_part_is_trained_from_an_epoch_on_and_a_resume_is_the_same(go, speech, watch):
    overrides = ("--unfreeze={2: mfa}",)
    out = go(*overrides, epochs=3, out="unbroken")
    before = {f"backbone.module.{name}": tensor for name, tensor in source_state(speech).items()}
    changes = [
        {name.split(".")[2] for name in differing(before, {n: state[n] for n in before})} for state in watch.states
    ]
    late = {"mfa", "asp", "asp_bn", "fc"}
    assert changes[:3] == [set()] * 3  # at the start, after training and validation of epoch 1
    assert changes[3:7] == [late] * 4
    with pytest.raises(InputError, match="`unfreeze` must name epochs up to 1, got 2"):
        go(*overrides, epochs=1, out="broken")
    go(*overrides, epochs=2, out="broken")
    go(*overrides, epochs=3, out="broken")
    for part in ("frontend", "backbone", "classifier"):
        assert differing(saved(out, part), saved(out.parent / "broken", part)) == set()


def test_a_rate_of_its_own_with_clipping_and_warm_up(go, watch):
    """One step of SGD with clipped gradients moves each part by its rate times the norm allowed.

    The warm-up ends at that step, so both rates are at their peaks.
    """
    rates = {"frontend": 0.5, "backbone": 0.02, "classifier": 0.5}
    go(
        "--opt_class=!name:torch.optim.SGD {lr: 1.0}", "--freeze=False", "--pretrained_lr=0.02", "--lr=0.5",
        "--max_grad_norm=0.001", "--warmup_share=0.5", epochs=1, batch_size=9,
    )  # fmt: skip
    start, end = watch.states[0], watch.states[1]
    weights = [name for name, _ in watch.brain.modules.named_parameters()]
    moved = {
        part: torch.cat([(end[name] - start[name]).flatten() for name in weights if name.startswith(part)])
        for part in rates
    }
    rest = torch.cat([moved["frontend"], moved["classifier"]])
    assert moved["backbone"].norm() == pytest.approx(0.02 * 0.001, rel=0.01)
    assert rest.norm() == pytest.approx(0.5 * 0.001, rel=0.01)


def test_embedding_once_is_the_same_training(go, monkeypatch):
    """The head learns what it learns from embeddings computed in every step, up to rounding."""
    once = go(MEL, "--warmup_share=0.3", epochs=4, out="once")
    log = (once / "train_log.txt").read_text()
    monkeypatch.setattr(train, "reason_against_caching", lambda *_, **__: "this test asks for it")
    anew = go(MEL, "--warmup_share=0.3", epochs=4, out="anew")
    assert "Embeddings are computed in every epoch: this test asks for it" in (anew / "log.txt").read_text()
    one, other = saved(once, "classifier"), saved(anew, "classifier")
    assert all(torch.allclose(one[name], other[name], atol=1e-5) for name in one)
    assert (anew / "train_log.txt").read_text() == log


def test_embedding_once_runs_the_encoder_once(go, monkeypatch):
    calls = []
    forward = train.embed

    def counted(frontend, encoder, wavs):
        calls.append(len(wavs))
        return forward(frontend, encoder, wavs)

    monkeypatch.setattr(train, "embed", counted)
    log = (go(MEL, epochs=3) / "log.txt").read_text()
    assert sum(calls) == 15
    assert "Embeddings are computed once" in log
    assert re.search(
        r"The embedding model is initialised from .*one \(a folder\), embedding_model.ckpt, sha256 \w{64}", log
    )


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        (
            "--augmentation={reference_offset: {offset_ppm: [-0.2, 0.2]}}",
            "augmentation changes the recordings every time",
        ),
        ("--fresh_recordings_per_residue=2", "every epoch has new recordings"),
        ("--unfreeze={1: fc}", "the embedding model is trained"),
    ],
)
def test_where_embedding_once_would_be_wrong_it_is_not_done(override, reason, go):
    out = go(MEL, override, "--simulation_workers=0", epochs=1)
    assert f"Embeddings are computed in every epoch: {reason}" in (out / "log.txt").read_text()


@pytest.mark.parametrize("freeze", [True, False])
@pytest.mark.slow
def test_another_source_with_the_same_output_folder(freeze, go, speech):
    overrides = (f"--freeze={freeze}", MEL)
    out = go(*overrides, epochs=1)
    with pytest.raises(
        InputError, match=r"`pretrained_source` is '.*/one' there, '.*/two' here.*set another `output_f"
    ):
        go(*overrides, epochs=2, source="two")
    (out / "hyperparams.yaml").write_text((out / "hyperparams.yaml").read_text().replace("/one", "/two"))
    with pytest.raises(
        InputError, match=r"initialised from .*/one \(a folder\).*, but now .*/two .*give another `output_folder"
    ):
        go(*overrides, epochs=2, source="two")
    shutil.rmtree(out)
    go(*overrides, epochs=1, source="two")
    if freeze:
        assert differing(source_state(speech, "two"), saved(out, "backbone")) == set()
    assert differing(source_state(speech, "two"), source_state(speech)) != set()
    assert Saved.load(checkpoint(out) / "backbone.ckpt").origin.source.endswith("two")


def test_a_front_end_that_keeps_the_mean_is_refused(go, tmp_path):
    with pytest.raises(InputError, match=r"features with the mean over the frames removed; .*conv_centred"):
        go("--frontend=!include:frontend/conv.yaml")
    assert not (tmp_path / "out").exists()


def test_weights_that_do_not_fit_stop_the_run_before_anything_is_written(go, speech, tmp_path):
    for name, change in (
        ("prefixed", lambda weights: {f"module.{key}": tensor for key, tensor in weights.items()}),
        ("lacking", lambda weights: dict(list(weights.items())[1:])),
        ("reshaped", lambda weights: weights | {"fc.conv.bias": torch.ones(13)}),
    ):
        (speech / name).mkdir()
        torch.save(change(source_state(speech)), speech / name / "embedding_model.ckpt")
        with pytest.raises(InputError, match=r"transfer\.yaml: .*embedding_model\.ckpt: "):
            go(source=name)
    assert not (tmp_path / "out").exists()


def test_a_frozen_model_is_scored_and_published_whole(go, speech, tmp_path):
    """Its checkpoint names the source; a bundle holds all weights, and speaks of no folder of this machine."""
    out = go(MEL, epochs=1)
    embedder = load_embedder(str(out))
    assert differing(source_state(speech), embedder.backbone.state_dict()) == set()
    make_bundle(out, tmp_path / "bundle", "user/amino")
    assert differing(source_state(speech), torch.load(tmp_path / "bundle" / "backbone.ckpt")) == set()


def test_a_bundle_takes_no_weights_from_elsewhere(go, tmp_path):
    out = go(MEL, epochs=1)
    make_bundle(out, tmp_path / "bundle", "user/amino")
    (tmp_path / "bundle" / "backbone.safetensors").unlink()
    shutil.copy(checkpoint(out) / "backbone.ckpt", tmp_path / "bundle" / "backbone.ckpt")
    with pytest.raises(InputError, match=r"backbone\.ckpt: must hold tensors by name"):
        load_embedder(str(tmp_path / "bundle"))

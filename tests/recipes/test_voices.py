"""Synthetic voices: synthesised once and reproducibly, trained on, published as SpeechBrain's speaker models are."""

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import torch
from speechbrain.inference.classifiers import EncoderClassifier

from nmr_speech.checks import InputError
from nmr_speech.corpus.manifest import read_manifest
from nmr_speech.corpus.wav import read_wav
from nmr_speech.inference.load import load_embedder
from nmr_speech.publish.speaker_model import make_speaker_model, publish_speaker_model
from nmr_speech.publish.upload import Target
from nmr_speech.training.transfer import Pretrained
from tests.fixtures import backbone
from tests.recipes.test_transfer import PART

RECIPE = Path(__file__).parents[2] / "recipes" / "SyntheticVoices"
sys.path.insert(0, str(RECIPE))
import synthetic_voices_prepare as prepare  # noqa: E402

NO_ESPEAK = shutil.which("espeak-ng") is None
# Noise that follows from voice and text, in the place of speech: what the recipe does with audio needs no words.
STAND_IN = f"""#!{sys.executable} -SE
import random, sys
arguments = sys.argv[1:]
if "--version" in arguments:
    print("eSpeak NG text-to-speech: 0.0-stand-in  Data at: nowhere")
elif arguments[1].startswith("xx"):
    sys.exit("the specified espeak-ng voice does not exist")
else:
    draws = random.Random(" ".join([*arguments, sys.stdin.read()]))
    sys.stdout.buffer.write(bytes(44) + draws.randbytes(2 * 22050 * 5))
"""


@pytest.fixture(scope="module", autouse=True)
def synthesiser(tmp_path_factory):
    """Put a stand-in for espeak-ng on the path where the real one is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        if NO_ESPEAK:
            program = tmp_path_factory.mktemp("bin") / "espeak-ng"
            program.write_text(STAND_IN)
            program.chmod(0o755)
            patch.setenv("PATH", str(program.parent), prepend=os.pathsep)
        yield


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    folder = tmp_path_factory.mktemp("voices") / "data"
    names = prepare.prepare_synthetic_voices(folder, 1986, 2, 3, workers=2)
    return folder, names


@pytest.fixture(scope="module")
def recipe():
    """The recipe's script; by its path, since another recipe's script is called train.py too."""
    spec = importlib.util.spec_from_file_location("voices_train", RECIPE / "SpeakerRec" / "train.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tiny(voices, tmp_path_factory):
    """Arguments of a short training, and its folder."""
    folder = tmp_path_factory.mktemp("trained_on_voices")
    (folder / "tiny.yaml").write_text(PART)
    arguments = [
        str(RECIPE.parents[1] / "hparams" / "voices.yaml"), "--n_speakers=2", "--number_of_epochs=1", "--noprogressbar",
        f"--data_folder={voices[0]}", f"--output_folder={folder / 'out'}", "--simulation_workers=0",
        "--frontend=!include:frontend/mel_transient.yaml", f"--backbone=!include:{folder / 'tiny.yaml'}",
    ]  # fmt: skip
    return arguments, folder / "out"


@pytest.fixture(scope="module")
def trained_on_voices(recipe, tiny):
    """The results folder of a short training, by the recipe's own script."""
    arguments, out = tiny
    recipe.main([*arguments, "--recordings_per_speaker=3"])
    return out


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("--recordings_per_residue=3", "the key `recordings_per_residue` is now `recordings_per_speaker`"),
        ("--augmentation={white_noise: {snr: 10}}", "`augmentation` is for spectra, not for voices"),
    ],
)
def test_keys_that_mean_nothing_for_voices_are_refused(override, message, recipe, tiny):
    arguments, out = tiny
    there = out.exists()
    with pytest.raises(InputError, match=message):
        recipe.main([*arguments, "--recordings_per_speaker=3", override])
    assert out.exists() == there


def test_recordings_and_manifests(voices):
    folder, names = voices
    rows = [row for split in ("train", "valid", "test") for row in read_manifest(folder / f"{split}.csv", names)]
    assert sorted(row.spk_id for row in rows) == sorted(names * 3)
    wavs = {row.ID: read_wav(row.wav.replace("$data_root", str(folder))) for row in rows}
    for wav in wavs.values():
        assert wav.abs().max() == pytest.approx(1, abs=1e-3)
        assert (wav.unflatten(0, (16, -1)).abs().amax(1) > 0.02).all()  # speech from the beginning to the end
    channels = torch.cat(list(wavs.values()), dim=1).T
    alike = torch.corrcoef(channels) - torch.eye(len(channels))
    assert alike.abs().max() < 0.9  # every channel says something else


def test_equal_seeds_give_equal_bytes_and_a_cut_run_goes_on(voices, tmp_path):
    folder, _ = voices
    shutil.copytree(folder, tmp_path / "cut")
    for name in ("train.csv", "valid.csv", "test.csv"):
        (tmp_path / "cut" / name).unlink()
    kept, *lost = sorted((tmp_path / "cut").rglob("*.scale"))
    for path in lost[::2]:
        path.unlink()
        path.with_suffix(".flac").write_bytes(b"half")
    before = kept.with_suffix(".flac").stat().st_mtime_ns
    prepare.prepare_synthetic_voices(tmp_path / "cut", 1986, 2, 3, workers=1)
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    assert all((folder / name).read_bytes() == (tmp_path / "cut" / name).read_bytes() for name in files)
    assert kept.with_suffix(".flac").stat().st_mtime_ns == before
    with pytest.raises(InputError, match=r"voices\.json: .*other parameters: `seed` is 1986 there, 1987 here; set"):
        prepare.prepare_synthetic_voices(folder, 1987, 2, 3, workers=1)


def test_every_voice_is_another_and_more_voices_keep_the_first():
    many = prepare.Voices(1, 300, 3, "").names()
    assert len(set(many)) == 300
    assert set(prepare.Voices(1, 40, 3, "").names()) < set(many)
    assert set(prepare.Voices(2, 40, 3, "").names()) != set(prepare.Voices(1, 40, 3, "").names())
    languages, variants, pitches = (set(part) for part in zip(*(name.split("+") for name in many), strict=True))
    assert (languages, variants) == (set(prepare.LANGUAGES), set(prepare.VARIANTS))
    assert pitches == {f"p{pitch}" for pitch in prepare.PITCHES}


@pytest.mark.skipif(NO_ESPEAK, reason="espeak-ng is not installed")
def test_every_language_and_variant_is_spoken_here():
    for language in prepare.LANGUAGES:
        wav = prepare._channel(0, f"{language}+f1+p50", 0, 0)
        assert wav.shape == (65536,)
    for variant in prepare.VARIANTS:
        prepare._channel(0, f"en-us+{variant}+p50", 0, 0)


def test_without_the_synthesiser(monkeypatch, tmp_path):
    monkeypatch.setattr(prepare, "SYNTHESISER", "espeak-none")
    with pytest.raises(InputError, match=r"espeak-none is not installed, .*apt install espeak-ng"):
        prepare.prepare_synthetic_voices(tmp_path / "data", 1, 2, 3, workers=1)
    assert not (tmp_path / "data").exists()


def test_a_voice_that_says_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(prepare, "LANGUAGES", ("xx-none",))
    with pytest.raises(InputError, match=r"espeak-ng -v xx-none\+\w+ .* gave no audio"):
        prepare.prepare_synthetic_voices(tmp_path, 1, 2, 3, workers=1)
    assert not (tmp_path / "train.csv").exists()


def test_stock_speechbrain_embeds_one_channel_as_training_did(trained_on_voices, tmp_path):
    make_speaker_model(trained_on_voices, tmp_path / "model", "user/voices")
    stock = EncoderClassifier.from_hparams(tmp_path / "model", run_opts={"device": "cpu"})
    wavs = torch.randn(1, 65536, 4, generator=torch.Generator().manual_seed(0))
    peak = wavs.abs().max()
    embedded = load_embedder(str(trained_on_voices))(wavs)
    one_by_one = sum(stock.encode_batch(wavs[..., channel] / peak).squeeze(1) for channel in range(4))
    assert torch.allclose(embedded, one_by_one, atol=1e-4)
    cosine = stock.mods.classifier(one_by_one.unsqueeze(1))
    assert cosine.shape == (1, 1, 2)
    assert stock.hparams.label_encoder.lab2ind == {
        name: i for i, name in enumerate(sorted(names_of(trained_on_voices)))
    }


def names_of(out):
    return json.loads((out / "results.json").read_text())["test"]["labels"]


def test_published_and_transferred(trained_on_voices, lfs_hub, tmp_path):
    commit = publish_speaker_model(trained_on_voices, tmp_path / "model", Target("user/voices"), say=lambda _: None)
    model = Pretrained(backbone(), "user/voices")
    assert model.origin.commit == commit
    trained = load_embedder(str(trained_on_voices)).backbone.state_dict()
    assert all(torch.equal(tensor, trained[name]) for name, tensor in model.module.state_dict().items())


def test_only_a_speaker_model_is_published_as_one(trained, tmp_path):
    with pytest.raises(InputError, match="must be trained with `margin` and a mel front end"):
        make_speaker_model(trained, tmp_path, "user/voices")
    with pytest.raises(InputError, match=r"holds no results\.json"):
        make_speaker_model(tmp_path, tmp_path, "user/voices")

"""The classifier: SpeechBrain's interface for recordings, and for nothing else."""

import json
import re
import shutil
import textwrap
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hyperpyyaml import load_hyperpyyaml
from speechbrain.inference.classifiers import EncoderClassifier
from speechbrain.inference.speaker import SpeakerRecognition

from nmr_speech.checks import InputError
from nmr_speech.corpus import read_wav, write_wav
from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.manifest import audio_path, read_manifest
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.inference.classifier import AminoAcidClassifier
from nmr_speech.inference.load import load_classifier
from nmr_speech.models.embed import embed
from nmr_speech.models.heads import LinearHead
from nmr_speech.publish.bundle import make_bundle
from tests.fixtures import HEADS, write_results

HPARAMS = Path(__file__).parents[2] / "hparams"
WAVS = torch.randn(2, 65536, 4, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module", params=HEADS)
def trained(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    results = write_results(folder, request.param)
    make_bundle(results, folder / "bundle", "user/amino")
    return folder


def test_probabilities_are_the_calibrated_softmax_of_the_logits(trained):
    classifier, model = AminoAcidClassifier.from_hparams(trained / "results"), load_classifier(str(trained / "results"))
    embeddings = embed(model.embedder.frontend, model.embedder.backbone, WAVS)
    assert torch.equal(classifier.encode_batch(WAVS), embeddings.unsqueeze(1))
    log_probabilities, score, index, names = classifier.classify_batch(WAVS)
    expected = torch.softmax(model.head(embeddings).double() / 1.7, dim=1)
    assert torch.allclose(log_probabilities.exp().double(), expected, atol=1e-6)
    assert torch.equal(score, log_probabilities.amax(dim=1))
    assert names == [["ALA", "GLY"][i] for i in index]
    assert classifier.labels == ["ALA", "GLY"]
    assert classifier.commit is None


def test_the_bundle_says_what_the_results_folder_says_whoever_loads_it(trained):
    ours = AminoAcidClassifier.from_hparams(trained / "results")
    others = [
        AminoAcidClassifier.from_hparams(trained / "bundle"),
        AminoAcidClassifier.from_hparams(trained / "bundle", run_yaml=True),
        EncoderClassifier.from_hparams(str(trained / "bundle")),
        SpeakerRecognition.from_hparams(str(trained / "bundle")),
    ]
    example = str(trained / "bundle" / "example.wav")
    for other in others:
        for one, same in zip(ours.classify_batch(WAVS), other.classify_batch(WAVS), strict=True):
            assert one == same if isinstance(one, list) else torch.equal(one, same)
        assert torch.equal(ours.classify_file(example)[0], other.classify_file(example)[0])


def test_safetensors_alone_and_pickles_alone(trained, tmp_path):
    expected = AminoAcidClassifier.from_hparams(trained / "bundle").classify_batch(WAVS)[0]
    for kind in ("ckpt", "safetensors"):
        folder = tmp_path / kind
        shutil.copytree(trained / "bundle", folder)
        for part in ("frontend", "backbone", "classifier"):
            (folder / f"{part}.{kind}").unlink()
        assert torch.equal(AminoAcidClassifier.from_hparams(folder).classify_batch(WAVS)[0], expected)


def test_two_files_of_one_residue_or_of_two(trained, tmp_path):
    classifier = AminoAcidClassifier.from_hparams(trained / "bundle")
    for name, wav in zip("ab", WAVS, strict=True):
        write_wav(tmp_path / f"{name}.wav", wav)
    score, same = classifier.verify_files(tmp_path / "a.wav", tmp_path / "a.wav")
    assert score.item() == pytest.approx(1)
    assert same.item()
    embeddings = classifier.encode_batch(WAVS)[:, 0]
    score, same = classifier.verify_files(tmp_path / "a.wav", tmp_path / "b.wav", threshold=1.0)
    assert score.item() == pytest.approx(torch.cosine_similarity(*embeddings[:, None]).item(), abs=1e-6)
    assert not same.item()
    assert classifier.verify_files(tmp_path / "a.wav", tmp_path / "b.wav")[1].item() == (score.item() >= 0.4)
    classifier.hparams.calibration = {}
    with pytest.raises(InputError, match="`threshold` must be given"):
        classifier.verify_files(tmp_path / "a.wav", tmp_path / "b.wav")


def test_batches_that_are_no_recordings(trained):
    nan, silent = WAVS.clone(), WAVS.clone()
    nan[0, 0, 0], silent[1] = torch.nan, 0
    bad = {
        r"shape \(recordings, 65536, 4\), got \(2, 4, 65536\)": WAVS.transpose(1, 2),
        r"got \(1, 16000\); `nmr_speech.corpus.stack_fid` makes": torch.randn(16000),
        r"got \(2, 65535, 4\)": WAVS[:, 1:],
        "finite, got NaN or infinity": nan,
        "must hold a signal, got a recording of zeros": silent,
    }
    for loaded in (AminoAcidClassifier, EncoderClassifier):
        classifier = loaded.from_hparams(str(trained / "bundle"))
        for message, wavs in bad.items():
            with pytest.raises(InputError, match=message):
                classifier.classify_batch(wavs)
        with pytest.raises(InputError, match="`wav_lens` must be 1"):
            classifier.classify_batch(WAVS, torch.tensor([1.0, 0.5]))
        assert classifier.classify_batch(WAVS, torch.ones(2))[0].shape == (2, 2)


@pytest.mark.parametrize(
    ("samples", "rate_hz", "message"),
    [
        (np.zeros((65536, 1)), 8000, "4 channels .*, this file 1"),
        (np.zeros((65536, 2)), 8000, "4 channels .*, this file 2"),
        (np.zeros((65536, 4)), 16000, "must be 8000 Hz, got 16000; do not resample"),
        (np.zeros((60000, 4)), 8000, "65536 samples a channel, this file 60000"),
    ],
)
def test_files_that_are_no_recordings(samples, rate_hz, message, trained, tmp_path):
    soundfile.write(tmp_path / "speech.wav", samples, rate_hz)
    for loaded in (AminoAcidClassifier, EncoderClassifier):
        classifier = loaded.from_hparams(str(trained / "bundle"))
        with pytest.raises(InputError, match=message):
            classifier.classify_file(str(tmp_path / "speech.wav"))


def test_a_file_that_is_no_audio(trained, tmp_path):
    classifier = AminoAcidClassifier.from_hparams(trained / "bundle")
    (tmp_path / "notes.wav").write_text("no audio")
    for name in ("notes.wav", "absent.wav"):
        with pytest.raises(InputError, match=rf"{name}: cannot be read as audio"):
            classifier.classify_file(tmp_path / name)
    with pytest.raises(InputError, match="`normalize` must be False"):
        classifier.encode_batch(WAVS, normalize=True)


def test_results_without_calibration_and_user_supplied_recordings(tmp_path):
    results = write_results(tmp_path)
    content = json.loads((results / "results.json").read_text())
    del content["calibration"]
    (results / "results.json").write_text(json.dumps(content))
    yaml = results / "hyperparams.yaml"
    yaml.write_text(yaml.read_text().replace("skip_prep: false", "skip_prep: true"))
    make_bundle(results, tmp_path / "bundle", "user/amino")
    assert AminoAcidClassifier.from_hparams(tmp_path / "bundle").mods.classifier.temperature == 1
    card = (tmp_path / "bundle" / "README.md").read_text()
    assert "The probabilities are not calibrated." in card
    assert "user-supplied" in card
    assert "example" not in card
    assert not (tmp_path / "bundle" / "example.wav").exists()


def test_the_card_of_a_model_for_measured_spectra_says_how_it_was_judged(tmp_path):
    results = write_results(tmp_path)
    content = json.loads((results / "results.json").read_text())
    content["test_clean"] = content["test"] | {"accuracy": 0.95, "macro_f1": 0.9}
    (results / "results.json").write_text(json.dumps(content))
    make_bundle(results, tmp_path / "bundle", "user/amino")
    card = (tmp_path / "bundle" / "README.md").read_text()
    assert "20 simulated recordings that were not used for training, with nuisances drawn as in training." in card
    assert re.search(r"^\| this model, without nuisances \| 95\.0% \(.*\) \| 0\.900 \|$", card, re.MULTILINE)


def test_the_example_is_the_first_recording_of_the_test_split(trained, tmp_path):
    plan = DatasetPlan(1986, ["GLY", "SER", "ALA"], 5)
    build_dataset(tmp_path, plan)
    first = next(row for row in read_manifest(tmp_path / "test.csv") if row.spk_id != "SER")  # SER was held out
    example = read_wav(trained / "bundle" / "example.wav")
    simulated_in_a_batch = read_wav(audio_path(first.wav, tmp_path))
    assert (example - simulated_in_a_batch).abs().max() < 1e-6  # sums in another order


def test_a_model_runs_its_yaml_only_if_told_and_pinned():
    for revision in (None, "main", "v1.0", "abc123"):
        with pytest.raises(InputError, match=r"`revision` must be a commit \(40 hexadecimal digits\) where `run_yaml`"):
            AminoAcidClassifier.from_hparams("user/amino", revision=revision, run_yaml=True)


def test_options_of_speechbrain_that_do_harm(trained):
    for option, message in {
        "savedir": "`savedir` must be left out: the Hub's cache keeps each commit apart",
        "fetch_config": "`fetch_config` must be left out: give `revision`",
        "overrides": "`overrides` needs `run_yaml=True`",
    }.items():
        with pytest.raises(InputError, match=message):
            AminoAcidClassifier.from_hparams(trained / "bundle", **{option: "x"})
    assert AminoAcidClassifier.from_hparams(trained / "bundle", run_opts={"device": "cpu"}).device == "cpu"


def test_published_labels_must_be_words(tmp_path):
    results = write_results(tmp_path)
    yaml = results / "hyperparams.yaml"
    yaml.write_text(yaml.read_text().replace("[GLY, SER, ALA]", "[GLY, SER, '../ALA']"))
    with pytest.raises(InputError, match=r"published labels .*, got '\.\./ALA'|is not on the list"):
        make_bundle(results, tmp_path / "bundle", "user/amino")


@pytest.mark.parametrize(
    ("frontend", "backbone"),
    [(path.stem, "ecapa_xs") for path in sorted((HPARAMS / "frontend").glob("*.yaml"))] + [("conv", "xvector_xs")],
)
def test_every_part_can_be_published(frontend, backbone, tmp_path):
    """A bundle is made only if SpeechBrain and the safe loader give equal outputs."""
    results = write_results(tmp_path)
    parts = load_hyperpyyaml(
        f"frontend: !include:{HPARAMS}/frontend/{frontend}.yaml\n"
        f"backbone: !include:{HPARAMS}/backbone/{backbone}.yaml\n"
    )
    size = parts["backbone"]["embedding_size"]
    yaml = (results / "hyperparams.yaml").read_text()
    start, stop = yaml.index("frontend:\n"), yaml.index("head:\n")
    names = {"frontend": frontend, "backbone": backbone}
    texts = {kind: (HPARAMS / kind / f"{name}.yaml").read_text() for kind, name in names.items()}
    described = "".join(f"{kind}:\n{textwrap.indent(text, '  ')}\n" for kind, text in texts.items())
    yaml = (yaml[:start] + described + yaml[stop:]).replace("  embedding_size: 12\n", f"  embedding_size: {size}\n")
    (results / "hyperparams.yaml").write_text(yaml)
    for kind in texts:
        torch.save(parts[kind]["module"].state_dict(), results / "save" / "CKPT+1" / f"{kind}.ckpt")
    torch.save(LinearHead(size, 2).state_dict(), results / "save" / "CKPT+1" / "classifier.ckpt")
    make_bundle(results, tmp_path / "bundle", "user/amino")
    assert type(parts["frontend"]["module"]).__name__ in (tmp_path / "bundle" / "README.md").read_text()

"""The recipe, by its command line and by its main function, on a few recordings."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import train

from nmr_speech.checks import InputError
from nmr_speech.corpus import read_wav
from nmr_speech.inference.classify import classify_spectrum
from nmr_speech.inference.domain_check import training_data
from nmr_speech.inference.load import load_classifier, load_embedder
from nmr_speech.publish.bundle import make_bundle
from nmr_speech.simulate.nuisances import REAL_SPECTRUM
from tests.recipes import launch

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "recipes" / "AminoAcidTOCSY" / "SpeakerRec" / "train.py"
QUICKSTART = str(ROOT / "hparams" / "quickstart.yaml")
CLASSIFICATION = str(ROOT / "hparams" / "classification.yaml")
TINY = ["--residues=[GLY,SER,ALA]", "--recordings_per_residue=5", "--number_of_epochs=2", "--batch_size=3"]


def tiny_but(*overrides):
    """Return the tiny settings with some replaced; a key given twice is an error."""
    keys = [override.split("=")[0] for override in overrides]
    return [setting for setting in TINY if setting.split("=")[0] not in keys] + list(overrides)


def folders(tmp_path):
    return [f"--data_folder={tmp_path / 'data'}", f"--output_folder={tmp_path / 'out'}", "--simulation_workers=0"]


def run(arguments, **keywords):
    command = [sys.executable, str(SCRIPT), QUICKSTART, "--noprogressbar", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **keywords)


def rewrite(path, old, new):
    path.write_text(path.read_text().replace(old, new))


def weights(out):
    checkpoint = max(Path(out, "save").glob("CKPT*"), key=lambda folder: folder.name)  # named by time
    return {
        f"{part}.{name}": tensor
        for part in ("frontend", "backbone", "classifier")
        for name, tensor in torch.load(checkpoint / f"{part}.ckpt").items()
    }


def test_from_the_command_line(tmp_path):
    """Run as a command in another folder: all is made, and a second run skips the work."""
    out = tmp_path / "out"
    first = run([*TINY, *folders(tmp_path)], cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "test accuracy" in first.stdout
    assert {"dataset.json", "train.csv", "valid.csv", "test.csv"} <= {p.name for p in (tmp_path / "data").iterdir()}
    results = json.loads((out / "results.json").read_text())
    assert set(results["test"]["per_class_f1"]) == {"ALA", "GLY", "SER"}
    confusion = torch.tensor(results["test"]["confusion"])
    assert confusion.sum() == results["test"]["recordings"] == results["recordings"]["test"] == 3
    assert results["test"]["accuracy"] == pytest.approx(confusion.trace().item() / 3)
    assert 0 <= results["test"]["macro_f1"] <= 1
    assert 0 <= results["baseline"]["test"]["accuracy"] <= 1
    assert {"seed", "commit", "versions", "hardware", "seconds"} <= set(results)
    assert results["calibration"]["recordings"] == results["recordings"]["valid"]
    assert 0.01 <= results["calibration"]["temperature"] <= 100
    for picture in ("confusion.png", "recording.png"):
        assert (out / picture).read_bytes().startswith(b"\x89PNG")
    assert (out / "per_class.md").read_text().count("\n") == 5

    made = {p: p.stat().st_mtime_ns for p in (tmp_path / "data").rglob("*")}
    train.main([QUICKSTART, *TINY, *folders(tmp_path)])
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "data").rglob("*")} == made
    evaluated_again = json.loads((out / "results.json").read_text())
    assert evaluated_again["test"] == results["test"]
    assert (results["resumed"], evaluated_again["resumed"]) == (False, True)


def test_another_front_end_is_one_override_apart(data, tmp_path):
    out = tmp_path / "out"
    train.main(
        [
            QUICKSTART,
            *TINY,
            f"--data_folder={data}",
            f"--output_folder={out}",
            "--frontend=!include:frontend/mel_transient.yaml",
        ]
    )
    assert json.loads((out / "results.json").read_text())["test"]["recordings"] == 3


def rates(out):
    return [float(rate) for rate in re.findall(r"lr: (\S+)", (out / "train_log.txt").read_text())]


@pytest.fixture(scope="module")
def quickstart(data, tmp_path_factory):
    """The results folder of a tiny run."""
    out = tmp_path_factory.mktemp("quickstart") / "out"
    train.main([QUICKSTART, *TINY, f"--data_folder={data}", f"--output_folder={out}"])
    return out


def test_the_rate_rises_and_falls_or_is_constant(quickstart, data, tmp_path):
    """Two epochs of 3 steps, 2 of them for warming up: a line from the peak at step 2 to zero at step 7."""
    assert rates(quickstart) == pytest.approx([0.003 * 4 / 5, 0.003 * 1 / 5])

    out, common = tmp_path / "paper", [*TINY, f"--data_folder={data}"]
    train.main([CLASSIFICATION, *common, "--backbone=!include:backbone/deep_picker.yaml", f"--output_folder={out}"])
    assert rates(out) == [0.001, 0.001]
    assert json.loads((out / "results.json").read_text())["parameters"] == 80 * 256 + 42_588 + 18 * 3 + 3
    embedder = load_embedder(str(out))
    assert type(embedder.frontend).__name__ == "ConvFrontEnd"
    assert embedder(torch.randn(2, 65536, 4)).shape == (2, 18)


def test_the_log_goes_to_tensorboard_by_one_override(data, tmp_path, monkeypatch):
    written = []
    writer = SimpleNamespace(add_scalar=lambda *scalar: written.append(scalar), flush=lambda: None)
    module = SimpleNamespace(SummaryWriter=lambda folder, purge_step: writer)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    out = tmp_path / "out"
    train.main([QUICKSTART, *TINY, "--logger=tensorboard", f"--data_folder={data}", f"--output_folder={out}"])
    steps = [(name, step) for name, _, step in written if name.startswith(("loss/", "error/"))]
    of_an_epoch = ("loss/train", "loss/valid", "error/valid")
    best = steps[-1][1]  # whichever it is
    in_order = [(name, epoch) for epoch in (1, 2) for name in of_an_epoch]
    assert steps == [*in_order, ("loss/test", best), ("error/test", best)]
    assert best in (1, 2)
    assert not (out / "train_log.txt").exists()


def test_tensorboard_that_is_not_installed(data, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    out = tmp_path / "out"
    with pytest.raises(InputError, match="pip install tensorboard"):
        train.main([QUICKSTART, *TINY, "--logger=tensorboard", f"--data_folder={data}", f"--output_folder={out}"])
    assert not out.exists()


@pytest.mark.slow
def test_two_residues_are_learned_by_heart(tmp_path):
    train.main([
        QUICKSTART, "--residues=[VAL,GLY]", "--recordings_per_residue=5", "--number_of_epochs=20", "--batch_size=6",
        "--augmentation=null", *folders(tmp_path),
    ])  # fmt: skip
    last = (tmp_path / "out" / "train_log.txt").read_text().splitlines()[-2]
    assert "epoch: 20" in last
    assert float(last.split("train loss: ")[1].split()[0]) < 0.01


def test_training_on_recordings_that_are_never_written(quickstart, data, tmp_path):
    out = tmp_path / "out"
    fresh = ("--fresh_recordings_per_residue=4", "--simulation_workers=1")
    train.main([QUICKSTART, *TINY, *fresh, f"--data_folder={data}", f"--output_folder={out}"])
    assert json.loads((out / "results.json").read_text())["test"]["recordings"] == 3
    fresh, written = (
        re.findall(r"train loss: (\S+)", (one / "train_log.txt").read_text()) for one in (out, quickstart)
    )
    assert fresh != written


def test_a_model_for_measured_spectra_is_judged_by_disturbed_recordings(tmp_path, monkeypatch):
    """Every epoch has the same validation recordings, with nuisances, and other training recordings."""
    seen = []
    forward = train.AminoAcidBrain.compute_forward

    def listen(brain, batch, stage):
        before = batch.sig.clone()
        embed = train.embed

        def note(frontend, backbone, wavs):
            seen.append((stage.name, tuple(batch.id), wavs.sum().item(), torch.equal(wavs, before)))
            return embed(frontend, backbone, wavs)

        monkeypatch.setattr(train, "embed", note)
        try:
            return forward(brain, batch, stage)
        finally:
            monkeypatch.setattr(train, "embed", embed)

    monkeypatch.setattr(train.AminoAcidBrain, "compute_forward", listen)
    experimental = str(ROOT / "hparams" / "experimental.yaml")
    train.main([experimental, *TINY, "--clean_share=0", *folders(tmp_path)])
    valid = [(names, total) for stage, names, total, _ in seen if stage == "VALID"]
    assert len(valid) == 2
    assert valid[0] == valid[1]
    trained = [total for stage, _, total, _ in seen if stage == "TRAIN"]
    assert len(set(trained)) == len(trained) == 6
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["test"]["recordings"] == results["test_clean"]["recordings"] == 3
    stored = {path.stem: read_wav(path) for path in (tmp_path / "data").rglob("*.wav")}
    (names, total) = valid[0]
    assert total != pytest.approx(sum(stored[name].sum().item() for name in names), abs=1)
    # And on to its use: published, it still says what it was trained on.
    make_bundle(tmp_path / "out", tmp_path / "bundle", "user/amino")
    assert "with nuisances drawn as in training" in (tmp_path / "bundle" / "README.md").read_text()
    bundled = load_classifier(str(tmp_path / "bundle"))
    training = training_data(bundled)
    assert (training.sample.condition, training.sample.shift_source) == ("d2o", "free")
    assert training.nuisances == REAL_SPECTRUM
    classified = classify_spectrum(bundled, tmp_path / "data" / "wav" / "GLY" / "0000" / "GLY_00000.wav")
    assert {name for name, _ in classified.ranking} == {"ALA", "GLY", "SER"}


def test_residues_can_be_held_out_and_a_margin_put_on(data, tmp_path):
    out = tmp_path / "out"
    overrides = tiny_but("--held_out_residues=[SER]", "--head=!include:head/margin.yaml")
    train.main([QUICKSTART, *overrides, f"--data_folder={data}", f"--output_folder={out}"])
    results = json.loads((out / "results.json").read_text())
    assert results["test"]["labels"] == ["ALA", "GLY"]
    assert results["recordings"] == {"train": 6, "valid": 2, "test": 2}


def test_killed_and_resumed_equals_unbroken(data, tmp_path):
    common, broken = [QUICKSTART, *TINY, f"--data_folder={data}"], tmp_path / "broken"
    unbroken = launch.run("train", [*common, f"--output_folder={tmp_path / 'unbroken'}"], tmp_path)
    assert unbroken.wait() == 0, unbroken.stderr
    killed = launch.start("train", [*common, f"--output_folder={broken}"], tmp_path)
    deadline = time.monotonic() + 120
    while killed.running() and not list(broken.glob("save/CKPT*/CKPT.yaml")) and time.monotonic() < deadline:
        time.sleep(0.002)
    killed.kill()
    log = broken / "train_log.txt"
    assert "epoch: 2" not in log.read_text(), "the kill came too late to test anything"
    resumed = launch.run("train", [*common, f"--output_folder={broken}"], tmp_path)
    assert resumed.wait() == 0, resumed.stderr
    one, two = weights(tmp_path / "unbroken"), weights(broken)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert log.read_text() == (tmp_path / "unbroken" / "train_log.txt").read_text()


def test_a_finished_folder_takes_no_other_settings(quickstart, data):
    """It would train nothing, and credit the figures that are there to the new settings."""
    results = (quickstart / "results.json").read_bytes()
    common = [QUICKSTART, f"--data_folder={data}", f"--output_folder={quickstart}"]
    with pytest.raises(InputError, match=r"out: holds results of other settings: `lr` is '0\.003' there, '0\.3' here"):
        train.main([*common, *TINY, "--lr=0.3"])
    with pytest.raises(InputError, match="`__run_options` is absent there"):
        train.main([*common, *TINY, "--max_grad_norm=1"])
    with pytest.raises(InputError, match="has been trained for 2 epochs, more than `number_of_epochs`, 1; set another"):
        train.main([*common, *tiny_but("--number_of_epochs=1")])
    assert (quickstart / "results.json").read_bytes() == results


def test_an_x_vector_is_resumed_to_the_last_digit(data, tmp_path):
    """Its pooling adds noise, which follows from the step, as it does in a process that draws nothing else."""
    common = [
        CLASSIFICATION, *tiny_but("--batch_size=5"), f"--data_folder={data}",
        "--frontend=!include:frontend/mel_transient.yaml", "--backbone=!include:backbone/xvector_xs.yaml",
    ]  # fmt: skip
    train.main([*common, f"--output_folder={tmp_path / 'unbroken'}"])
    train.main(
        [setting.replace("epochs=2", "epochs=1") for setting in common] + [f"--output_folder={tmp_path / 'two'}"]
    )
    torch.rand(1)
    train.main([*common, f"--output_folder={tmp_path / 'two'}"])
    one, two = weights(tmp_path / "unbroken"), weights(tmp_path / "two")
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_an_error_is_one_sentence(tmp_path):
    ended = launch.run("train", [QUICKSTART, "--residues=[GLY,XXX]", *folders(tmp_path)], tmp_path / "log")
    assert ended.wait() == 1
    assert ended.stderr.splitlines()[-1].startswith("error: `residues` must be one of")
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "data").exists()
    assert not (tmp_path / "out").exists()


def test_recordings_of_ones_own_are_taken_without_preparation(data, tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    (folder / "dataset.json").unlink()
    for split in ("train", "valid", "test"):
        rewrite(folder / f"{split}.csv", ",SER,", ",dipeptide,")
    out = tmp_path / "out"
    own = tiny_but("--residues=[GLY,ALA,dipeptide]", "--skip_prep=True")
    train.main([QUICKSTART, *own, f"--data_folder={folder}", f"--output_folder={out}"])
    assert json.loads((out / "results.json").read_text())["test"]["labels"] == ["ALA", "GLY", "dipeptide"]

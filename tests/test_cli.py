"""The commands, as a shell runs them."""

import math
import re
import subprocess
import sys
import zipfile

import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.corpus import read_wav, stack_fid, unstack_fid
from nmr_speech.hub.tensors import find_weights
from nmr_speech.inference import AminoAcidClassifier, load_classifier, load_embedder
from nmr_speech.options import EXPERIMENT, value
from nmr_speech.reconstruction import load_modern, load_network
from nmr_speech.report.spectra import plot_recording
from nmr_speech.simulate import Acquisition, Sample, draw_mixture, draw_recording
from tests.spectrometer.writers import rows_of, t1_fine, write_bruker


def test_simulate_writes_what_the_data_set_would_hold(tmp_path, capsys):
    main(["simulate", "SER", "--out", str(tmp_path / "ser.wav"), "--plot", str(tmp_path / "ser.png"), "--index", "3"])
    said = capsys.readouterr().out
    recording = draw_recording("SER", 1986, 3)
    scale = float(said.split("divided by ")[1].split()[0])
    assert torch.equal(unstack_fid(read_wav(tmp_path / "ser.wav"), scale), recording.fid)
    assert f"HA {recording.shifts_ppm['HA']:.3f} ppm" in said
    assert (tmp_path / "ser.png").read_bytes().startswith(b"\x89PNG")


def test_simulate_takes_the_experiment_a_mixture_and_nuisances(tmp_path):
    main([
        "simulate", "VAL:2", "GLY:0.5", "--condition=d2o", "--shift-source=free", "--mixing-time-s=0.03", "--seed=7",
        "--nuisances={white_noise: {snr: 50}}", "--out", str(tmp_path / "mix.wav"),
    ])  # fmt: skip
    wav = read_wav(tmp_path / "mix.wav")
    mixture = draw_mixture(
        {"VAL": 2, "GLY": 0.5}, 7, 0, condition="d2o", shift_source="free", mixing_time_s=0.03,
        nuisances={"white_noise": {"snr": 50}},
    )  # fmt: skip
    fid = unstack_fid(wav)
    assert (fid / fid.abs().max() - mixture.fid / mixture.fid.abs().max()).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["GLX", "--out=a.wav"], "`residue` must be one of .*; got 'GLX', did you mean"),
        (["GLY"], "give --out for a WAV or FLAC file"),
        (["GLY", "--out=a.mp3"], r"a.mp3: the file must end in .wav, .flac"),
        (["GLY", "--out=nowhere/a.wav"], "the folder nowhere does not exist"),
        (["GLY", "--out=a.wav", "--mixing-time-s=9"], "`--mixing-time-s` must be from 0 to 0.3 seconds, got 9"),
        (["GLY", "--out=a.wav", "--seed=x"], "`--seed` must be a whole number"),
        (["GLY:none", "--out=a.wav"], "the amount of GLY must be a positive number"),
        (["GLY", "--out=a.wav", "--nuisances={a"], "`--nuisances` must be YAML"),
        (["GLY", "--out=a.wav", "--nuisances={white_nose: {snr: 1}}"], "did you mean 'white_noise'"),
    ],
)
def test_bad_arguments_leave_one_sentence_and_no_file(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(["simulate", *arguments])
    assert str(stop.value).startswith("error: ")
    assert re.search(message, str(stop.value))
    assert not list(tmp_path.iterdir())


def test_help_needs_neither_torch_nor_speechbrain():
    code = (
        "import sys, nmr_speech.cli\n"
        "try: nmr_speech.cli.main(['--help'])\n"
        "finally: print(sorted({'torch', 'speechbrain', 'numpy', 'huggingface_hub'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("usage: nmr-speech")
    assert shown.stdout.endswith("[]\n")


@pytest.mark.parametrize("command", ["simulate", "classify", "reconstruct", "demo", "publish", "publish-data"])
def test_every_option_is_explained(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert not re.search(r"^ +(--\S+|-h, --help)( [A-Z/_ ]+)?\n(?! {20})", shown, re.MULTILINE), shown


def test_the_options_are_the_parameters_of_sample_and_experiment():
    fixed = {"n_transients", "n_points", "quadrature"}  # the size of a recording
    assert set(EXPERIMENT) == set(vars(Sample()) | vars(Acquisition())) - fixed


REVISIONS = {
    "classify": lambda folder: main(["classify", folder, "--model", folder, "--revision=v1.0"]),
    "demo": lambda folder: main(["demo", "--model", folder, "--revision=v1.0"]),
    "demo of the packaged model": lambda _: main(["demo", "--revision=v1.0"]),
    "load_classifier": lambda folder: load_classifier(folder, "v1.0"),
    "load_embedder": lambda folder: load_embedder(folder, "v1.0"),
    "AminoAcidClassifier": lambda folder: AminoAcidClassifier.from_hparams(folder, revision="v1.0"),
    "run_yaml": lambda folder: AminoAcidClassifier.from_hparams(folder, revision=40 * "a", run_yaml=True),
    "load_network": lambda folder: load_network(folder, "v1.0"),
    "load_modern": lambda folder: load_modern(folder, "v1.0"),
    "find_weights": lambda folder: find_weights(folder, "v1.0"),
}


@pytest.mark.parametrize("kind", REVISIONS)
def test_a_folder_has_no_revisions(kind, tmp_path, monkeypatch):
    """A folder of the name of a repository lies in the way; the revision of the repository was meant."""
    if "demo" in kind:
        pytest.importorskip("gradio")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "user" / "amino").mkdir(parents=True)
    found = "comes with an installed package and" if "packaged" in kind else "is a local folder, which"
    with pytest.raises((SystemExit, InputError), match=f": {found} has no revisions"):
        REVISIONS[kind]("user/amino")


def test_an_empty_revision_is_none():
    with pytest.raises(SystemExit, match="`--revision` must be a commit, tag or branch, got ''"):
        main(["classify", "nowhere", "--model=user/amino", "--revision="])


def test_what_a_terminal_would_obey_is_not_printed(results, tmp_path, capsys):
    rows = rows_of(t1_fine(24, n_points=64), "states")
    acqus = {"SOLVENT": "D2O\x1b[2J", "PULPROG": "hsqc\x9b31m\x07"}
    bruker = write_bruker(tmp_path / "2", rows, "states", acqus=acqus)
    main(["classify", str(bruker), "--model", str(results)])
    said = capsys.readouterr().out
    assert re.search(r"hsqc.?\?31m\?", said), said
    assert said.replace("\n", "").isprintable()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("a\x1b[2J/acqus")
        link.external_attr = 0o120777 << 16
        archive.writestr("a\x1b[2J/ser", b"")
        archive.writestr(link, b"/etc/passwd")
    with pytest.raises(SystemExit, match="is a link") as caught:
        main(["classify", str(tmp_path / "a.zip"), "--model", str(results)])
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["a$\\frac$.png", "a^b_c$x$"])
def test_any_file_name_may_be_a_title(name, tmp_path):
    wav = stack_fid(draw_recording("GLY", 1986, 0).fid)[0]
    plot_recording(wav, name, tmp_path / "a.png", Acquisition().f2)
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_numbers_are_taken_as_they_are_given():
    assert value("9223372036854775807") == 2**63 - 1
    assert (value("7"), value("1e3"), value("0.5"), value("x"), value("9" * 5000)) == (7, 1000, 0.5, "x", math.inf)


def test_messages_name_options(tmp_path):
    with pytest.raises(SystemExit, match="error: `--model` must be a folder or a Hub repository user/name"):
        main(["classify", str(tmp_path), "--model", "amino"])
    with pytest.raises(SystemExit, match=r"error: .*: is a local folder.*leave `--revision` out"):
        main(["classify", str(tmp_path), "--model", str(tmp_path), "--revision", "v1.0"])
    with pytest.raises(SystemExit, match=r"error: `--tag` must be left out with `--create-pr`"):
        main(["publish", str(tmp_path), "user/amino", "--tag=v1", "--create-pr"])

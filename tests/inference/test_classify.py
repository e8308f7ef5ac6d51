"""From a file or a spectrometer's folder to ranked residues."""

import json

import pytest
import torch
from speechbrain.dataio.encoder import CategoricalEncoder

from nmr_speech.axis import Axis
from nmr_speech.cli import main
from nmr_speech.corpus import stack_fid, unstack_fid, write_wav
from nmr_speech.inference.classifier import AminoAcidClassifier
from nmr_speech.inference.classify import BANDS, _without, classify_spectrum, occlusion
from nmr_speech.inference.load import load_classifier
from nmr_speech.simulate import SpinSystem, draw_recording, spectrum, tocsy


@pytest.fixture
def model(results):
    return load_classifier(str(results))


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "ala.wav"
    write_wav(path, stack_fid(draw_recording("ALA", 3, 0).fid)[0])
    return path


def test_a_recording_is_classified_as_by_the_interface(results, recording, capsys):
    main(["classify", str(recording), "--model", str(results), "--json"])
    said = json.loads(capsys.readouterr().out)
    log_probabilities, _, _, (name,) = AminoAcidClassifier.from_hparams(str(results)).classify_file(recording)
    assert said["ranking"][0][0] == name
    assert said["ranking"][0][1] == pytest.approx(log_probabilities.exp().max().item(), abs=1e-5)
    assert sum(probability for _, probability in said["ranking"]) == pytest.approx(1)
    assert not [warning for warning in said["warnings"] if "stands out" not in warning]


def test_a_picture_and_lines(results, recording, tmp_path, capsys):
    main(["classify", str(recording), "--model", str(results), "--plot", str(tmp_path / "why.png")])
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out.startswith("Read as a recording on the model's grid. The file does not")


def test_few_transients_and_little_signal_are_said(model, tmp_path):
    fid = draw_recording("GLY", 3, 0).fid
    fid[:, 40:] = 0
    write_wav(tmp_path / "short.wav", stack_fid(fid)[0])
    assert (
        "40 transients on the model's grid; it was trained on 256 or more"
        in classify_spectrum(model, tmp_path / "short.wav").warnings
    )
    noise = torch.randn(65536, 4, generator=torch.Generator().manual_seed(0))
    write_wav(tmp_path / "noise.wav", noise / noise.abs().max())
    assert any("low signal" in warning for warning in classify_spectrum(model, tmp_path / "noise.wav").warnings)


@pytest.mark.parametrize("dimension", ["f2", "f1"])
def test_the_bands_add_up_to_the_recording(dimension):
    fid = draw_recording("SER", 3, 0).fid
    parts = sum(fid - _without(fid, dimension, band) for band in range(64))
    assert (parts - fid).abs().max() < 1e-4


@pytest.mark.parametrize("dimension", ["f2", "f1"])
def test_a_band_is_where_its_shift_is(dimension):
    """A line at 8 ppm is gone with the band that holds 8 ppm, and with no other far from it."""
    fid = tocsy(SpinSystem({"H": 1}, {}), [8.0], decay_time_t1_s=0.01, decay_time_t2_s=0.01)
    band = int((Axis().resized(BANDS).ppm() <= 8.0).sum()) - 1
    height = spectrum(fid).abs().max()
    assert spectrum(_without(fid, dimension, band)).abs().max() < 0.5 * height
    assert spectrum(_without(fid, dimension, 64 - band)).abs().max() > 0.95 * height


class TwoLines:
    """A model whose log-probability is the share of the line at 8 ppm, beside another at 3 ppm."""

    labels = CategoricalEncoder()

    def log_probabilities(self, wavs):
        magnitude = spectrum(unstack_fid(wavs)).abs()
        at_8, at_3 = (magnitude[:, i, i] for i in (abs(Axis().ppm() - ppm).argmin() for ppm in (8.0, 3.0)))
        return (at_8 / (at_8 + at_3)).unsqueeze(1)


def test_the_occlusion_map_has_its_maximum_where_the_line_is():
    decay = {"decay_time_t1_s": 0.01, "decay_time_t2_s": 0.01}
    fid = tocsy(SpinSystem({"A": 1, "B": 1}, {}), [8.0, 3.0], **decay)
    TwoLines.labels.ignore_len()
    TwoLines.labels.add_label("H")
    drops = occlusion(TwoLines(), stack_fid(fid)[0], "H")
    band = int((Axis().resized(BANDS).ppm() <= 8.0).sum()) - 1
    assert drops.shape == (2, BANDS)
    assert drops.argmax(axis=1).tolist() == [band, band]
    assert (drops[:, band] > 0.25).all()
    assert (drops[:, : BANDS // 2] < 0.02).all()  # the other line's half


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.wav"], "nowhere.wav: no such file or folder"),
        ([".", "--plot=a.txt"], "a.txt: the file must end in .png"),
        ([".", "--shift-ppm=99"], "`--shift-ppm` must be from -20 to 20 ppm"),
        ([".", "--shift-ppm=left"], "`--shift-ppm` must be from -20 to 20 ppm, got 'left'"),
        (["."], "must be a Bruker folder"),
    ],
)
def test_bad_arguments(results, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(["classify", *arguments, "--model", str(results)])
    assert str(stop.value).startswith("error: ")
    assert message in str(stop.value)

"""One residue, several or none: verdicts from probabilities, and the packaged model."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.corpus import stack_fid, write_wav
from nmr_speech.inference import AminoAcidClassifier
from nmr_speech.inference.detect import PRESENT, UNCERTAIN, Detection, detect, findings
from nmr_speech.models.heads import MixtureHead
from nmr_speech.simulate import Acquisition, Sample, tocsy
from nmr_speech.spectrometer import find_reference, read_experiment, to_grid
from nmr_speech.testing.data import reference_data

LABELS = ("ALA", "GLY", "VAL")
probabilities = st.lists(st.floats(0, 1), min_size=3, max_size=3)


@given(probabilities=probabilities, amounts=st.lists(st.floats(0.01, 1), min_size=3, max_size=3))
def test_the_verdict_counts_what_is_present(probabilities, amounts):
    detection = Detection(torch.tensor([probabilities]), torch.tensor([amounts]), torch.tensor([1.0]))
    verdict, present, uncertain = findings(detection, LABELS)
    values = torch.tensor(probabilities)
    assert len(present) == int((values >= PRESENT).sum())
    assert len(uncertain) == int(((values >= UNCERTAIN) & (values < PRESENT)).sum())
    assert verdict == ("none", "one", "mixture", "mixture")[len(present)]
    assert max((one.amount for one in present), default=1.0) == pytest.approx(1.0)
    assert [one.probability for one in present] == sorted((one.probability for one in present), reverse=True)


def test_what_is_no_tocsy_names_nothing():
    detection = Detection(torch.tensor([[0.9, 0.2, 0.0]]), torch.ones(1, 3), torch.tensor([0.1]))
    verdict, present, uncertain = findings(detection, LABELS)
    assert (verdict, present) == ("none", ())
    assert [one.residue for one in uncertain] == ["ALA", "GLY"]


def test_calibration_is_a_line_of_the_log_odds():
    head, embeddings = MixtureHead(4, 3), torch.randn(5, 4)
    calibration = {"presence_slope": 2.0, "presence_offset": -1.0, "experiment_slope": 0.5, "experiment_offset": 3.0}
    found = detect(head, embeddings, calibration)
    assert torch.allclose(found.probability.logit(), 2 * head.presence(embeddings) - 1, atol=1e-4)
    assert torch.allclose(found.is_tocsy.logit(), 0.5 * head.experiment(embeddings)[:, 0] + 3, atol=1e-4)


def test_a_model_for_one_residue_cannot_detect(results):
    with pytest.raises(InputError, match="must have a MixtureHead to detect several residues, got LinearHead"):
        AminoAcidClassifier.from_hparams(results).detect_batch(torch.randn(1, 65536, 4))
    with pytest.raises(InputError, match="got Identity"):
        detect(nn.Identity(), torch.zeros(1, 4), {})


@pytest.fixture(scope="module")
def packaged():
    return AminoAcidClassifier.from_hparams()


def valine(shift_ppm=0.0):
    experiment = read_experiment(reference_data("valine"))
    return to_grid(experiment, shift_ppm=find_reference(experiment) + shift_ppm)


@pytest.mark.parametrize("shift_ppm", [-0.4, -0.15, 0.0, 0.2, 0.4])
def test_the_real_valine_is_named_wherever_the_reference_is(packaged, shift_ppm):
    wav = stack_fid(valine(shift_ppm).fid)[0][None]
    probability = packaged.detect_batch(wav)[0]
    assert packaged.labels[int(probability.argmax())] == "VAL"
    assert probability.max() > 0.5
    assert packaged.classify_batch(wav)[3] == ["VAL"]


@pytest.mark.parametrize("partner", ["GLY", "LEU", "PHE"])
def test_the_real_valine_is_found_beside_a_simulated_partner(packaged, partner):
    real = valine().fid
    molecule, per_mole = Sample("d2o", "free").residue(partner), real[0, 0, :4].abs().max() / 8
    experiment = Acquisition(field_mhz=499.84, spectral_width_hz=12 * 499.84, decay_time_t1_s=0.1, decay_time_t2_s=0.1)
    simulated = tocsy(molecule, molecule.shift_mean_ppm, experiment)
    simulated[:, int(real.abs().amax((0, 2)).nonzero().max()) + 1 :] = 0
    probability = packaged.detect_batch(stack_fid(real / per_mole + simulated)[0][None])[0]
    two = sorted(packaged.labels[int(k)] for k in probability.topk(2).indices)
    assert two == sorted(["VAL", partner])


def test_a_command_without_a_model_answers(tmp_path, capsys):
    picture = tmp_path / "why.png"
    main(["classify", str(reference_data("valine")), "--json", "--explain", str(picture)])
    said = json.loads(capsys.readouterr().out)
    assert said["verdict"] == "one"
    assert [(one["residue"], one["amount"]) for one in said["present"]] == [("VAL", 1.0)]
    assert said["present"][0]["probability"] > 0.5
    assert said["ranking"][0][0] == "VAL"
    assert said["in_training_range"]
    assert not [step for step in said["steps"] if "called" in step]  # the model knows many fields, not one
    assert said["explanation"]["explained"] > 0.9
    assert picture.read_bytes().startswith(b"\x89PNG")
    main(["classify", str(reference_data("valine"))])
    assert "one amino acid\nVAL  " in capsys.readouterr().out


def test_nothing_is_named_in_water(tmp_path, capsys):
    fid = tocsy(Sample("d2o", "free").residue("GLY"), [4.75, 4.75], decay_time_t1_s=0.03, decay_time_t2_s=0.03)
    noise = torch.randn(*fid.shape, 2, generator=torch.Generator().manual_seed(0))
    write_wav(tmp_path / "water.wav", stack_fid(fid + 0.02 * torch.view_as_complex(noise))[0])
    main(["classify", str(tmp_path / "water.wav")])
    assert "no amino acid known to the model" in capsys.readouterr().out

"""The method is chosen by what it predicts: lines in phase go to an echo, others to low rank; networks warn below."""

import json

import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.reconstruction import poisson_gap, sampling_mask
from nmr_speech.reconstruction.auto import any_method, candidates, choose
from tests.reconstruction.signals import exponentials

SCHEDULE = poisson_gap(128, 26, 4)


def signals(phase):
    lines = [[(1.0, 0.05 + 0.1 * k, 40.0), (0.6, -0.3 + 0.07 * k, 25.0)] for k in range(6)]
    return torch.stack([exponentials(128, one, phase=phase) for one in lines]).to(torch.complex64)


def chosen(phase):
    return choose(signals(phase) * sampling_mask(SCHEDULE, 128), SCHEDULE, "even", candidates())


def test_signals_out_of_phase_go_to_the_method_that_needs_none():
    choice = chosen(1.2)
    assert choice.name in ("hankel", "modern_phases")
    assert choice.errors["modern"] == choice.errors["ist"] == float("inf")  # both refuse
    assert choice.phase == pytest.approx(torch.sin(torch.tensor(1.2)).item(), abs=1e-3)
    assert "imaginary share of 0.93" in choice.step


def test_the_choice_is_the_least_error_of_points_left_out():
    choice = chosen(0.0)
    assert choice.phase < 1e-6
    assert choice.errors[choice.name] == min(choice.errors.values())
    assert max(choice.errors.values()) < 1


def test_auto_says_why(capsys, tmp_path):
    options = ["--rate=0.25", "--region-ppm", "0.8", "1.2", f"--out={tmp_path / 'a.ft2'}", "--json"]
    main(["reconstruct", "examples/valine", "--method=auto", *options])
    told = json.loads(capsys.readouterr().out)
    assert any(step.startswith("Method ") and "left out" in step for step in told["steps"])
    assert told["figures"][0]["rlne"] < 0.2


def test_a_rate_below_that_of_the_training_is_doubted(capsys, tmp_path):
    options = ["--rate=0.02", "--region-ppm", "0.8", "1.2", f"--out={tmp_path / 'a.ft2'}", "--json"]
    main(["reconstruct", "examples/valine", "--method=modern", *options])
    warnings = json.loads(capsys.readouterr().out)["warnings"]
    assert any("trained on 3% of the points or more" in one and "`--method`" in one for one in warnings)


def test_auto_takes_no_model():
    with pytest.raises(InputError, match=r"'auto' chooses among methods that need no `model`"):
        any_method("auto", "somewhere")

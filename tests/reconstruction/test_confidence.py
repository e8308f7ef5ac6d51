"""The standard deviation of a reconstruction: closed form, and the truth within two of them on fresh spectra."""

import json

import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.reconstruction import poisson_gap, sampling_mask
from nmr_speech.reconstruction.confidence import jackknife, within
from nmr_speech.reconstruction.fid_settings import FIDSettings
from nmr_speech.reconstruction.methods import method_of
from nmr_speech.reconstruction.plane import f1_spectrum
from nmr_speech.reconstruction.recovery import threshold_of
from nmr_speech.reconstruction.spectrum_files import read_spectrum
from nmr_speech.reconstruction.synthetic import make_fids


def test_of_a_weighted_sum_it_is_the_closed_form():
    """Groups of one, an estimate linear in the mean: the standard error of that mean, whatever the first point."""
    values = np.random.default_rng(3).normal(size=21)
    found = jackknife(lambda kept: 3 * values[kept[1:]].mean() + np.array([0.0, 1.0]), np.arange(21), n_parts=20)
    np.testing.assert_allclose(found, 3 * values[1:].std(ddof=1) / np.sqrt(20))


@pytest.mark.parametrize("name", ["modern", "ist"])
@pytest.mark.parametrize("rate", [0.15, 0.3])
def test_the_truth_lies_within_two_standard_deviations(name, rate):
    full, _ = make_fids(FIDSettings(n_points=160, noise_std=0.003), 51, range(80))
    schedule, method = poisson_gap(160, round(160 * rate), 7), method_of(name)

    @torch.no_grad()
    def spectrum_of(kept):
        return f1_spectrum(method(full * sampling_mask(kept, 160), kept, "even"), 0.0, 512).numpy()

    true, found, std = f1_spectrum(full, 0.0, 512).numpy(), spectrum_of(schedule), jackknife(spectrum_of, schedule)
    signal = np.abs(found) > threshold_of(true) / 2
    assert 0.85 < within(found, true, std, signal) < 1
    assert within(found, true, std / 10, signal) < 0.5  # a tenth of it is far too little


def test_the_command_writes_it(tmp_path, capsys):
    std = tmp_path / "std.ft2"
    options = ["--rate=0.25", "--region-ppm", "0.8", "1.1", "--json", f"--out={tmp_path / 'a.ft2'}", f"--std={std}"]
    main(["reconstruct", "examples/valine", "--method=modern", *options])
    told = json.loads(capsys.readouterr().out)
    spectrum, deviation = read_spectrum(tmp_path / "a.ft2")[0], read_spectrum(std)[0]
    assert deviation.shape == spectrum.shape
    assert (deviation >= 0).all()
    assert 0.8 < told["within_two_std"] <= 1
    strongest = max(told["peaks"], key=lambda peak: abs(peak["height"]))
    i, j = np.unravel_index(np.abs(spectrum).argmax(), spectrum.shape)
    assert strongest["height"] == pytest.approx(spectrum[i, j], rel=1e-5)
    assert strongest["relative_std"] == pytest.approx(deviation[i, j] / abs(spectrum[i, j]), rel=1e-4)


def test_too_few_points_are_refused():
    with pytest.raises(InputError, match="needs more than 8 points of a schedule, got 5"):
        jackknife(lambda kept: kept, np.arange(5))

"""What an experiment is told, and the window and the quadrature of its signal."""

import math
from dataclasses import FrozenInstanceError, asdict, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.simulate import Acquisition, Sample, SpinSystem, draw_recording, load_residue, tocsy
from nmr_speech.simulate.draw import sample_and_acquisition
from nmr_speech.simulate.fid import cosine_window, echo_to_states, states_to_echo

SINGLE = SpinSystem({"H": 1}, {})


def test_an_acquisition_has_two_axes():
    acquisition = Acquisition(
        field_mhz=500, carrier_ppm=4.7, spectral_width_hz=6000, spectral_width_f1_hz=5000, n_transients=128
    )
    assert acquisition.f1 == Axis(128, 5000.0, 4.7, 500.0)
    assert acquisition.f2 == Axis(256, 6000.0, 4.7, 500.0)
    assert Acquisition().f1 == Acquisition().f2 == Axis()


def test_numbers_of_other_libraries_become_plain_ones():
    acquisition = Acquisition(field_mhz=np.float64(500), n_points=np.int64(8), mixing_time_s=torch.tensor(0.5) / 10)
    assert acquisition == Acquisition(field_mhz=500, n_points=8, mixing_time_s=float(torch.tensor(0.5) / 10))
    assert {type(value) for value in asdict(acquisition).values()} == {str, int, float, type(None)}


def test_samples_and_acquisitions_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Acquisition().n_points = 8
    with pytest.raises(FrozenInstanceError):
        Sample().condition = "d2o"


def test_a_copy_is_checked_too():
    with pytest.raises(InputError, match="`n_points` must be a whole number from 1 to 4096, got 0"):
        replace(Acquisition(), n_points=0)
    with pytest.raises(InputError, match=r"`mixing_time_s` must be from 0 to 0\.3 seconds, got None"):
        Acquisition(mixing_time_s=None)


def test_keywords_replace_parameters_of_an_acquisition():
    acquisition = Acquisition(n_transients=4, n_points=8, field_mhz=500.0)
    assert tocsy(SINGLE, [6.0], acquisition).shape == (2, 4, 8)
    assert tocsy(SINGLE, [6.0], acquisition, n_points=6).shape == (2, 4, 6)
    in_words = tocsy(SINGLE, [6.0], n_transients=4, n_points=8, field_mhz=500.0)
    assert torch.equal(tocsy(SINGLE, [6.0], acquisition), in_words)


def test_a_parameter_that_does_not_exist_is_an_error():
    for simulate in (lambda **it: tocsy(SINGLE, [6.0], **it), lambda **it: draw_recording("GLY", 0, 0, **it)):
        with pytest.raises(TypeError, match="mixing_time"):
            simulate(mixing_time=0.06)


def test_keywords_are_sorted_into_sample_and_acquisition():
    settings = {"condition": "d2o", "mixing_time_s": 0.03, "shift_source": "free"}
    assert sample_and_acquisition(settings) == (Sample("d2o", "free"), Acquisition(mixing_time_s=0.03))
    assert sample_and_acquisition({}) == (Sample(), Acquisition())


def test_a_sample_reads_each_residue_once():
    assert Sample("d2o").residue("VAL") is load_residue("VAL", condition="d2o")
    assert Sample("d2o").residue("VAL") is not Sample("h2o").residue("VAL")


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("start", [0.0, 0.5, -3.0])
def test_the_window_is_a_power_of_a_cosine(power, start):
    window = cosine_window(16, power, first_halved=False, start=start)
    expected = [math.cos(math.pi / 2 * max(k + start, 0) / (16 + start)) ** power for k in range(16)]
    np.testing.assert_allclose(window, expected, atol=1e-12)
    halved = cosine_window(16, power, start=start)
    np.testing.assert_allclose(halved, [window[0] / 2, *window[1:]], atol=1e-12)


def test_halving_the_first_point_removes_the_constant():
    """The spectrum of exp(-t / T) with a short T decays as 1 / w^2; an unhalved first point adds 1/2 to it."""
    decaying = np.exp(-np.arange(256) / 4.0)
    in_full, halved = (
        np.fft.fft(decaying * cosine_window(256, first_halved=first_halved)).real[128] for first_halved in (False, True)
    )
    assert in_full - halved == pytest.approx(0.5, abs=1e-9)
    assert abs(halved) < 0.1


@given(st.lists(st.complex_numbers(max_magnitude=100), min_size=2, max_size=2))
def test_echo_and_anti_echo_and_back(pair):
    cos, sin = np.array(pair)[:, None]
    for back, there in zip(echo_to_states(*states_to_echo(cos, sin)), (cos, sin), strict=True):
        np.testing.assert_allclose(back, there, atol=1e-10)


def test_a_positive_frequency_is_the_anti_echo_signal():
    t = torch.arange(8) / 8
    echo, anti_echo = states_to_echo(torch.cos(t) + 0j, torch.sin(t) + 0j)
    assert (anti_echo - torch.exp(1j * t)).abs().max() < 1e-6
    assert (echo - torch.exp(-1j * t)).abs().max() < 1e-6

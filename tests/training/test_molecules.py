"""Molecules as speakers: none near an amino acid, none held out, and each step a function of its number."""

import numpy as np
import pytest
import torch
from speechbrain.utils.epoch_loop import EpochCounter

from nmr_speech.checks import InputError
from nmr_speech.corpus import stack_fid
from nmr_speech.models.embed import features
from nmr_speech.models.frontends import SpectralFrontEnd
from nmr_speech.models.prototypes import AngularPrototypes
from nmr_speech.simulate import Acquisition, draw_molecule
from nmr_speech.simulate.first_order import first_order
from nmr_speech.simulate.nuisances import REAL_SPECTRUM, disturb
from nmr_speech.simulate.synthetic import nearest_amino_acid_ppm
from nmr_speech.training.molecules import Population, Recorder, Steps, held_out_ids


def population(**settings):
    usual = {"speakers_from": "synthetic", "n_speakers": None, "siblings": True, "refuse_within_ppm": 0.25, "seed": 5}
    return Population(**(usual | settings))


@pytest.mark.parametrize("radius_ppm", [0.25, 1.0])
def test_no_speaker_comes_near_an_amino_acid(radius_ppm):
    for speakers_from in ("synthetic", "gissmo", "both"):
        speakers = population(speakers_from=speakers_from, refuse_within_ppm=radius_ppm).take(0, 60)
        assert min(map(nearest_amino_acid_ppm, speakers)) >= radius_ppm


def test_held_out_molecules_are_no_speakers():
    held_out = {*held_out_ids("valid"), *held_out_ids("test")}
    everyone = population(speakers_from="gissmo", refuse_within_ppm=0).take(0, 803)
    assert len({one.id for one in everyone}) == 803
    assert not held_out & {one.id for one in everyone}


def test_a_limited_population_comes_once_in_each_round():
    limited = population(n_speakers=12)
    rounds = [[one.id for step in range(3) for one in limited.take(3 * n + step, 4)] for n in range(2)]
    assert len(set(rounds[0])) == 12
    assert set(rounds[0]) == set(rounds[1])
    assert rounds[0] != rounds[1]


def test_speakers_without_end_never_come_again():
    ids = [one.id for step in range(5) for one in population().take(step, 8)]
    assert len(set(ids)) == 40


def test_a_step_depends_on_its_number_alone():
    recorder = Recorder("first_order", Acquisition(), {"white_noise": {"snr": [10, 100]}})
    whole = Steps(population(), recorder, 4, 4, 2, EpochCounter(9))
    halves = Steps(population(), recorder, 2, 4, 2, EpochCounter(9))
    whole.epoch_counter.current, halves.epoch_counter.current = 1, 2
    for name, part in whole[3].items():
        assert torch.equal(halves[1][name], part)


def test_lines_with_nuisances_have_the_features_of_the_recording():
    """By another way: water, reference line, decay and truncation are added to the recording of first order."""
    frontend, acquisition = SpectralFrontEnd(), Acquisition()
    nuisances = {
        "decay": {"rate_t1_per_s": 5.0, "rate_t2_per_s": 9.0},
        "reference_line": {"amplitude": 0.3},
        "residual_water": {"amplitude": 0.8, "position_ppm": 4.7, "decay_time_s": 0.05},
        "truncation": {"n_transients": 100},
    }
    molecules = [draw_molecule(seed) for seed in range(3)]
    lines = Recorder("first_order", acquisition, nuisances)(molecules, 1, (1, 2))
    rng = np.random.default_rng([1, 2, 3])
    shifts = [one.draw_shifts(rng, 1) for one in molecules]
    fids = disturb(first_order(molecules, shifts).fid(), torch.Generator(), nuisances)
    wavs = torch.stack([stack_fid(fid)[0] for fid in fids])
    with torch.no_grad():
        difference = frontend.from_lines(**lines) - features(frontend, wavs)
    assert difference.abs().median() < 0.02  # the largest value of a recording is not quite the sum of all lines
    assert difference.abs().mean() < 0.05


def test_noise_has_the_power_of_white_noise_behind_the_filters():
    frontend, n = SpectralFrontEnd(floor=1e-9), 8
    nothing = torch.zeros(n, 1, 256, dtype=torch.complex64)
    torch.manual_seed(0)
    channels = 0.1 * torch.randn(n, 65536, 4)
    with torch.no_grad():
        exact = frontend(channels).var(dim=(1, 2))
        drawn = frontend.from_lines(nothing, nothing, torch.zeros(n, 1, 1), torch.full((n,), 0.1)).var(dim=(1, 2))
        assert torch.allclose(drawn.mean(), exact.mean(), rtol=0.05)
        plain = SpectralFrontEnd(floor=1e-9, remove_mean="frames")
        assert torch.allclose(plain(channels).abs().mean(), exact.sqrt().mean() * 0.8, rtol=0.3)


def test_what_first_order_cannot_do_is_refused():
    with pytest.raises(InputError, match=r"knows the nuisances decay, .* got 'phase_error'.*set `simulation: exact`"):
        Recorder("first_order", Acquisition(), REAL_SPECTRUM)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"speakers_from": "gismo"}, r"`speakers_from` must be one of synthetic, gissmo, both; got 'gismo'"),
        ({"n_speakers": 3}, r"`n_speakers` must be a whole number from 4 to"),
        ({"refuse_within_ppm": -1}, r"`refuse_within_ppm` must be from 0 to 3 ppm, got -1"),
    ],
)
def test_odd_populations_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        population(**settings)


def test_siblings_come_in_pairs():
    with pytest.raises(InputError, match="siblings come in pairs: 5 synthetic speakers in a step is odd"):
        population().take(0, 5)


def test_the_loss_needs_two_speakers():
    with pytest.raises(InputError, match="two recordings or more of each of two speakers or more, got 2 embeddings"):
        AngularPrototypes()(torch.eye(2), 2)


def test_the_loss_is_that_of_two_speakers_by_hand():
    """Two speakers at an angle of 90 degrees, two equal recordings each: cosines are 1 and 0 in every query."""
    loss = AngularPrototypes(margin=0.25)(torch.eye(2).repeat_interleave(2, 0), 2)
    expected = torch.log(1 + torch.exp(torch.tensor(-10.0 * (1 - 0.25))))
    assert torch.isclose(loss, expected)

"""All nuisances together: draws, order, batches, settings and their messages."""

import io
import math
from pathlib import Path

import pytest
import torch
from ruamel.yaml import YAML

from nmr_speech.checks import InputError
from nmr_speech.simulate import nuisances, tocsy
from nmr_speech.simulate.nuisances import NUISANCES, REAL_SPECTRUM, check_settings, disturb
from tests.simulate.recordings import DRAWN, FIXED, TRIPLE, WIDTH_HZ, recordings, seeded


@pytest.mark.parametrize("log", [False, True], ids=["uniform", "log-uniform"])
def test_pairs_are_drawn_from_for_each_recording(log):
    if log:
        wet = nuisances.reference_line(torch.ones(4000, 2, 1, 1) + 0j, seeded(), amplitude=[0.01, 1.0])
        share = torch.log10(wet[:, 0, 0, 0].real - 1) / 2 + 1
    else:
        damped = nuisances.decay(torch.ones(4000, 2, 1, 2) + 0j, seeded(), rate_t2_per_s=[100.0, 300.0])
        share = (-WIDTH_HZ * torch.log(damped[:, 0, 0, 1].real) - 100) / 200
    assert -0.01 < share.min() < 0.01
    assert 0.99 < share.max() < 1.01
    quarters = torch.histc(share, 4, 0, 1) / 4000
    assert ((quarters - 0.25).abs() < 0.035).all()


def test_whole_numbers_are_drawn_with_both_ends():
    dead = nuisances.dead_points(torch.ones(3000, 2, 1, 8) + 0j, seeded(), n=[2, 4])
    counts = torch.bincount((dead[:, 0, 0] == 0).sum(-1), minlength=6) / 3000
    assert counts[[0, 1, 5]].sum() == 0
    assert ((counts[2:5] - 1 / 3).abs() < 0.05).all()


@pytest.mark.parametrize("name", NUISANCES)
def test_each_is_a_pure_function_of_the_recording_and_the_generator(name):
    fid = recordings()
    before = fid.clone()
    first, again = (disturb(fid, seeded(5), {name: DRAWN[name]}) for _ in range(2))
    assert torch.equal(fid, before)
    assert torch.equal(first, again)
    assert first.dtype == fid.dtype
    assert first.shape == fid.shape
    other = disturb(fid, seeded(6), {name: DRAWN[name]})
    change = (other - first).flatten(1).abs().amax(1)
    assert (change > 0).any()


@pytest.mark.parametrize("name", NUISANCES)
def test_recordings_of_a_batch_draw_for_themselves(name):
    fid = recordings(1).expand(16, -1, -1, -1)
    disturbed = disturb(fid, seeded(), {name: DRAWN[name]})
    assert (disturbed[1:] != disturbed[0]).flatten(1).any(1).any()


def test_without_draws_a_batch_is_its_recordings_one_by_one():
    fid = recordings(4).unflatten(0, (2, 2)) * torch.tensor([1.0, 3.0])[:, None, None, None]
    together = disturb(fid, seeded(), FIXED)
    for i in range(2):
        for j in range(2):
            alone = disturb(fid[i, j], seeded(1), FIXED)
            step = fid[i, j].abs().max() * 2 / 127  # rounding may fall on either side of a level
            assert ((together[i, j] - alone).abs() > 1e-4).float().mean() < 1e-3
            assert (together[i, j] - alone).abs().max() < 2 * step


def test_water_neither_relaxes_with_the_solute_nor_escapes_the_spectrometer():
    clean = recordings(1)
    water, fast = {"residual_water": {"amplitude": 2.0}}, {"decay": {"rate_t1_per_s": 500.0, "rate_t2_per_s": 500.0}}
    wet = disturb(clean, seeded(), water) - clean
    assert (disturb(clean, seeded(), fast | water) - disturb(clean, seeded(), fast) - wet).abs().max() < 1e-5
    for name in ("reference_offset", "phase_error", "t1_noise"):
        later = {name: DRAWN[name]}
        both = disturb(clean + wet, seeded(), later)
        assert (disturb(clean, seeded(), later | water) - both).abs().max() < 1e-5


def test_the_order_of_the_settings_does_not_matter():
    fid = recordings()
    assert torch.equal(disturb(fid, seeded(), DRAWN), disturb(fid, seeded(), dict(reversed(DRAWN.items()))))


@pytest.mark.parametrize("zeros", [torch.zeros(2, 32, 32), torch.zeros(3, 2, 32, 32), torch.zeros(2, 1, 1)], ids=str)
def test_silence_and_single_points_stay_finite(zeros):
    one = {"truncation": {"n_transients": 1}} if zeros.shape[-1] == 1 else {}
    one |= {"dead_points": {"n": 1}, "baseline": {"n_first_points": 1, "first_points_percent": 1.0}} if one else {}
    assert torch.isfinite(disturb(zeros + 0j, seeded(), DRAWN | one)).all()


@pytest.mark.parametrize("name", NUISANCES)
def test_the_device_does_not_change_what_is_drawn(name):
    """On a device without numbers, so nothing may be read back from it either."""
    on_cpu, elsewhere = seeded(), seeded()
    disturb(recordings(), on_cpu, {name: DRAWN[name]})
    fid = disturb(recordings().to("meta"), elsewhere, {name: DRAWN[name]})
    assert fid.device.type == "meta"
    assert torch.equal(on_cpu.get_state(), elsewhere.get_state())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_gpu_gives_what_the_cpu_gives():
    settings = {name: values for name, values in DRAWN.items() if name != "digitisation"}
    fid = recordings()
    difference = disturb(fid.cuda(), seeded(), settings).cpu() - disturb(fid, seeded(), settings)
    assert difference.abs().max() < 1e-4 * fid.abs().max()


def test_the_preset_is_plain_yaml_and_concerns_every_recording():
    text = io.StringIO()
    YAML(typ="safe").dump(REAL_SPECTRUM, text)
    read = YAML(typ="safe").load(text.getvalue())
    assert read == REAL_SPECTRUM
    recipe = YAML(typ="rt").load(Path(__file__).parents[2] / "hparams" / "experimental.yaml")
    assert recipe["augmentation"] == REAL_SPECTRUM
    fid = tocsy(TRIPLE, [4.3, 2.1, 1.0])[None].expand(2, -1, -1, -1)
    first, second = disturb(fid, seeded(), read)
    assert torch.isfinite(first).all()
    assert (first - second).abs().max() > 0.1
    assert torch.equal(disturb(fid, seeded(), REAL_SPECTRUM)[0], first)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"white_nose": {"snr": 9}}, r"must be one of decay, .* got 'white_nose', did you mean 'white_noise'\?"),
        ({"white_noise": {"snrr": 9}}, "`setting of white_noise` must be one of snr; got 'snrr', did you mean 'snr'"),
        ({"white_noise": {"snr": 9, "largest": 1}}, "must be one of snr; got 'largest'"),
        ({"residual_water": {"amplitude": 1, "field_mhz": 500}}, "must be one of amplitude, .*; got 'field_mhz'"),
        ({"white_noise": {}}, r"`white_noise` must have settings \(snr\), got {}"),
        ({"phase_error": None}, r"`phase_error` must have settings \(zero_order_f1_deg, .*\), got None"),
        ({"residual_water": {"position_ppm": 4.7}}, "`residual_water` needs its setting `amplitude`, got position_ppm"),
        (["white_noise"], r"`settings` must name nuisances, each with its settings, got \['white_noise'\]"),
        ({"white_noise": {"snr": math.nan}}, r"white_noise: `snr` must be from 0.01 to 1e\+09 \(a ratio\), got nan"),
        ({"white_noise": {"snr": 0}}, "white_noise: `snr` must be from 0.01"),
        ({"white_noise": {"snr": "loud"}}, "white_noise: `snr` must be from 0.01 .* got 'loud'"),
        ({"white_noise": {"snr": [10, math.inf]}}, "white_noise: `snr` must be from 0.01 .* got inf"),
        ({"white_noise": {"snr": [100, 10]}}, r"`snr` must be a pair \[low, high\] that rises, got \[100, 10\]"),
        ({"white_noise": {"snr": [1, 2, 3]}}, r"`snr` must be a number or a pair \[low, high\], got \[1, 2, 3\]"),
        ({"t1_noise": {"percent": [0, 3]}}, r"`percent` is drawn log-uniformly, so a pair must lie above 0"),
        ({"t1_noise": {"percent": -1}}, "t1_noise: `percent` must be from 0 to 100 percent, got -1"),
        ({"decay": {"rate_t1_per_s": -1}}, "decay: `rate_t1_per_s` must be from 0 to 100000 per second, got -1"),
        ({"dead_points": {"n": 33}}, "dead_points: `n` must be a whole number from 0 to 32, got 33"),
        ({"dead_points": {"n": 1.5}}, "dead_points: `n` must be a whole number from 0 to 32, got 1.5"),
        ({"truncation": {"n_transients": [0, 5]}}, "`n_transients` must be a whole number from 1 to 32, got 0"),
        ({"digitisation": {"bits": 1}}, "digitisation: `bits` must be a whole number from 2 to 24, got 1"),
        ({"residual_water": {"amplitude": 1, "axial_share": 2}}, "`axial_share` must be from 0 to 1 of the amplitude"),
        ({"residual_water": {"amplitude": 1, "decay_time_s": 0}}, "`decay_time_s` must be from 0.0001 to 100 seconds"),
        ({"phase_error": {"zero_order_f1_deg": 400}}, "`zero_order_f1_deg` must be from -360 to 360 degrees, got 400"),
        ({"baseline": {"dc_percent": True}}, "`dc_percent` must be from 0 to 100 percent, got True"),
    ],
)  # fmt: skip
def test_bad_settings_are_named(settings, message):
    with pytest.raises(InputError, match=message):
        disturb(recordings(1), seeded(), settings)


def test_names_are_checked_before_there_is_a_recording():
    check_settings(DRAWN)
    with pytest.raises(InputError, match="did you mean 'decay'"):
        check_settings({"decays": {}})


def test_an_array_that_is_not_a_recording_is_refused():
    with pytest.raises(
        InputError, match=r"`fid` must be complex with shape \(..., 2, transients, points\), got torch.float"
    ):
        disturb(torch.zeros(2, 8, 8), seeded(), {})

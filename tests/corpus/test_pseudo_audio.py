"""FID to waveform and back, bit for bit."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from speechbrain.dataio.dataio import read_audio

from nmr_speech.checks import InputError
from nmr_speech.corpus import read_wav, stack_fid, unstack_fid, write_wav
from nmr_speech.corpus.pseudo_audio import unstack_anti_echo
from nmr_speech.simulate import draw_recording
from nmr_speech.simulate.fid import states_to_echo


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), exponent=st.integers(-30, 30))
def test_stacking_has_an_exact_inverse(seed, exponent):
    parts = np.random.default_rng(seed).normal(size=(2, 2, 256, 256)).astype(np.float32) * np.float32(2.0**exponent)
    fid = torch.complex(*torch.from_numpy(parts))
    wav, scale = stack_fid(fid)
    assert wav.dtype == torch.float32
    assert 0.499 < wav.abs().max() <= 1
    assert torch.equal(unstack_fid(wav, scale), fid)


def test_transients_follow_one_another():
    fid = draw_recording("THR", 1, 0).fid
    wav, scale = stack_fid(fid)
    expected = [fid[0].real, fid[0].imag, fid[1].real, fid[1].imag]
    for channel, part in zip(wav.T, expected, strict=True):
        assert torch.equal(channel[5 * 256 : 6 * 256] * scale, part[5])


def test_numpy_and_batches_are_taken():
    fid = draw_recording("GLY", 1, 0).fid
    wav, scale = stack_fid(fid.numpy())
    assert torch.equal(unstack_fid(wav.numpy(), scale), fid)
    assert unstack_fid(torch.stack([wav, wav]), scale).shape == (2, 2, 256, 256)


def test_channels_first_is_understood():
    fid = draw_recording("GLY", 1, 0).fid
    wav, scale = stack_fid(fid)
    assert torch.equal(unstack_fid(wav.T, scale), fid)
    assert torch.equal(unstack_fid(torch.stack([wav.T, wav.T]), scale)[1], fid)


@pytest.mark.parametrize("peak", [1.9999998, 2.0, 2.0000002])
def test_the_scale_does_not_hang_on_rounding(peak):
    assert stack_fid(torch.full((2, 256, 256), peak, dtype=torch.complex64))[1] == 4


def test_silence_stays_silence():
    wav, scale = stack_fid(torch.zeros(2, 256, 256, dtype=torch.complex64))
    assert scale == 1
    assert not wav.any()


@pytest.mark.parametrize(
    ("fid", "message"),
    [
        (
            torch.zeros(2, 256, 128, dtype=torch.complex64),
            r"shape \(2, 256, 256\), got torch.complex64 \(2, 256, 128\)",
        ),
        (torch.zeros(2, 256, 256), "must be complex"),
        (torch.full((2, 256, 256), torch.nan, dtype=torch.complex64), "finite numbers only"),
    ],
)
def test_what_cannot_be_stacked_is_refused(fid, message):
    with pytest.raises(InputError, match=message):
        stack_fid(fid)


def test_what_cannot_be_unstacked_is_refused():
    with pytest.raises(InputError, match=r"shape \(..., 65536, 4\), got torch.float32 \(2, 65536\)"):
        unstack_fid(torch.zeros(2, 65536))
    with pytest.raises(InputError, match="`scale` must be positive"):
        unstack_fid(torch.zeros(65536, 4), 0.0)


def test_wav_files_keep_every_bit(tmp_path):
    fid = draw_recording("VAL", 7, 3).fid
    wav, scale = stack_fid(fid)
    write_wav(tmp_path / "a.wav", wav)
    write_wav(tmp_path / "b.wav", wav)
    assert torch.equal(unstack_fid(read_wav(tmp_path / "a.wav"), scale), fid)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_speechbrain_reads_the_same(tmp_path):
    wav, _ = stack_fid(draw_recording("GLY", 7, 0).fid)
    write_wav(tmp_path / "a.wav", wav)
    assert torch.equal(read_audio(str(tmp_path / "a.wav")), wav)


@pytest.mark.parametrize("earlier", [False, True])
def test_the_anti_echo_of_a_waveform_is_that_of_its_channels(earlier):
    wav = torch.randn(2, 65536, 4, generator=torch.Generator().manual_seed(3))
    _, anti_echo = states_to_echo(*unstack_fid(wav).unbind(1))
    assert torch.equal(unstack_anti_echo(wav.mT if earlier else wav), anti_echo)


def test_the_anti_echo_needs_four_channels():
    with pytest.raises(
        InputError, match=r"`wav` must be real with shape \(\.\.\., 65536, 4\), got torch.float32 \(65536, 3\)"
    ):
        unstack_anti_echo(torch.zeros(65536, 3))

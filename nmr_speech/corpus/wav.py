"""Recordings as audio files of 4 channels with 65,536 samples at 8 kHz: WAV in float32, FLAC in 16 bits."""

import io
from pathlib import Path

import numpy as np
import scipy.io.wavfile
import soundfile
import torch

from nmr_speech.checks import InputError
from nmr_speech.constants import N_CHANNELS, N_SAMPLES, SAMPLE_RATE_HZ
from nmr_speech.files import write_whole

FORMATS = ("wav", "flac")


def write_wav(path: str | Path, wav: torch.Tensor) -> None:
    """Write a recording; equal recordings give equal bytes.

    Arguments
    ---------
    path : str | Path
        File to write; it appears whole or not at all. The suffix ``.flac`` rounds samples to 16 bits.
    wav : torch.Tensor
        float32, (65536, 4).

    Example
    -------
    >>> path = getfixture("tmp_path") / "silence.wav"
    >>> write_wav(path, torch.zeros(65536, 4))
    >>> read_wav(path).shape
    torch.Size([65536, 4])
    """
    if tuple(wav.shape) != (N_SAMPLES, N_CHANNELS) or wav.dtype != torch.float32:
        raise InputError(
            f"`wav` must be float32 with shape ({N_SAMPLES}, {N_CHANNELS}), got {wav.dtype} {tuple(wav.shape)}"
        )
    content, samples = io.BytesIO(), np.ascontiguousarray(wav.numpy())
    if Path(path).suffix == ".flac":
        soundfile.write(content, samples, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
    else:
        # Not by libsndfile, which writes the time of day into float WAV files.
        scipy.io.wavfile.write(content, SAMPLE_RATE_HZ, samples)
    write_whole(path, content.getvalue())


def read_wav(path: str | Path) -> torch.Tensor:
    """Read a recording, and check it.

    Arguments
    ---------
    path : str | Path
        Audio file with 4 channels at 8 kHz and 65,536 samples.

    Returns
    -------
    torch.Tensor
        float32, (65536, 4).

    Example
    -------
    >>> path = getfixture("tmp_path") / "speech.wav"
    >>> soundfile.write(path, np.zeros((100, 1)), 16000)
    >>> read_wav(path)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...speech.wav: a recording has 4 channels (Re and Im of cos and sin), this file 1
    """
    try:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise InputError(f"{path}: cannot be read as audio ({error}); simulate or copy it again") from error
    check_samples(path, samples, rate_hz)
    return torch.from_numpy(samples)


def check_samples(where: str | Path, samples: np.ndarray, rate_hz: int) -> None:
    """Refuse samples with another number of channels, rate or length than a recording has, or that are not finite.

    Arguments
    ---------
    where : str | Path
        Origin of the samples, for the message.
    samples : np.ndarray
        (65536, 4).
    rate_hz : int
        Their sample rate in Hz.

    Example
    -------
    >>> check_samples("mono.wav", np.zeros((65536, 1)), 8000)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: mono.wav: a recording has 4 channels (Re and Im of cos and sin), this file 1
    """
    if samples.shape[1] != N_CHANNELS:
        raise InputError(
            f"{where}: a recording has {N_CHANNELS} channels (Re and Im of cos and sin), this file {samples.shape[1]}"
        )
    if rate_hz != SAMPLE_RATE_HZ:
        raise InputError(
            f"{where}: the sample rate must be {SAMPLE_RATE_HZ} Hz, got {rate_hz}; do not resample, write it anew"
        )
    if samples.shape[0] != N_SAMPLES:
        raise InputError(
            f"{where}: a recording has {N_SAMPLES} samples a channel, this file {samples.shape[0]}; was it truncated?"
        )
    if not np.isfinite(samples).all():
        raise InputError(
            f"{where}: samples must be finite, got NaN or infinity in {np.count_nonzero(~np.isfinite(samples))} of them"
        )

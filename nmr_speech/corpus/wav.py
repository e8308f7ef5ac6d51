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
HEADER_BYTES = 58  # that SciPy writes for floats
WAV_BYTES = HEADER_BYTES + N_SAMPLES * N_CHANNELS * 4


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
    if Path(path).suffix.lower() == ".flac":
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
        if not Path(path).is_file():  # a pipe would be waited for
            raise OSError("no such file")
        with soundfile.SoundFile(path) as audio:
            # What the header says first: a megabyte of FLAC can hold gigabytes of samples.
            _check_sizes(path, audio.channels, audio.samplerate, audio.frames)
            samples = audio.read(N_SAMPLES + 1, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise InputError(f"{path}: cannot be read as audio ({error}); simulate or copy it again") from error
    check_samples(path, samples, SAMPLE_RATE_HZ)
    return torch.from_numpy(samples)


def is_whole(path: str | Path) -> bool:
    """Whether a file is there and as large as a recording; the samples are not read.

    Example
    -------
    >>> path = getfixture("tmp_path") / "silence.wav"
    >>> write_wav(path, torch.zeros(65536, 4))
    >>> whole = is_whole(path)
    >>> _ = path.write_bytes(path.read_bytes()[:-1])
    >>> whole, is_whole(path), is_whole("none.wav")
    (True, False, False)
    """
    path = Path(path)
    try:
        if path.suffix.lower() == ".wav":
            return path.stat().st_size == WAV_BYTES
        return path.is_file() and soundfile.info(path).frames == N_SAMPLES
    except (OSError, soundfile.LibsndfileError):
        return False


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
    _check_sizes(where, samples.shape[1], rate_hz, samples.shape[0])
    if not np.isfinite(samples).all():
        raise InputError(
            f"{where}: samples must be finite, got NaN or infinity in {np.count_nonzero(~np.isfinite(samples))} of them"
        )


def _check_sizes(where: str | Path, channels: int, rate_hz: int, samples: int) -> None:
    if channels != N_CHANNELS:
        raise InputError(
            f"{where}: a recording has {N_CHANNELS} channels (Re and Im of cos and sin), this file {channels}"
        )
    if rate_hz != SAMPLE_RATE_HZ:
        raise InputError(
            f"{where}: the sample rate must be {SAMPLE_RATE_HZ} Hz, got {rate_hz}; do not resample, write it anew"
        )
    if samples != N_SAMPLES:
        remedy = "was it truncated?" if samples < N_SAMPLES else "write one recording a file"
        raise InputError(f"{where}: a recording has {N_SAMPLES} samples a channel, this file {samples}; {remedy}")

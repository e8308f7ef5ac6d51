"""Files that are not recordings are refused by name."""

import os

import numpy as np
import pytest
import soundfile
import torch

from nmr_speech.checks import InputError
from nmr_speech.corpus import read_wav, write_wav
from nmr_speech.files import write_whole


def write(path, channels=4, rate_hz=8000, samples=65536, value=0.0):
    soundfile.write(path, np.full((samples, channels), value, dtype=np.float32), rate_hz, subtype="FLOAT")


def cut(path, size):
    write(path)
    path.write_bytes(path.read_bytes()[:size])


BROKEN = {
    "two channels": (lambda p: write(p, channels=2), "a recording has 4 channels .* this file 2"),
    "16 kHz": (lambda p: write(p, rate_hz=16000), "the sample rate must be 8000 Hz, got 16000"),
    "short": (
        lambda p: write(p, samples=1000),
        "a recording has 65536 samples a channel, this file 1000; was it truncated",
    ),
    "truncated": (
        lambda p: cut(p, 500_000),
        r"a recording has 65536 samples a channel, this file \d+; was it truncated",
    ),
    "nan": (lambda p: write(p, value=np.nan), "samples must be finite, got NaN or infinity in 262144 of them"),
    "header only": (lambda p: cut(p, 30), "cannot be read as audio"),
    "not audio": (lambda p: p.write_text("ID,duration"), "cannot be read as audio"),
    "missing": (lambda _: None, "cannot be read as audio"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_bad_files_are_named(tmp_path, kind):
    path = tmp_path / "VAL_00000.wav"
    spoil, message = BROKEN[kind]
    spoil(path)
    with pytest.raises(InputError, match=r"VAL_00000\.wav: " + message):
        read_wav(path)


def test_only_recordings_are_written(tmp_path):
    with pytest.raises(InputError, match=r"float32 with shape \(65536, 4\)"):
        write_wav(tmp_path / "a.wav", torch.zeros(4, 65536))
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_nothing(tmp_path):
    target = tmp_path / "folder"
    target.mkdir()  # a folder in its place: the rename fails
    with pytest.raises(OSError, match="directory"):
        write_whole(target, b"content")
    assert list(tmp_path.iterdir()) == [target]


BOMBS = {
    "flac": ("FLAC", "PCM_16", 4, 3_000_000, "65536 samples a channel, this file 3000000; write one recording a file"),
    "channels": ("WAV", "PCM_U8", 1024, 3000, "4 channels .* this file 1024"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_what_its_header_says_is_checked_before_samples_are_decoded(tmp_path, kind, monkeypatch):
    form, subtype, channels, samples, message = BOMBS[kind]
    path = tmp_path / "bomb.audio"
    soundfile.write(path, np.zeros((samples, channels), np.float32), 8000, format=form, subtype=subtype)
    monkeypatch.setattr(soundfile.SoundFile, "read", None)
    with pytest.raises(InputError, match=message):
        read_wav(path)


def test_a_sparse_file_is_not_read(tmp_path):
    path = tmp_path / "sparse.wav"
    write(path)
    header = bytearray(path.read_bytes()[:200])
    header[4:8] = (2**31).to_bytes(4, "little")
    at = header.index(b"data")
    header[at + 4 : at + 8] = (2**31 - 200).to_bytes(4, "little")
    path.write_bytes(header)
    os.truncate(path, 3 * 2**30)
    with pytest.raises(InputError, match=r"65536 samples a channel, this file 13421771\d; write one recording a file"):
        read_wav(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(InputError, match="cannot be read as audio"):
        read_wav(tmp_path / "pipe.wav")


@pytest.mark.parametrize(("lower", "upper"), [("a.wav", "A.WAV"), ("b.flac", "B.FLAC")])
def test_endings_in_capitals_are_the_same(lower, upper, tmp_path):
    wav = torch.linspace(-1, 1, 65536 * 4).reshape(65536, 4).contiguous() / 2
    for name in (lower, upper):
        write_wav(tmp_path / name, wav)
    assert (tmp_path / lower).read_bytes() == (tmp_path / upper).read_bytes()
    assert torch.equal(read_wav(tmp_path / lower), read_wav(tmp_path / upper))

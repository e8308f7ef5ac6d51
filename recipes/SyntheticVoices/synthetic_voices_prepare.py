"""Synthesise a data set of voices with espeak-ng, unless it is there already.

A voice is a language, a variant of the synthesiser's speaker and a pitch. It reads random numbers, which every language
has words for, so no corpus of texts is needed. A recording has the shape of all recordings of this project, so that the
same data pipeline and training serve: four channels of 65,536 samples at 8 kHz, each with another text of one voice.
"""

import json
import math
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import scipy.signal
import torch
from filelock import FileLock
from tqdm import tqdm

from nmr_speech.checks import InputError, quoted, whole
from nmr_speech.constants import N_CHANNELS, N_SAMPLES, SAMPLE_RATE_HZ
from nmr_speech.corpus.manifest import Row, audio_path, read_manifest, write_manifest
from nmr_speech.corpus.splits import SPLITS, stratified_split
from nmr_speech.corpus.wav import is_whole, write_wav
from nmr_speech.files import remove_unfinished, write_whole
from nmr_speech.reading import count, read_json, read_text, text

SYNTHESISER = "espeak-ng"
SYNTHESISED_HZ = 22050
RESAMPLING = Fraction(SAMPLE_RATE_HZ, SYNTHESISED_HZ)
HEADER_BYTES = 44  # of a streamed WAV, which states any length
LANGUAGES = (
    "af", "ca", "cs", "cy", "da", "de", "el", "en-gb-scotland", "en-us", "eo", "es", "et", "fi", "fr-fr", "hr", "hu",
    "id", "is", "it", "lt", "lv", "nb", "nl", "pl", "pt", "ro", "ru", "sk", "sq", "sv", "sw", "tr", "uk", "vi",
)  # fmt: skip
VARIANTS = (
    "f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "croak", "klatt", "klatt2", "klatt3",
)  # fmt: skip
PITCHES = (20, 35, 50, 65, 80)  # espeak-ng: 0 to 99
SPEEDS = (140, 200)  # words per minute, drawn for each text
NUMBERS = 40  # per text: more than fit into 8 s


@dataclass(frozen=True)
class Voices:
    """The parameters of a data set of voices.

    Arguments
    ---------
    seed : int
        Seed of the voices and texts, 0 or more.
    n_speakers : int
        Number of voices.
    recordings : int
        Number of recordings of each voice, 3 or more.
    synthesiser : str
        Its name and version: another one gives other audio.

    Example
    -------
    >>> few, many = (set(Voices(1986, n, 4, "espeak-ng 1.51").names()) for n in (3, 300))
    >>> len(few), len(many), few < many
    (3, 300, True)
    """

    seed: int
    n_speakers: int
    recordings: int
    synthesiser: str

    def __post_init__(self) -> None:
        whole("seed", self.seed, 0, 2**63 - 1)
        whole("n_speakers", self.n_speakers, 2, len(LANGUAGES) * len(VARIANTS) * len(PITCHES))
        whole("recordings_per_speaker", self.recordings, 3, 10**6)

    def names(self) -> list[str]:
        """Return the names of the voices: language, variant, pitch. A larger number keeps those of a smaller one."""
        shape = (len(LANGUAGES), len(VARIANTS), len(PITCHES))
        order = np.random.default_rng(self.seed).permutation(np.prod(shape))[: self.n_speakers]
        chosen = (np.unravel_index(number, shape) for number in order)
        return sorted(f"{LANGUAGES[i]}+{VARIANTS[j]}+p{PITCHES[k]}" for i, j, k in chosen)


def prepare_synthetic_voices(
    data_folder: str | Path, seed: int, n_speakers: int, recordings: int, workers: int
) -> list[str]:
    """Write audio files and manifests to ``data_folder``, unless they are there already.

    Every text follows from seed, voice, recording and channel, and equal texts give equal bytes. An interrupted run is
    resumed; a folder with other parameters is refused.

    Arguments
    ---------
    data_folder : str | Path
        Folder to write to.
    seed, n_speakers, recordings : int
        See `Voices`.
    workers : int
        Number of recordings that are synthesised at a time.

    Returns
    -------
    list[str]
        Names of the voices.
    """
    voices = Voices(seed, n_speakers, recordings, version())
    folder = Path(data_folder)
    if _is_complete(folder, voices):
        return voices.names()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # one process synthesises, the others find the result
        _claim(folder / "voices.json", voices)
        if not _is_complete(folder, voices):
            _speak_all(folder, voices, workers)
    return voices.names()


def version() -> str:
    """Return name and version of the synthesiser on this machine."""
    if shutil.which(SYNTHESISER) is None:
        raise InputError(
            f"{SYNTHESISER} is not installed, and it synthesises the voices; install it (Debian, Ubuntu: apt install "
            f"espeak-ng; macOS: brew install espeak-ng), or use another data set"
        )
    said = subprocess.run([SYNTHESISER, "--version"], capture_output=True, text=True, check=True).stdout
    return f"{SYNTHESISER} {said.split(':')[1].split()[0]}"


def speak(voices: Voices, name: str, index: int) -> tuple[torch.Tensor, float]:
    """Synthesise a recording of a voice: float32 (65536, 4) with a largest magnitude of 1, and its divisor."""
    channels = [_channel(voices.seed, name, index, channel) for channel in range(N_CHANNELS)]
    wav = np.stack(channels, axis=1)
    scale = float(np.abs(wav).max())
    return torch.from_numpy(wav / scale).float(), scale


def _channel(seed, name, index, channel):
    rng = np.random.default_rng(np.random.SeedSequence([seed, index, channel, *name.encode()]))
    language, variant, pitch = name.split("+")
    samples, needed = np.zeros(0, np.int16), math.ceil(N_SAMPLES / RESAMPLING)
    while len(samples) < needed:
        text = ", ".join(str(number) for number in rng.integers(0, 10 ** rng.integers(1, 5, NUMBERS)))
        speed = str(rng.integers(*SPEEDS))
        command = [SYNTHESISER, "-v", f"{language}+{variant}", "-p", pitch[1:], "-s", speed, "--stdin", "--stdout"]
        spoken = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
        audio = spoken.stdout[HEADER_BYTES:]
        more = np.frombuffer(audio[: len(audio) // 2 * 2], np.int16)
        if spoken.returncode or not more.any():
            raise InputError(
                f"{' '.join(command)} gave no audio ({spoken.stderr.decode().strip()}); repair the installation"
            )
        samples = np.concatenate([samples, more])
    resampled = scipy.signal.resample_poly(samples[:needed].astype(float), *RESAMPLING.as_integer_ratio())
    return resampled[:N_SAMPLES]


def _claim(path, voices):
    content = asdict(voices)
    if not path.exists():
        write_whole(path, (json.dumps(content, indent=1) + "\n").encode())
        return
    found = read_json(path, {"seed": count, "n_speakers": count, "recordings": count, "synthesiser": text})
    for key in content:
        if (there := found[key]) != content[key]:
            raise InputError(
                f"{path}: the folder was written with other parameters: `{key}` is {quoted(there)} there, "
                f"{content[key]} here; set another `data_folder`"
            )


def _is_complete(folder, voices):
    """Whether all recordings and manifests are there; no file is written, for the medium may be read-only."""
    if not (folder / "voices.json").exists():
        return False
    _claim(folder / "voices.json", voices)
    wanted = {f"{name}_{i:04}" for name in voices.names() for i in range(voices.recordings)}
    try:
        rows = [row for split in SPLITS for row in read_manifest(folder / f"{split}.csv", voices.names())]
    except InputError:
        return False
    there = {row.ID for row in rows} == wanted and len(rows) == len(wanted)
    return there and all(is_whole(audio_path(row.wav, folder)) for row in rows)


def _scale(path):
    """Divisor of a recording as the file beside it says; None for one that is lost or damaged."""
    try:
        scale = float(read_text(path, longest=100))
    except (InputError, ValueError):
        return None
    return scale if 0 < scale < math.inf else None


def _speak_all(folder, voices, workers):
    remove_unfinished(folder)
    recordings = {f"{name}_{i:04}": (name, i) for name in voices.names() for i in range(voices.recordings)}
    scales = {}

    def make(key):
        name, index = recordings[key]
        path, beside = folder / "wav" / name / f"{key}.flac", folder / "wav" / name / f"{key}.scale"
        if _scale(beside) is None or not is_whole(path):  # it is written after the audio
            wav, scale = speak(voices, name, index)
            write_wav(path, wav)
            write_whole(beside, str(scale).encode())
        scales[key] = _scale(beside)

    for name in voices.names():
        (folder / "wav" / name).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max(1, workers)) as pool:
        list(tqdm(pool.map(make, recordings), total=len(recordings), desc="synthesising", unit="recording"))
    split = stratified_split({key: name for key, (name, _) in recordings.items()}, voices.seed)
    for part, keys in split.items():
        rows = [
            Row(
                ID=key,
                wav=f"$data_root/wav/{recordings[key][0]}/{key}.flac",
                spk_id=recordings[key][0],
                scale=scales[key],
            )
            for key in keys
        ]
        write_manifest(folder / f"{part}.csv", rows)

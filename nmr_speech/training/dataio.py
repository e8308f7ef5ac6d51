"""Manifests as SpeechBrain data sets: the only place where the columns become tensors and labels."""

import contextlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain.dataio.encoder import CategoricalEncoder
from speechbrain.utils.data_pipeline import provides, takes
from speechbrain.utils.epoch_loop import EpochCounter
from torch.utils.data import Dataset

from nmr_speech.checks import InputError, one_of, quoted
from nmr_speech.corpus.manifest import audio_path, check_recordings, read_manifest, refuse_shared_recordings
from nmr_speech.corpus.plan import MAX_RECORDINGS, DatasetPlan
from nmr_speech.corpus.pseudo_audio import stack_fid
from nmr_speech.corpus.wav import read_wav
from nmr_speech.simulate import draw_recording

Item = Mapping[str, Any]


@dataclass
class Batch:
    """Recordings of one training step.

    SpeechBrain's PaddedBatch would pad, count lengths and copy twice, but all recordings have the same length.

    Arguments
    ---------
    id : list[str]
        Names.
    sig : torch.Tensor
        Waveforms, (B, T, 4).
    spk_id_encoded : torch.Tensor
        Labels, int64, (B,).

    Example
    -------
    >>> item = {"id": "GLY_0", "sig": torch.zeros(65536, 4), "spk_id_encoded": 7}
    >>> batch = Batch.stack([item, item])
    >>> batch.sig.shape, batch.spk_id_encoded
    (torch.Size([2, 65536, 4]), tensor([7, 7]))
    """

    id: list[str]
    sig: torch.Tensor
    spk_id_encoded: torch.Tensor

    @classmethod
    def stack(cls, items: Sequence[Item]) -> Self:
        """Make a batch of items: the ``collate_fn`` of a loader."""
        labels = torch.tensor([item["spk_id_encoded"] for item in items])
        return cls([item["id"] for item in items], torch.stack([item["sig"] for item in items]), labels)

    def to(self, device: str | torch.device) -> Self:
        """Move the tensors to a device, asynchronously from pinned memory."""
        sig, labels = (tensor.to(device, non_blocking=True) for tensor in (self.sig, self.spk_id_encoded))
        return type(self)(self.id, sig, labels)

    def pin_memory(self) -> Self:
        """Pin the memory; loaders with ``pin_memory`` call it."""
        return type(self)(self.id, self.sig.pin_memory(), self.spk_id_encoded.pin_memory())


def training_speakers(residues: Sequence[str], held_out: Sequence[str]) -> list[str]:
    """List the speakers of a training: the residues that are not held out.

    Example
    -------
    >>> training_speakers(["ALA", "GLY", "VAL"], ["GLY"])
    ['ALA', 'VAL']
    """
    for key, names in (("residues", residues), ("held_out_residues", held_out)):
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise InputError(f"`{key}` must be a list of names such as [GLY, VAL], got {quoted(names)}")
    for name in held_out:
        one_of("held_out_residues", name, residues)
    trained = [name for name in residues if name not in held_out]
    if residues and not trained:
        raise InputError(f"`held_out_residues` must leave some of {', '.join(residues)}, got all of them")
    return trained


def encoder_of(speakers: Sequence[str]) -> CategoricalEncoder:
    """Make the label encoder of a model: numbers follow the alphabet.

    Example
    -------
    >>> encoder_of(["VAL", "GLY"]).lab2ind
    {'GLY': 0, 'VAL': 1}
    """
    label_encoder = CategoricalEncoder()
    label_encoder.update_from_iterable(sorted(speakers))
    label_encoder.expect_len(len(set(speakers)))
    return label_encoder


def load_datasets(
    manifests: Mapping[str, str | Path], data_root: str | Path, speakers: Sequence[str], held_out: Sequence[str] = ()
) -> tuple[dict[str, DynamicItemDataset], CategoricalEncoder]:
    """Check manifests and recordings, then make a data set of each manifest.

    Every recording is opened once: a bad one ends the run, with its file and row, before any training step.

    Arguments
    ---------
    manifests : Mapping[str, str | Path]
        CSV file of each split, by name.
    data_root : str | Path
        What ``$data_root`` stands for in the manifests.
    speakers : Sequence[str]
        The labels, in any order; label numbers follow the alphabet.
    held_out : Sequence[str]
        Further labels that the manifests may hold; their recordings are left out.

    Returns
    -------
    datasets : dict[str, DynamicItemDataset]
        Items ``id``, ``sig`` (float32, (65536, 4)) and ``spk_id_encoded`` (int).
    label_encoder : CategoricalEncoder
        Between labels and numbers.

    Example
    -------
    >>> from nmr_speech.corpus.dataset import build_dataset
    >>> folder = getfixture("tmp_path")
    >>> _ = build_dataset(folder, DatasetPlan(1986, ["GLY", "ALA"], 3))
    >>> datasets, encoder = load_datasets({"test": folder / "test.csv"}, folder, ["GLY", "ALA"])
    >>> [(item["sig"].shape, encoder.decode_ndim(item["spk_id_encoded"])) for item in datasets["test"]]
    [(torch.Size([65536, 4]), 'ALA'), (torch.Size([65536, 4]), 'GLY')]
    """
    label_encoder = encoder_of(speakers)

    @takes("wav")
    @provides("sig")
    def sig(wav: str) -> torch.Tensor:
        return read_wav(audio_path(wav, data_root))

    @takes("spk_id")
    @provides("spk_id_encoded")
    def spk_id_encoded(spk_id: str) -> int:
        return label_encoder.encode_label(spk_id)

    datasets = {}
    rows_of = {name: read_manifest(path, [*speakers, *held_out]) for name, path in manifests.items()}
    refuse_shared_recordings({str(manifests[name]): rows for name, rows in rows_of.items()}, data_root)
    for name, rows in rows_of.items():
        check_recordings(manifests[name], rows, data_root)
        items = {row.ID: {"wav": row.wav, "spk_id": row.spk_id} for row in rows if row.spk_id not in held_out}
        datasets[name] = DynamicItemDataset(items, [sig, spk_id_encoded], ["id", "sig", "spk_id_encoded"])
    return datasets, label_encoder


class SimulatedRecordings(Dataset):
    """A training set that is simulated on the fly and never written: no epoch repeats a recording of another.

    Recording k of a residue in an epoch has the index ``MAX_RECORDINGS + epoch * n + k``. It lies beyond all written
    ones and follows from the epoch, so a resumed run draws what the unbroken one would have drawn.

    Arguments
    ---------
    plan : DatasetPlan
        Seed, sample, experiment and nuisances of the data set that this one extends.
    speakers : Sequence[str]
        The residues to draw.
    n : int
        Recordings of each residue per epoch.
    epoch_counter : EpochCounter
        Its ``current`` is the epoch.

    Example
    -------
    >>> from speechbrain.utils.epoch_loop import EpochCounter
    >>> data = SimulatedRecordings(DatasetPlan(1986, ["GLY"]), ["GLY"], 2, EpochCounter(3))
    >>> len(data), data[1]["id"], data[1]["sig"].shape
    (2, 'GLY_10000001', torch.Size([65536, 4]))
    """

    def __init__(
        self,
        plan: DatasetPlan,
        speakers: Sequence[str],
        n: int,
        epoch_counter: EpochCounter,
    ):
        self.plan, self.speakers, self.n, self.epoch_counter = plan, sorted(speakers), n, epoch_counter
        self.label_encoder = encoder_of(speakers)

    def __len__(self) -> int:
        return self.n * len(self.speakers)

    def __getitem__(self, number: int) -> Item:
        """Simulate one recording; the keys are those of `load_datasets`."""
        residue = self.speakers[number // self.n]
        index = MAX_RECORDINGS + self.epoch_counter.current * self.n + number % self.n
        wav, _ = stack_fid(draw_recording(residue, self.plan.seed, index, **self.plan.draw_settings).fid)
        return {
            "id": self.plan.recording_id(residue, index),
            "sig": wav,
            "spk_id_encoded": self.label_encoder.encode_label(residue),
        }


class AugmentedRecordings(Dataset):
    """A data set with nuisances in every recording, drawn once: seed and name of a recording decide on them.

    A recording is the same, to rounding, in every epoch, batch, order and process. Validation and test of a model for
    measured spectra need that: clean recordings would choose the wrong epoch.

    Arguments
    ---------
    dataset : Sequence[Item]
        Items ``id``, ``sig`` and ``spk_id_encoded``, as `load_datasets` makes them.
    augment : Callable
        Maps waveforms (B, 65536, 4) and a generator to waveforms: `nmr_speech.training.augment.Augmentation`, say.
    seed : int
        Seed of the draws.

    Example
    -------
    >>> clean = [{"id": "GLY_0", "sig": torch.zeros(65536, 4), "spk_id_encoded": 0}]
    >>> noisy = AugmentedRecordings(clean, lambda wavs, g: wavs + torch.randn(wavs.shape, generator=g), 1986)
    >>> torch.equal(noisy[0]["sig"], noisy[0]["sig"]), bool(noisy[0]["sig"].any())
    (True, True)
    """

    def __init__(
        self,
        dataset: Sequence[Item],
        augment: Callable[[torch.Tensor, torch.Generator], torch.Tensor],
        seed: int,
    ):
        self.dataset, self.augment, self.seed = dataset, augment, seed

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, number: int) -> Item:
        """Augment one recording; the other items stay."""
        item = self.dataset[number]
        generator = generator_of(self.seed, zlib.crc32(item["id"].encode()))
        return {**item, "sig": self.augment(item["sig"][None], generator)[0]}


def generator_of(*entropy: int) -> torch.Generator:
    """Make a generator that follows from whole numbers alone.

    Arguments
    ---------
    *entropy : int
        Seed, step and rank, say; each 0 or more.

    Returns
    -------
    torch.Generator
        On the CPU.

    Example
    -------
    >>> draws = [torch.rand(1, generator=generator_of(1986, step)).item() for step in (1, 2, 1)]
    >>> draws[0] == draws[2], draws[0] == draws[1]
    (True, False)
    """
    state = np.random.SeedSequence(entropy).generate_state(1)[0]
    return torch.Generator().manual_seed(int(state))


@contextlib.contextmanager
def seeded(device: str | torch.device, *entropy: int) -> Iterator[None]:
    """Have what draws from torch's global generators inside follow from whole numbers alone; outside, nothing changes.

    SpeechBrain's statistics pooling, in x-vectors, adds noise at every call.

    Arguments
    ---------
    device : str | torch.device
        Where is drawn, besides the CPU.
    *entropy : int
        As for `generator_of`.

    Example
    -------
    >>> def draw(step):
    ...     with seeded("cpu", 1986, step):
    ...         return torch.rand(1).item()
    >>> draw(1) == draw(1), draw(1) == draw(2)
    (True, False)
    """
    device = torch.device(device)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(generator_of(*entropy).initial_seed())
        yield

"""Manifests as SpeechBrain data sets: the only place where the columns become tensors and labels."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain.dataio.encoder import CategoricalEncoder
from speechbrain.utils.data_pipeline import provides, takes

from nmr_speech.checks import one_of
from nmr_speech.corpus.manifest import audio_path, check_recordings, read_manifest
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.corpus.pseudo_audio import stack_fid
from nmr_speech.corpus.wav import read_wav
from nmr_speech.simulate import draw_recording


@dataclass
class Batch:
    """Recordings of a training step.

    SpeechBrain's PaddedBatch pads, counts lengths and copies twice; recordings all have the same length.

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
    def stack(cls, items: Sequence[Mapping]) -> "Batch":
        """Make a batch of items of a data set: the ``collate_fn`` of a loader."""
        labels = torch.tensor([item["spk_id_encoded"] for item in items])
        return cls([item["id"] for item in items], torch.stack([item["sig"] for item in items]), labels)

    def to(self, device: str | torch.device) -> "Batch":
        """Move to a device, without waiting where the memory is pinned."""
        sig, labels = (tensor.to(device, non_blocking=True) for tensor in (self.sig, self.spk_id_encoded))
        return Batch(self.id, sig, labels)

    def pin_memory(self) -> "Batch":
        """Pin, as loaders with ``pin_memory`` ask for."""
        return Batch(self.id, self.sig.pin_memory(), self.spk_id_encoded.pin_memory())


def remaining(residues: Sequence[str], held_out: Sequence[str]) -> list[str]:
    """List the speakers of a training: the residues that are not held out.

    Example
    -------
    >>> remaining(["ALA", "GLY", "VAL"], ["GLY"])
    ['ALA', 'VAL']
    """
    for name in held_out:
        one_of("held_out_residues", name, residues)
    return [name for name in residues if name not in held_out]


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
):
    """Check manifests and recordings, then make one data set of each.

    Every recording is opened once here, so that a bad one is named before any training step.

    Arguments
    ---------
    manifests : Mapping[str, str | Path]
        CSV file of each split, by name.
    data_root : str | Path
        What ``$data_root`` stands for in the manifests.
    speakers : Sequence[str]
        The labels, in any order; label numbers follow the alphabet.
    held_out : Sequence[str]
        Labels that the manifests may hold too; their recordings are left out.

    Returns
    -------
    datasets : dict[str, DynamicItemDataset]
        Items ``id``, ``sig`` (float32, (65536, 4)) and ``spk_id_encoded`` (int).
    label_encoder : CategoricalEncoder
        Between labels and numbers.
    """
    label_encoder = encoder_of(speakers)

    @takes("wav")
    @provides("sig")
    def sig(wav):
        return read_wav(audio_path(wav, data_root))

    @takes("spk_id")
    @provides("spk_id_encoded")
    def spk_id_encoded(spk_id):
        return label_encoder.encode_label(spk_id)

    datasets = {}
    for name, path in manifests.items():
        rows = read_manifest(path, [*speakers, *held_out])
        check_recordings(path, rows, data_root)
        items = {row.ID: {"wav": row.wav, "spk_id": row.spk_id} for row in rows if row.spk_id not in held_out}
        datasets[name] = DynamicItemDataset(items, [sig, spk_id_encoded], ["id", "sig", "spk_id_encoded"])
    return datasets, label_encoder


class FreshRecordings(torch.utils.data.Dataset):
    """A training set that is never written: every epoch simulates recordings that no epoch before has seen.

    Recording k of a residue in an epoch is number ``FIRST + epoch * n + k`` of the data set's seed, far beyond those
    written, so a resumed run draws what the unbroken one would have.

    Arguments
    ---------
    plan : DatasetPlan
        Seed, sample, experiment and nuisances of the data set that this one goes on.
    speakers : Sequence[str]
        The residues to draw.
    n : int
        Recordings of each residue in an epoch.
    label_encoder : CategoricalEncoder
        Between labels and numbers.

    Example
    -------
    >>> encoder = CategoricalEncoder()
    >>> encoder.update_from_iterable(["GLY"])
    >>> fresh = FreshRecordings(DatasetPlan(1986, ["GLY"]), ["GLY"], 2, encoder)
    >>> len(fresh), fresh[1]["id"], fresh[1]["sig"].shape
    (2, 'GLY_10000001', torch.Size([65536, 4]))
    """

    FIRST = 10**7  # the most recordings of a residue that a written data set may have

    def __init__(self, plan: DatasetPlan, speakers: Sequence[str], n: int, label_encoder: CategoricalEncoder):
        self.plan, self.speakers, self.n, self.label_encoder = plan, sorted(speakers), n, label_encoder
        self.epoch = 0

    def __len__(self):
        return self.n * len(self.speakers)

    def __getitem__(self, number):
        """Simulate one recording; the keys are those of `load_datasets`."""
        residue = self.speakers[number // self.n]
        index = self.FIRST + self.epoch * self.n + number % self.n
        wav, _ = stack_fid(draw_recording(residue, self.plan.seed, index, **self.plan.draw_settings).fid)
        return {
            "id": self.plan.recording_id(residue, index),
            "sig": wav,
            "spk_id_encoded": self.label_encoder.encode_label(residue),
        }


class Disturbed(torch.utils.data.Dataset):
    """A data set whose recordings are disturbed, each by a draw of its own that depends on seed and name alone.

    So a recording is the same, to rounding, in every epoch, batch, order and process: what validation and test of a
    model for disturbed recordings need, for clean ones choose the wrong epoch.

    Arguments
    ---------
    dataset : torch.utils.data.Dataset
        Items ``id``, ``sig`` and ``spk_id_encoded``, as `load_datasets` makes them.
    disturb : Callable
        Maps waveforms (B, T, 4) and a generator to waveforms, as `nmr_speech.training.augment.Nuisances` does.
    seed : int
        Seed of the draws.

    Example
    -------
    >>> clean = [{"id": "GLY_0", "sig": torch.zeros(65536, 4), "spk_id_encoded": 0}]
    >>> noisy = Disturbed(clean, lambda wavs, g: wavs + torch.randn(wavs.shape, generator=g), 1986)
    >>> torch.equal(noisy[0]["sig"], noisy[0]["sig"]), bool(noisy[0]["sig"].any())
    (True, True)
    """

    def __init__(self, dataset: torch.utils.data.Dataset, disturb: Callable, seed: int):
        self.dataset, self.disturb, self.seed = dataset, disturb, seed

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, number):
        """Disturb one recording."""
        item = self.dataset[number]
        draw = np.random.SeedSequence([self.seed, zlib.crc32(item["id"].encode())]).generate_state(1)[0]
        generator = torch.Generator().manual_seed(int(draw))
        return {**item, "sig": self.disturb(item["sig"][None], generator)[0]}

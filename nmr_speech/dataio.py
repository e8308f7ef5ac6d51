"""Manifests as SpeechBrain data sets: the only place where the columns become tensors and labels."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain.dataio.encoder import CategoricalEncoder
from speechbrain.utils.data_pipeline import provides, takes

from nmr_speech.checks import one_of
from nmr_speech.corpus.manifest import audio_path, check_recordings, read_manifest
from nmr_speech.corpus.wav import read_wav


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
    label_encoder = CategoricalEncoder()
    label_encoder.update_from_iterable(sorted(speakers))
    label_encoder.expect_len(len(set(speakers)))

    @takes("wav")
    @provides("sig")
    def sig(wav):
        return read_wav(audio_path(wav, data_root)).T.contiguous()

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

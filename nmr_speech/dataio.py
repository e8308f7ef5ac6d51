"""Manifests as SpeechBrain data sets: the only place where the columns become tensors and labels."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain.dataio.encoder import CategoricalEncoder
from speechbrain.utils.data_pipeline import provides, takes

from nmr_speech.corpus.manifest import audio_path, check_recordings, read_manifest
from nmr_speech.corpus.wav import read_wav


def load_datasets(manifests: Mapping[str, str | Path], data_root: str | Path, speakers: Sequence[str]):
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
        rows = read_manifest(path, speakers)
        check_recordings(path, rows, data_root)
        items = {row.ID: {"wav": row.wav, "spk_id": row.spk_id} for row in rows}
        datasets[name] = DynamicItemDataset(items, [sig, spk_id_encoded], ["id", "sig", "spk_id_encoded"])
    return datasets, label_encoder

"""SpeechBrain's inference interface for recordings of four channels."""

from pathlib import Path

import torch
from speechbrain.inference.classifiers import EncoderClassifier
from speechbrain.utils.fetching import FetchConfig

from nmr_speech.checks import InputError
from nmr_speech.corpus.wav import read_wav
from nmr_speech.hub.fetch import COMMIT, hub_errors
from nmr_speech.inference.load import load_classifier
from nmr_speech.inference.modules import Features, Posterior, Recording, StreamEmbedding, Unchanged


class AminoAcidClassifier(EncoderClassifier):
    """Names the amino acid in a recording, and tells whether two recordings hold the same one.

    Used as SpeechBrain's `EncoderClassifier`. `encode_batch(wavs)` maps waveforms (B, 65536, 4) to embeddings
    (B, 1, D); `classify_batch(wavs)` and `classify_file(path)` give log-probabilities (B, S), the largest of each
    recording, its index and its residue. Files have 4 channels at 8 kHz and 65,536 samples; what is no recording is
    refused with a reason, never resampled or mixed down. ``commit`` is the Hub's commit of the model; None for a
    folder.
    """

    commit = None

    @classmethod
    def from_hparams(cls, source: str, revision: str | None = None, run_yaml: bool = False, **options):
        """Load a model; nothing that it brings is executed, unless asked for.

        Arguments
        ---------
        source : str
            Hub repository ``user/name``, bundle, or ``output_folder`` of the training recipe.
        revision : str | None
            Commit, tag or branch of a repository. A commit of 40 digits always gives the same model, and is asked
            of the Hub only once.
        run_yaml : bool
            Load in SpeechBrain's way, which calls whatever the source's ``hyperparams.yaml`` names: only for a source
            that you trust as you trust a program. A repository must then be pinned to a commit.
        **options : dict
            For SpeechBrain: ``run_opts``, ``freeze_params``; with ``run_yaml`` also those of
            `speechbrain.inference.interfaces.pretrained_from_hparams`.

        Returns
        -------
        AminoAcidClassifier
        """
        if "savedir" in options:
            raise InputError(
                "`savedir` must be left out: the Hub's cache keeps each commit apart, a `savedir` does not"
            )
        if "fetch_config" in options:
            raise InputError("`fetch_config` must be left out: give `revision`; the login and HF_TOKEN count anyway")
        if not run_yaml and (unsafe := options.keys() - {"run_opts", "freeze_params"}):
            raise InputError(f"`{unsafe.pop()}` means something with `run_yaml=True` alone; leave it out")
        if run_yaml:
            return cls._from_hparams_by_speechbrain(source, revision, options)
        model = load_classifier(str(source), revision)
        modules = {
            "compute_features": Features(model.embedder.frontend),
            "mean_var_norm": Unchanged(),
            "embedding_model": StreamEmbedding(model.embedder.backbone),
            "classifier": Posterior(model.head, model.calibration.get("temperature", 1.0)),
        }
        hparams = {
            "label_encoder": model.labels,
            "audio_normalizer": Recording(),
            "calibration": model.calibration,
        }
        loaded = cls(modules=modules, hparams=hparams, **options)
        if not Path(source).is_dir():
            loaded.commit = model.folder.name
        return loaded

    @classmethod
    def _from_hparams_by_speechbrain(cls, source, revision, options):
        if not Path(source).is_dir() and not COMMIT.fullmatch(revision or ""):
            raise InputError(
                f"`revision` must be a commit (40 hexadecimal digits) where `run_yaml` lets {source} run code, "
                f"got {revision!r}; read its hyperparams.yaml at that commit first"
            )
        config = FetchConfig(token=None, revision=revision)  # token=None: the login, which SpeechBrain leaves out
        with hub_errors(str(source)):
            loaded = super().from_hparams(source, fetch_config=config, **options)
        loaded.hparams.label_encoder.expect_len(len(loaded.hparams.label_encoder))
        loaded.commit = revision
        return loaded

    @property
    def labels(self) -> list[str]:
        """The residues, in the order of the probabilities."""
        return self.hparams.label_encoder.decode_ndim(range(len(self.hparams.label_encoder)))

    def encode_batch(self, wavs, wav_lens=None, normalize=False):
        """Embed waveforms (B, 65536, 4), or one of (65536, 4): embeddings (B, 1, D)."""
        if normalize:
            raise InputError("`normalize` must be False: this model has no statistics of embeddings")
        return super().encode_batch(wavs.unsqueeze(0) if wavs.ndim == 2 else wavs, wav_lens)

    def load_audio(self, path, savedir=None):
        """Read a WAV or FLAC file of this machine: (65536, 4)."""
        return read_wav(path).to(self.device)

    def verify_batch(self, wavs1, wavs2, wav1_lens=None, wav2_lens=None, threshold=None):
        """Cosine of embeddings (B, 1), and whether it reaches the threshold; None takes that of the calibration."""
        if threshold is None:
            threshold = self.hparams.calibration.get("threshold")
        if threshold is None:
            raise InputError("`threshold` must be given, for this model brings none; typical: 0.5")
        score = torch.cosine_similarity(
            self.encode_batch(wavs1, wav1_lens), self.encode_batch(wavs2, wav2_lens), dim=-1
        )
        return score, score >= threshold

    def verify_files(self, path_x, path_y, threshold=None):
        """Whether two files hold the same amino acid: cosine (1,) and decision (1,)."""
        score, same = self.verify_batch(*(self.load_audio(path) for path in (path_x, path_y)), threshold=threshold)
        return score[0], same[0]

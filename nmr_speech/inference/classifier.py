"""SpeechBrain's inference interface for recordings of four channels."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from speechbrain.inference.classifiers import EncoderClassifier
from speechbrain.utils.fetching import FetchConfig

from nmr_speech.checks import InputError, quoted
from nmr_speech.corpus.wav import read_wav
from nmr_speech.hub.fetch import COMMIT, hub_errors, locate
from nmr_speech.inference.detect import detect
from nmr_speech.inference.load import load_classifier
from nmr_speech.inference.modules import AudioCheck, Features, StreamEmbedding, Unchanged
from nmr_speech.training.launch import choose_device


class AminoAcidClassifier(EncoderClassifier):
    """Classifies the amino acid in a recording, and verifies whether two recordings contain the same one.

    Used like SpeechBrain's `EncoderClassifier`. `encode_batch(wavs)` maps waveforms (B, 65536, 4) to embeddings
    (B, 1, D); `classify_batch(wavs)` and `classify_file(path)` return log-probabilities (B, S), the largest of each
    recording, its index and its residue; `detect_batch(wavs)` the probability that each is present. Files have 4
    channels at 8 kHz and 65,536 samples; any other file is refused with a reason, never resampled or mixed down.
    ``commit`` is the Hub's commit of the model; None for a folder.
    """

    commit: str | None = None

    @classmethod
    def from_hparams(
        cls, source: str | Path = "measured", revision: str | None = None, run_yaml: bool = False, **options: Any
    ) -> "AminoAcidClassifier":
        """Load a model. Loading never executes code from the source, unless ``run_yaml`` is set.

        Arguments
        ---------
        source : str | Path
            Hub repository ``user/name``, bundle, or ``output_folder`` of the training recipe; "measured" for the model
            of this package, which detects several residues or none.
        revision : str | None
            Commit, tag or branch of a repository; None for the main branch. A commit of 40 digits always gives the
            same model, and is requested from the Hub only once.
        run_yaml : bool
            Load with SpeechBrain's loader, which calls whatever the ``hyperparams.yaml`` of the source names. Use it
            only for a source whose code you would run. A repository must then be pinned to a commit.
        **options : dict
            For SpeechBrain: ``run_opts``, ``freeze_params``; with ``run_yaml`` also those of
            `speechbrain.inference.interfaces.pretrained_from_hparams`.

        Returns
        -------
        AminoAcidClassifier

        Example
        -------
        >>> AminoAcidClassifier.from_hparams("user/amino", revision="main", run_yaml=True)
        Traceback (most recent call last):
        ...
        nmr_speech.checks.InputError: `revision` must be a commit (40 hexadecimal digits) where `run_yaml` lets ...
        """
        if "savedir" in options:
            raise InputError(
                "`savedir` must be left out: the Hub's cache keeps each commit apart, a `savedir` does not"
            )
        if "fetch_config" in options:
            raise InputError("`fetch_config` must be left out: give `revision`; the login and HF_TOKEN are always used")
        if not run_yaml and (unsafe := options.keys() - {"run_opts", "freeze_params"}):
            raise InputError(f"`{unsafe.pop()}` needs `run_yaml=True`; leave it out")
        if device := (options.get("run_opts") or {}).get("device"):
            choose_device(str(device))
        if run_yaml:
            return cls._from_hparams_by_speechbrain(source, revision, options)
        model = load_classifier(source, revision)
        modules = {
            "compute_features": Features(model.embedder.frontend),
            "mean_var_norm": Unchanged(),
            "embedding_model": StreamEmbedding(model.embedder.backbone),
            "classifier": model.posterior,
        }
        hparams = {
            "label_encoder": model.labels,
            "audio_normalizer": AudioCheck(),
            "calibration": model.calibration,
        }
        loaded = cls(modules=modules, hparams=hparams, **options)
        loaded.commit = model.commit
        return loaded

    @classmethod
    def _from_hparams_by_speechbrain(
        cls, source: str | Path, revision: str | None, options: Mapping[str, Any]
    ) -> "AminoAcidClassifier":
        if Path(source).is_dir():
            locate(source, revision, ())  # which refuses a revision beside a folder
        elif not COMMIT.fullmatch(revision or ""):
            raise InputError(
                f"`revision` must be a commit (40 hexadecimal digits) where `run_yaml` lets {source} run code, "
                f"got {quoted(revision)}; read its hyperparams.yaml at that commit first"
            )
        # SpeechBrain's default, token=False, ignores the login.
        config = FetchConfig(token=None, revision=revision)
        try:
            with hub_errors(str(source)):
                loaded = super().from_hparams(source, fetch_config=config, **options)
        except ImportError as error:  # the safe loader knows where classes have moved, SpeechBrain's does not
            raise InputError(f"{source}: made by another version ({error}); load it without `run_yaml`") from error
        loaded.hparams.label_encoder.expect_len(len(loaded.hparams.label_encoder))
        loaded.commit = revision
        return loaded

    @property
    def labels(self) -> list[str]:
        """The residues, in the order of the probabilities."""
        return self.hparams.label_encoder.decode_ndim(range(len(self.hparams.label_encoder)))

    def encode_batch(
        self, wavs: torch.Tensor, wav_lens: torch.Tensor | None = None, normalize: bool = False
    ) -> torch.Tensor:
        """Embed waveforms (B, 65536, 4), or one of (65536, 4): embeddings (B, 1, D).

        Relative lengths ``wav_lens`` (B,) must be 1. ``normalize`` must be False: the model has no mean embedding.
        """
        if normalize:
            raise InputError("`normalize` must be False: this model has no statistics of embeddings")
        return super().encode_batch(wavs.unsqueeze(0) if wavs.ndim == 2 else wavs, wav_lens)

    def detect_batch(self, wavs: torch.Tensor, wav_lens: torch.Tensor | None = None) -> torch.Tensor:
        """Detect residues in waveforms (B, 65536, 4), or in one of (65536, 4): several, one or none.

        Returns the calibrated probability that each is present, (B, S), in the order of `labels`. Relative lengths
        ``wav_lens`` (B,) must be 1. A model that knows one residue at a time is refused.
        """
        embeddings = self.encode_batch(wavs, wav_lens).squeeze(1)
        return detect(self.mods.classifier.head, embeddings, self.hparams.calibration).probability

    def load_audio(self, path: str | Path, savedir: str | None = None) -> torch.Tensor:
        """Read a local WAV or FLAC file: waveform (65536, 4). ``savedir`` is SpeechBrain's argument and unused."""
        return read_wav(path).to(self.device)

    def verify_batch(
        self,
        wavs1: torch.Tensor,
        wavs2: torch.Tensor,
        wav1_lens: torch.Tensor | None = None,
        wav2_lens: torch.Tensor | None = None,
        threshold: float | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Verify pairs of waveforms, both (B, 65536, 4), as SpeechBrain's `SpeakerRecognition` does.

        Arguments
        ---------
        wavs1, wavs2 : torch.Tensor
            Waveforms of the pairs, (B, 65536, 4).
        wav1_lens, wav2_lens : torch.Tensor | None
            Relative lengths (B,), which must be 1; None for 1.
        threshold : float | None
            Cosine from which two recordings count as the same amino acid; None for that of the calibration.

        Returns
        -------
        tuple[torch.Tensor, torch.Tensor]
            Cosines of the embeddings, (B, 1), and decisions, bool, (B, 1).
        """
        if threshold is None:
            threshold = self.hparams.calibration.get("threshold")
        if threshold is None:
            raise InputError("`threshold` must be given, because this model has none; typical: 0.5")
        score = torch.cosine_similarity(
            self.encode_batch(wavs1, wav1_lens), self.encode_batch(wavs2, wav2_lens), dim=-1
        )
        return score, score >= threshold

    def verify_files(
        self, path_x: str | Path, path_y: str | Path, threshold: float | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Verify whether two files contain the same amino acid: cosine (1,) and decision (1,); see `verify_batch`."""
        score, same = self.verify_batch(self.load_audio(path_x), self.load_audio(path_y), threshold=threshold)
        return score[0], same[0]

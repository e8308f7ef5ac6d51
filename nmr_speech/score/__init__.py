"""Scoring and reporting, on NumPy arrays."""

from nmr_speech.score.detection import cllr, eer, min_cllr, min_dcf

__all__ = ["cllr", "eer", "min_cllr", "min_dcf"]

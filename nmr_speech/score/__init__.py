"""Figures of merit of classifiers and of speaker verification, on NumPy arrays.

This room loads no torch; only `nmr_speech.score.bound`, which draws from the simulator, does.
"""

from nmr_speech.score.detection import DetCurve, cllr, det_curve, eer, min_cllr, min_dcf

__all__ = ["DetCurve", "cllr", "det_curve", "eer", "min_cllr", "min_dcf"]

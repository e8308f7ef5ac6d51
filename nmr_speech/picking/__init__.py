"""Peak picking: which peaks a spectrum of one or two dimensions has, where, how high and how wide."""

from nmr_speech.picking.peaks import Candidates, Peaks
from nmr_speech.picking.pick import METHODS, Picker, pick

__all__ = ["METHODS", "Candidates", "Peaks", "Picker", "pick"]

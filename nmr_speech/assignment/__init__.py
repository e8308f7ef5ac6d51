"""Residues fitted to a spectrum by simulation: shifts, amounts, assigned peaks, and what no residue explains."""

from nmr_speech.assignment.explain import AssignedPeak, Explanation, explain
from nmr_speech.assignment.nnls import nnls_amounts

__all__ = ["AssignedPeak", "Explanation", "explain", "nnls_amounts"]

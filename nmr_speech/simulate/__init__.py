"""Spin physics: from chemical-shift statistics and couplings to TOCSY experiments."""

from nmr_speech.simulate.acquisition import Acquisition
from nmr_speech.simulate.draw import Mixture, Recording, draw_mixture, draw_recording, draw_recordings
from nmr_speech.simulate.fid import spectrum
from nmr_speech.simulate.library import load_molecule, molecule_ids
from nmr_speech.simulate.molecule import Molecule
from nmr_speech.simulate.pulse_acquire import pulse_acquire
from nmr_speech.simulate.residues import RESIDUES, Residue
from nmr_speech.simulate.sample import Sample, load_residue
from nmr_speech.simulate.spin_system import SpinSystem
from nmr_speech.simulate.synthetic import draw_molecule, draw_sibling
from nmr_speech.simulate.tocsy import tocsy

__all__ = [
    "RESIDUES",
    "Acquisition",
    "Mixture",
    "Molecule",
    "Recording",
    "Residue",
    "Sample",
    "SpinSystem",
    "draw_mixture",
    "draw_molecule",
    "draw_recording",
    "draw_recordings",
    "draw_sibling",
    "load_molecule",
    "load_residue",
    "molecule_ids",
    "pulse_acquire",
    "spectrum",
    "tocsy",
]

"""Chemical shifts of proteins from their sequences, and secondary structure from shifts."""

from nmr_speech.shifts.load import load_network
from nmr_speech.shifts.network import ShiftNetwork, StructureNetwork, WindowNetwork
from nmr_speech.shifts.predict import Prediction, predict, structure_from_shifts

__all__ = [
    "Prediction",
    "ShiftNetwork",
    "StructureNetwork",
    "WindowNetwork",
    "load_network",
    "predict",
    "structure_from_shifts",
]

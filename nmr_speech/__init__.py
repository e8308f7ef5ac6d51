"""Amino acids as speakers: TOCSY experiments simulated, heard as audio, and named by speaker-embedding models."""

__version__ = "0.1.0"

"""Scoring and reporting, on NumPy arrays."""

"""Recordings that several tests write to files."""

import pytest

from tests.spectrometer.writers import FIELD_MHZ, rows_of, simulated, t1_fine


@pytest.fixture(scope="session")
def fine():
    return t1_fine(128)


@pytest.fixture(scope="session")
def expected():
    """What was to be measured, on the grid of a model of the same field, (2, 128, 128)."""
    return simulated(carrier_ppm=5.0, width_hz=12 * FIELD_MHZ, n_transients=128, n_points=128)


@pytest.fixture(scope="session")
def rows(fine):
    return rows_of(fine, "states")[:32]

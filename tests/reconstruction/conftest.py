"""Recordings that tests of processed spectra share with those of the spectrometer."""

import pytest

from tests.spectrometer.writers import FIELD_MHZ, simulated, t1_fine


@pytest.fixture(scope="session")
def half_dwells():
    """Every half dwell in t1 of valine, (2, 256, 256)."""
    return t1_fine(128)


@pytest.fixture(scope="session")
def expected():
    """What was to be measured, on the grid of a model of the same field, (2, 128, 128)."""
    return simulated(carrier_ppm=5.0, width_hz=12 * FIELD_MHZ, n_transients=128, n_points=128)

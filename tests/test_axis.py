"""The axis of a spectrum against the Fourier transform and against itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError

AXES = st.builds(
    Axis,
    n=st.integers(1, 300),
    width_hz=st.floats(10, 4e4),
    carrier_ppm=st.floats(-200, 200),
    field_mhz=st.floats(100, 1200),
)


@given(AXES, st.data())
def test_a_line_appears_at_its_shift(axis, data):
    """exp(2 pi i (shift - carrier) field t), sampled and transformed, peaks at the point of that shift."""
    point = data.draw(st.integers(0, axis.n - 1))
    offset_hz = (axis.ppm()[point] - axis.carrier_ppm) * axis.field_mhz
    signal = np.exp(2j * np.pi * offset_hz * axis.seconds())
    assert np.abs(np.fft.fftshift(np.fft.fft(signal))).argmax() == point


@given(AXES, st.data())
def test_a_part_has_the_shifts_of_the_whole(axis, data):
    low = data.draw(st.integers(0, axis.n - 1))
    high = data.draw(st.integers(low + 1, axis.n))
    if axis.width_hz * (high - low) / axis.n >= 1:
        np.testing.assert_allclose(axis.cut(low, high).ppm(), axis.ppm()[low:high], atol=1e-6, rtol=1e-9)


@given(AXES)
def test_the_carrier_is_in_the_middle_and_the_band_holds_every_point(axis):
    assert axis.ppm()[axis.n // 2] == axis.carrier_ppm
    low, high = axis.band_hz
    hz = axis.hz() + axis.centre_hz
    assert hz.min() >= low - 1e-6 * axis.width_hz
    assert hz.max() < high


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n": 0}, "`n` must be a whole number from 1"),
        ({"width_hz": 0}, r"`width_hz` must be from 1 to 1e\+06 Hz, got 0"),
        ({"carrier_ppm": float("nan")}, "`carrier_ppm` must be from -1000 to 1000 ppm, got nan"),
        ({"field_mhz": -600}, "`field_mhz` must be from 1 to 1300 MHz, got -600"),
    ],
)
def test_what_no_axis_can_have(settings, message):
    with pytest.raises(InputError, match=message):
        Axis(**settings)


def test_a_part_outside_the_axis():
    with pytest.raises(InputError, match="within its 8 points, got 4 to 12"):
        Axis(8).cut(4, 12)

"""Messages name a bad parameter, its unit and values that work."""

import math

import pytest

from nmr_speech.checks import InputError
from nmr_speech.simulate import pulse_acquire, tocsy

VAL = {"HA": 4.2, "HB": 2.0, "MG1": 0.9, "MG2": 0.8, "H": 8.2}


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        ("mixing_time_s", -0.1, r"`mixing_time_s` must be from 0 to 0.3 seconds, got -0.1 \(typical: 0.02 to 0.12\)"),
        ("mixing_time_s", math.nan, "`mixing_time_s` must be from 0 to 0.3 seconds, got nan"),
        ("mixing_time_s", "long", "`mixing_time_s` must be from 0 to 0.3 seconds, got 'long'"),
        ("field_mhz", 14.1, "`field_mhz` must be from 40 to 1300 MHz, got 14.1"),
        ("carrier_ppm", math.inf, "`carrier_ppm` must be from -100 to 100 ppm"),
        ("spectral_width_hz", 0, "`spectral_width_hz` must be from 1 to"),
        ("spectral_width_f1_hz", -7200, "`spectral_width_f1_hz` must be from 1 to"),
        ("spectral_width_f1_hz", 0, "`spectral_width_f1_hz` must be from 1 to"),
        ("n_transients", 0, "`n_transients` must be a whole number from 1 to 4096, got 0"),
        ("n_points", 10.5, "`n_points` must be a whole number from 1 to 4096, got 10.5"),
        ("decay_time_t1_s", 0, "`decay_time_t1_s` must be positive, got 0"),
        ("decay_time_t2_s", math.nan, "`decay_time_t2_s` must be positive, got nan"),
        ("tolerance", 1, "`tolerance` must be from 0 to 0.1"),
        (
            "sequence",
            "spinlock",
            "`sequence` must be one of isotropic, spin_lock, dipsi2, mlev17; got 'spinlock', did you mean 'spin_lock'",
        ),
        ("lock_hz", -1, "`lock_hz` must be from 0 to 1e"),
        ("quadrature", "tppi", "`quadrature` must be one of states, echo_antiecho"),
        ("adc_bits", 1, "`adc_bits` must be a whole number from 2 to 24"),
        ("memory_gb", -1, "`memory_gb` must be from 0 to"),
    ],
)
def test_parameters_of_the_experiment(parameter, value, message):
    with pytest.raises(InputError, match=message):
        tocsy("VAL", VAL, **{parameter: value})


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        ("field_mhz", 14.1, "`field_mhz` must be from 40 to 1300 MHz, got 14.1"),
        ("n_points", 2**20 + 1, "`n_points` must be a whole number from 1 to 1048576, got 1048577"),
        ("decay_time_t2_s", -1, "`decay_time_t2_s` must be positive, got -1"),
        ("tolerance", 1, "`tolerance` must be from 0 to 0.1"),
    ],
)
def test_parameters_of_pulse_acquire(parameter, value, message):
    with pytest.raises(InputError, match=message):
        pulse_acquire("VAL", VAL, **{parameter: value})


@pytest.mark.parametrize("experiment", [tocsy, pulse_acquire])
def test_shifts(experiment):
    with pytest.raises(InputError, match=r"`shifts_ppm` must name the groups HA, HB, MG1, MG2, H; got HA"):
        experiment("VAL", {"HA": 4.2})
    with pytest.raises(InputError, match=r"`shifts_ppm` must hold 5 shifts \(HA, HB, MG1, MG2, H\); got 2"):
        experiment("VAL", [4.2, 2.0])
    with pytest.raises(InputError, match=r"the shift of group HB must be a finite number of ppm, got nan"):
        experiment("VAL", VAL | {"HB": math.nan})

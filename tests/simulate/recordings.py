"""Recordings to disturb, and settings of every nuisance, for the tests."""

import torch

from nmr_speech.axis import Axis
from nmr_speech.simulate import SpinSystem, tocsy
from nmr_speech.simulate.nuisances import REAL_SPECTRUM

WIDTH_HZ, FIELD_MHZ, CARRIER_PPM = 7200.0, 600.0, 5.0
PPM = Axis(256, WIDTH_HZ, CARRIER_PPM, FIELD_MHZ).ppm()
SINGLE = SpinSystem({"H": 1}, {})
TRIPLE = SpinSystem({"A": 1, "B": 2, "X": 1}, {("A", "B"): 7.0, ("B", "X"): 12.0})
FIXED = {  # nothing left to draw
    "decay": {"rate_t1_per_s": 8.0, "rate_t2_per_s": 3.0},
    "reference_line": {"amplitude": 0.3},
    "residual_water": {"amplitude": 0.7, "axial_share": 0.1},
    "reference_offset": {"offset_ppm": 0.11},
    "phase_error": {
        "zero_order_f1_deg": 20.0,
        "first_order_f1_deg": -15.0,
        "zero_order_f2_deg": 12.0,
        "first_order_f2_deg": 25.0,
    },
    "shim": {"share": 0.2, "offset_hz": 5.0},
    "imbalance": {"gain_percent": 5.0, "phase_deg": -4.0},
    "digitisation": {"bits": 8},
    "dead_points": {"n": 2},
    "truncation": {"n_transients": 24},
}
DRAWN = REAL_SPECTRUM | {
    "truncation": {"n_transients": [20, 30]},
    "baseline": {"first_points_percent": [1.0, 5.0], "n_first_points": [2, 4], "dc_percent": [0.1, 1.0]},
    "shim": {"share": [0.1, 0.3], "offset_hz": [-6.0, 6.0]},
    "imbalance": {"gain_percent": [-5.0, 5.0], "phase_deg": [-5.0, 5.0]},
    "digitisation": {"bits": [8, 12]},
    "dead_points": {"n": [1, 3]},
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def recordings(n=3, size=32):
    shifts = [[4.3 + 0.1 * k, 2.1, 1.0 + 0.2 * k] for k in range(n)]
    return torch.stack([tocsy(TRIPLE, shift, n_transients=size, n_points=size) for shift in shifts])

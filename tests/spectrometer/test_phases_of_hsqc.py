"""Phases of spectra whose peaks have either sign, as in an edited HSQC, and of other nuclei."""

import numpy as np
import pytest

from nmr_speech.reconstruction.plane import to_plane
from nmr_speech.spectrometer import Sampling, read_experiment
from nmr_speech.spectrometer.phase import Phases
from tests.spectrometer.writers import CARRIER_PPM, FIELD_MHZ, WIDTH_HZ, write_bruker, write_processed

CARBON_MHZ = 125.757789
CARBON = {"NUC1": "13C", "BF1": CARBON_MHZ, "SFO1": CARBON_MHZ * (1 + 45e-6), "SW_h": None, "SW": 120.0}
PEAKS = (  # 13C and 1H shifts, ppm, and sign: CH2 are negative
    (62.9, 4.65, 1), (55.1, 3.77, -1), (30.2, 1.85, -1), (27.1, 1.72, -1), (22.2, 1.45, -1), (39.8, 3.02, -1),
    (17.3, 1.46, 1), (18.0, 1.02, 1), (61.0, 4.55, 1),
)  # fmt: skip


def edited_hsqc(phase_deg=0.0, first_deg=0.0, signs=True, n=(96, 512), noise=0.05):
    """States rows of an HSQC; ``phase_deg`` at the carrier and ``first_deg`` across the width of F2."""
    t1, t2 = np.arange(n[0]) / (120 * CARBON_MHZ * (1 + 45e-6)), np.arange(n[1]) / WIDTH_HZ
    pairs = np.zeros((2, *n), dtype=complex)
    for carbon_ppm, proton_ppm, sign in PEAKS:
        f1, f2 = (carbon_ppm - 45) * CARBON_MHZ, (proton_ppm - CARRIER_PPM) * FIELD_MHZ
        phase = np.deg2rad(phase_deg + first_deg * f2 / WIDTH_HZ)
        line = np.exp(2j * np.pi * f2 * t2 - t2 / 0.03 + 1j * phase) * (sign if signs else 1)
        decay = np.exp(-t1 / 0.003)
        pairs += np.stack([np.cos(2 * np.pi * f1 * t1) * decay, np.sin(2 * np.pi * f1 * t1) * decay])[..., None] * line
    rng = np.random.default_rng(0)
    pairs += noise * (rng.normal(size=pairs.shape) + 1j * rng.normal(size=pairs.shape))
    return pairs.transpose(1, 0, 2).reshape(2 * n[0], n[1])


def plane_of(folder, rows, phases=None, **processing):
    write_bruker(folder, rows, "states", acqu2s=CARBON, scale=1e5)
    if processing:
        write_processed(folder, **processing)
    return to_plane(read_experiment(folder, sampling=Sampling()), phases=phases)


def absorption(plane):
    """Share of the largest peaks' height that is left between them: dispersion has wide feet."""
    spectrum = plane.spectrum()
    heights = []
    for carbon_ppm, proton_ppm, sign in PEAKS:
        near = (abs(plane.f1.ppm()[:, None] - carbon_ppm) < 1.2) & (abs(plane.f2.ppm() - proton_ppm) < 0.03)
        window = sign * spectrum[near]
        heights.append((window.max() + window.min()) / (abs(window).max()))  # 0 for dispersion, near 1 for absorption
    return abs(np.array(heights))


@pytest.mark.parametrize(("phase_deg", "first_deg"), [(0.0, -5.0), (60.0, 40.0), (-120.0, 0.0)])
def test_peaks_of_either_sign_come_out_absorptive(phase_deg, first_deg, tmp_path):
    plane = plane_of(tmp_path / "hsqc", edited_hsqc(phase_deg, first_deg))
    assert absorption(plane).min() > 0.6
    assert plane.start == 0
    assert not plane.warnings
    assert "without 4.4 to 5.1 ppm" not in " ".join(plane.steps)


def test_the_phases_of_the_file_are_a_candidate(tmp_path):
    processing = {"procs": {"PHC0": 37.0, "PHC1": -5.0}, "proc2s": {"PHC0": 0.0, "PHC1": 0.0, "SF": CARBON_MHZ}}
    plane = plane_of(tmp_path / "hsqc", edited_hsqc(20.0, -5.0), **processing)
    assert absorption(plane).min() > 0.6
    assert "first order as in PHC1 of the file" in " ".join(plane.steps)
    assert plane.start == 0


def test_phases_by_hand(tmp_path):
    given = Phases(f1_deg=(0, 0), f2_deg=(20.0, -5.0))
    plane = plane_of(tmp_path / "hsqc", edited_hsqc(20.0, -5.0), given)
    assert absorption(plane).min() > 0.6
    assert "as given by the caller" in " ".join(plane.steps)
    wrong = plane_of(tmp_path / "hsqc", edited_hsqc(20.0, -5.0), Phases(f1_deg=(0, 0), f2_deg=(110.0, -5.0)))
    assert absorption(wrong).max() < 0.5


def test_water_that_dominates_is_left_out(tmp_path):
    rows = edited_hsqc(20.0)
    t2 = np.arange(rows.shape[1]) / WIDTH_HZ
    rows += 60 * np.exp(2j * np.pi * 20 * t2 - t2 / 0.02 + 2j) * np.exp(-np.arange(len(rows)) / 30)[:, None]
    plane = plane_of(tmp_path / "hsqc", rows)
    assert "without 4.4 to 5.1 ppm" in " ".join(plane.steps)


def test_noise_is_doubtful(tmp_path):
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(64, 128)) + 1j * rng.normal(size=(64, 128))
    assert "the phases are poor" in plane_of(tmp_path / "noise", rows).warnings[0]

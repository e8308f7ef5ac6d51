"""JEOL files: what was written comes back, and what is not a 2D experiment of protons is refused."""

import nmrglue
import numpy as np
import pytest

from nmr_speech.checks import InputError
from nmr_speech.spectrometer import read_experiment, to_grid
from tests.spectrometer.test_to_grid import SMALL_GRID
from tests.spectrometer.writers import CARRIER_PPM, FIELD_MHZ, WIDTH_HZ, likeness, rows_of, write_jeol


def test_what_was_written_is_read(fine, expected, tmp_path):
    experiment = read_experiment(write_jeol(tmp_path / "one.jdf", rows_of(fine, "states")))
    np.testing.assert_allclose(experiment.fid, fine[:, ::2], atol=1e-5)
    for axis in (experiment.f1, experiment.f2):
        assert axis.carrier_ppm == pytest.approx(CARRIER_PPM)
        assert axis.field_mhz == pytest.approx(FIELD_MHZ)
        assert axis.width_hz == WIDTH_HZ
    assert (experiment.mixing_time_s, experiment.solvent) == (0.06, "D2O")
    assert likeness(to_grid(experiment, SMALL_GRID), expected) > 0.99


def test_it_is_what_nmrglue_reads(fine, tmp_path):
    path = write_jeol(tmp_path / "one.jdf", rows_of(fine, "states")[:64, :64])
    _, rows = nmrglue.jeol.read(str(path))
    np.testing.assert_allclose(rows[::2], read_experiment(path).fid[0], atol=1e-5)
    content = bytearray(path.read_bytes())
    content[60:63] = "100 \xb5M".encode("latin-1")[3:]  # the title
    path.write_bytes(bytes(content))
    np.testing.assert_allclose(rows[::2], read_experiment(path).fid[0], atol=1e-5)


def test_what_is_no_tocsy_of_protons_is_refused(fine, tmp_path):
    rows = rows_of(fine, "states")[:64]
    cases = {
        "this is a spectrum; save the raw data": {"unit": "ppm"},
        "a series of 1D spectra over a list": {"ranged": "listed"},
        "t1 must be sampled uniformly": {"ranged": "sparse"},
        r"F1 must be complex \(States\), got real": {"types": ("complex", "real")},
        "got 1H in F2 and 13C in F1": {"y_domain": "Carbon13"},
        "x_sweep must be a number": {"x_sweep": -1.0},
    }
    for message, settings in cases.items():
        with pytest.raises(InputError, match=message):
            read_experiment(write_jeol(tmp_path / "one.jdf", rows, **settings))
    (tmp_path / "one.jdf").write_bytes((tmp_path / "one.jdf").read_bytes()[:3000])
    with pytest.raises(InputError, match="save the FID from Delta again"):
        read_experiment(tmp_path / "one.jdf")

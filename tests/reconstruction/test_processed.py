"""Processed spectra taken back to time: the recording that was processed comes back."""

import nmrglue
import numpy as np
import pytest

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.reconstruction.processed import find_spectrum, read_processed, to_time
from nmr_speech.reconstruction.spectrum_files import write_spectrum
from nmr_speech.spectrometer import read_experiment, to_grid
from tests.spectrometer.test_to_grid import SMALL_GRID
from tests.spectrometer.writers import CARRIER_PPM, FIELD_MHZ, WIDTH_HZ, likeness, write_processed

AXES = Axis(256, WIDTH_HZ, CARRIER_PPM, FIELD_MHZ), Axis(512, WIDTH_HZ, CARRIER_PPM, FIELD_MHZ)


def processed(half_dwells, window1, window2):
    """Transform a States pair as a spectrometer's program does: windows, first points halved, zero filling, real."""
    pairs = np.concatenate([half_dwells[:, ::2, :1] / 2, half_dwells[:, ::2, 1:]], axis=-1) * window2
    pairs[:, 0] /= 2
    real = np.fft.fftshift(np.fft.fft(pairs, 512), axes=-1).real
    in_t1 = (real[0] + 1j * real[1]) * window1[:, None]
    return np.fft.fftshift(np.fft.fft(in_t1, 256, axis=0), axes=0).real


def write_2rr(folder, spectrum, **window):
    """Write a processed Bruker spectrum, highest shift first, in blocks."""
    common = {"SF": FIELD_MHZ, "SW_p": WIDTH_HZ, "BYTORDP": 0, "DTYPP": 0} | window
    sizes = {"procs": (512, 128, 256), "proc2s": (256, 64, 128)}
    files = {}
    for (name, (size, block, points)), axis in zip(sizes.items(), reversed(AXES), strict=True):
        files[name] = common | {"SI": size, "XDIM": block, "TDeff": 2 * points, "OFFSET": axis.ppm()[-1], "MC2": 3}
    target = write_processed(folder, **files)
    falling = np.round(spectrum[::-1, ::-1] / abs(spectrum).max() * 2**28).astype("<i4")
    blocks = falling.reshape(4, 64, 4, 128).swapaxes(1, 2)
    (target / "2rr").write_bytes(blocks.tobytes())
    return target / "2rr"


def sine_squared(n):
    return np.sin(np.pi / 2 + np.pi / 2 * np.arange(n) / n) ** 2


def test_a_signal_comes_back_from_its_real_spectrum():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(3, 24)) + 1j * rng.normal(size=(3, 24))
    halved = np.concatenate([signal[:, :1] / 2, signal[:, 1:]], axis=1)
    back = to_time(np.fft.fftshift(np.fft.fft(halved, 64), axes=-1).real, 24)
    np.testing.assert_allclose(back[:, 1:], signal[:, 1:], atol=1e-9)
    np.testing.assert_allclose(back[:, 0], signal[:, 0].real, atol=1e-9)


def test_a_bruker_folder_with_2rr_alone(half_dwells, expected, tmp_path):
    spectrum = processed(half_dwells, sine_squared(128), sine_squared(256))
    path = write_2rr(tmp_path / "one", spectrum, WDW=4, SSB=2)
    assert find_spectrum(tmp_path / "one") == find_spectrum(path.parent) == find_spectrum(path) == path
    experiment = read_processed(path)
    assert experiment.warnings == ()
    assert experiment.f1.carrier_ppm == pytest.approx(CARRIER_PPM, abs=1e-3)
    assert likeness(to_grid(experiment, SMALL_GRID), expected) > 0.97
    (tmp_path / "one" / "ser").write_bytes(b"")
    assert find_spectrum(tmp_path / "one") is None
    with pytest.raises(InputError, match="give the experiment's folder"):
        read_experiment(path.parent)


def test_magnitude_spectra_are_refused(half_dwells, tmp_path):
    path = write_2rr(tmp_path / "one", processed(half_dwells, np.ones(128), np.ones(256)), PH_mod=2)
    with pytest.raises(InputError, match="this is a magnitude spectrum"):
        read_processed(path)
    path = write_2rr(tmp_path / "two", processed(half_dwells, np.ones(128), np.ones(256)))
    (path.parent / "procs").write_text("##$SI= 100\n##$XDIM= 10\n##$SW_p= 6000\n##$SF= 500\n##$OFFSET= 10\n")
    with pytest.raises(InputError, match=r"must hold 256 x 100 points of 4 bytes \(SI\)"):
        read_processed(path)


@pytest.mark.parametrize("ending", ["ft2", "ucsf"])
def test_an_unknown_window_is_a_warning(ending, half_dwells, expected, tmp_path):
    path = tmp_path / f"one.{ending}"
    write_spectrum(path, processed(half_dwells, sine_squared(128), sine_squared(256)), *AXES)
    experiment = read_processed(path)
    assert [warning[:23] for warning in experiment.warnings] == ["the window of F1 in the", "the window of F2 in the"]
    assert likeness(to_grid(experiment, SMALL_GRID), expected) > 0.85  # wider lines


def test_the_window_of_nmrpipe_is_divided_out(half_dwells, expected, tmp_path):
    path = tmp_path / "one.ft2"
    write_spectrum(path, processed(half_dwells, sine_squared(128), sine_squared(256)), *AXES)
    header, data = nmrglue.pipe.read(str(path))
    for dimension, points in (("F1", 128), ("F2", 256)):
        window = {"TDSIZE": points, "APODCODE": 1, "APODQ1": 0.5, "APODQ2": 0.998, "APODQ3": 2, "C1": -0.5}
        header |= {f"FD{dimension}{name}": float(value) for name, value in window.items()}
    nmrglue.pipe.write(str(path), header, data, overwrite=True)
    experiment = read_processed(path)
    assert experiment.fid.shape == (2, 128, 256)
    assert experiment.warnings == ()
    assert likeness(to_grid(experiment, SMALL_GRID), expected) > 0.97


def test_another_nucleus_is_refused(tmp_path):
    write_spectrum(tmp_path / "one.ft2", np.eye(64), Axis(64, 2000.0, 118.0, 50.7), Axis(64, 6000.0, 4.7, 500.0))
    with pytest.raises(InputError, match="that of 15N where 1H is at 500 MHz"):
        read_processed(tmp_path / "one.ft2")

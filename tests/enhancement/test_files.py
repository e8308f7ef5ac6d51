"""`nmr-speech denoise`, from measured files to files, in one dimension and in two."""

import json

import nmrglue
import numpy as np
import pytest

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.enhancement import denoise_1d, run
from nmr_speech.enhancement.files import write_1d
from nmr_speech.enhancement.run import denoise_file
from nmr_speech.reconstruction.spectrum_files import read_spectrum
from nmr_speech.simulate import load_residue, pulse_acquire
from nmr_speech.spectrometer import Experiment1D, read_1d
from tests.spectrometer.writers import CARRIER_PPM, FIELD_MHZ, WIDTH_HZ, filtered, rows_of, t1_fine, write_bruker

N = 4096
AXIS = Axis(N, WIDTH_HZ, CARRIER_PPM, FIELD_MHZ)


@pytest.fixture(scope="module")
def alanine():
    """An FID of alanine whose tallest line stands 40 standard deviations out of the noise, and the line's shift."""
    residue = load_residue("ALA", "d2o", "free")
    settings = {"field_mhz": FIELD_MHZ, "carrier_ppm": CARRIER_PPM, "spectral_width_hz": WIDTH_HZ, "n_points": N}
    fid = pulse_acquire(residue, residue.shift_mean_ppm, decay_time_t2_s=0.2, **settings).numpy().astype(complex)
    std = abs(np.fft.fft(fid, norm="ortho")).max() / 40
    noise = np.random.default_rng(0).normal(size=(N, 2)) @ (1, 1j)
    return fid + std * noise, fid, std


def bruker_1d(folder, fid, **acqus):
    """A Bruker folder with one FID, as 32-bit integers."""
    folder.mkdir()
    observed = FIELD_MHZ * (1 + CARRIER_PPM * 1e-6)
    values = {"NUC1": "<1H>", "BF1": FIELD_MHZ, "SFO1": observed, "SW_h": WIDTH_HZ, "TD": 2 * len(fid), "AQ_mod": 3,
              "BYTORDA": 0, "DTYPA": 0, "GRPDLY": 0, "DSPFVS": 20, "DECIM": 1, "DIGMOD": 1} | acqus  # fmt: skip
    (folder / "acqus").write_text("".join(f"##${key}= {value}\n" for key, value in values.items()))
    (folder / "fid").write_bytes(np.round(fid * 1e6).view(float).astype("<i4").tobytes())
    return folder


def varian_1d(folder, fid):
    udic = {"ndim": 1, 0: {"sw": WIDTH_HZ, "complex": True, "time": True, "freq": False, "obs": FIELD_MHZ, "car": 0,
                           "size": len(fid), "label": "H", "encoding": "direct"}}  # fmt: skip
    dic = nmrglue.varian.create_dic(udic)
    for name, value in {"sw": WIDTH_HZ, "sfrq": FIELD_MHZ * (1 + CARRIER_PPM * 1e-6), "reffrq": FIELD_MHZ}.items():
        dic["procpar"][name] = nmrglue.varian.create_pdic_param(name, [repr(value)])
    folder.mkdir()
    nmrglue.varian.write(str(folder), dic | {"status": 9}, fid.conj().astype(np.complex64)[None], overwrite=True)
    return folder


def pipe_1d(path, fid):
    write_1d(path, fid, AXIS)
    return path


WRITERS = {
    "bruker": lambda folder, fid: bruker_1d(folder / "bruker", fid),
    "varian": lambda folder, fid: varian_1d(folder / "varian", fid),
    "time": lambda folder, fid: pipe_1d(folder / "one.fid", fid),
    "frequency": lambda folder, fid: pipe_1d(folder / "one.ft1", fid),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_holds_the_same_signal(kind, alanine, tmp_path):
    read = read_1d(WRITERS[kind](tmp_path, alanine[0]))
    scale = 1e6 if kind == "bruker" else 1
    assert abs(read.fid / scale - alanine[0]).max() < 1e-4 * abs(alanine[0]).max()
    assert read.axis.carrier_ppm == pytest.approx(CARRIER_PPM, abs=1e-4)
    assert (read.axis.n, read.axis.width_hz, read.nucleus) == (N, pytest.approx(WIDTH_HZ), "1H")


def test_the_delay_of_a_digital_filter_is_removed(tmp_path):
    oversampled = Axis(8 * 512, 8 * WIDTH_HZ, CARRIER_PPM, FIELD_MHZ)
    line = np.exp((2j * np.pi * 400 - 100) * oversampled.seconds())
    folder = bruker_1d(tmp_path / "late", filtered(line[None], 40.25, 512)[0], GRPDLY=40.25)
    read = read_1d(folder)
    # Apart from the filter's ringing, the points are those of the line from time zero on.
    line = np.exp((2j * np.pi * 400 - 100) * Axis(512, WIDTH_HZ).seconds()) * 1e6
    assert abs(read.fid[20:400] - line[20:400]).max() < 0.02 * 1e6


@pytest.mark.parametrize("ending", [".fid", ".ft1"])
def test_the_command_writes_what_is_left(ending, alanine, tmp_path, capsys):
    noisy, clean, std = alanine
    out = tmp_path / f"clean{ending}"
    path = bruker_1d(tmp_path / "measured", noisy)
    main(["denoise", str(path), "--out", str(out), "--plot", str(tmp_path / "a.png"), "--json"])
    told = json.loads(capsys.readouterr().out)
    left = read_1d(out).fid / 1e6
    assert np.linalg.norm(left - clean) < 0.5 * np.linalg.norm(noisy - clean)
    assert told["noise_std"] == pytest.approx(1e6 * std, rel=0.1)
    doublet = [peak["ppm"] for peak in told["peaks"] if peak["height"] > 20]
    assert len(doublet) == 2
    assert doublet == pytest.approx([np.mean(doublet)] * 2, abs=0.01)
    assert {"ppm", "height", "std", "certain"} == set(told["peaks"][0])
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_peaks_below_the_noise_of_the_input_are_uncertain(alanine):
    result = denoise_1d(Experiment1D(fid=alanine[0], axis=AXIS))
    heights = {peak["height"]: peak["certain"] for peak in result.peaks()}
    assert all(certain == (height >= 4) for height, certain in heights.items())
    assert list(heights) == sorted(heights, reverse=True)


def test_two_dimensions(tmp_path, capsys):
    fine = t1_fine(64)
    rows = rows_of(fine, "states")
    rng = np.random.default_rng(0)
    noise = rng.normal(size=rows.shape) + 1j * rng.normal(size=rows.shape)
    scale = abs(rows[0]).max() / 30
    clean = write_bruker(tmp_path / "clean", rows, "states")
    noisy = write_bruker(tmp_path / "noisy", rows + scale * noise, "states")
    out = tmp_path / "out.ft2"
    main(["denoise", str(noisy), "--out", str(out), "--plot", str(tmp_path / "2d.png")])
    said = capsys.readouterr().out
    assert "Rows along F2 were denoised" in said
    assert (tmp_path / "2d.png").read_bytes().startswith(b"\x89PNG")
    truth = denoise_file(clean, tmp_path / "truth.ft2").before
    spectrum, f1, f2 = read_spectrum(out)
    assert spectrum.shape == truth.shape == (f1.n, f2.n)
    before = denoise_file(noisy, out).before
    after = np.roll(spectrum, (1, 1), axis=(0, 1))  # the file keeps the ends of both bands at the other end
    assert np.linalg.norm(after - truth) < 0.7 * np.linalg.norm(before - truth)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("a.ft2", "a.ft2: the name of a spectrum of 1D must end in .fid or .ft1"),
        ("nowhere/a.fid", "the folder nowhere does not exist"),
    ],
)
def test_names_that_cannot_be_written(out, message, alanine, tmp_path):
    path = pipe_1d(tmp_path / "one.fid", alanine[0])
    with pytest.raises(InputError, match=message):
        denoise_file(path, out)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["one.fid"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "fid").write_bytes(bytes(100)), "must hold 32768 bytes .* got 100; was it cut off"),
        (lambda folder: (folder / "fid").write_bytes(bytes(8 * N)), "all 4096 points are zero"),
        (lambda folder: (folder / "acqus").write_text("##$TD= 8192\n"), "AQ_mod must be 1 or 3"),
    ],
)
def test_damaged_folders(spoil, message, alanine, tmp_path):
    folder = bruker_1d(tmp_path / "one", alanine[0])
    spoil(folder)
    with pytest.raises(InputError, match=message):
        denoise_file(folder, tmp_path / "a.fid")


def test_real_and_apodised_spectra_are_refused(alanine, tmp_path):
    path = pipe_1d(tmp_path / "one.ft1", alanine[0])
    header, points = nmrglue.pipe.read(str(path))
    nmrglue.pipe.write(str(tmp_path / "sp.ft1"), header | {"FDF2APODCODE": 1.0}, points)
    with pytest.raises(InputError, match="must not be apodised"):
        run.denoise_file(tmp_path / "sp.ft1", tmp_path / "a.fid")
    header, real = nmrglue.process.pipe_proc.di(header, points)
    nmrglue.pipe.write(str(tmp_path / "di.ft1"), header, real)
    with pytest.raises(InputError, match="points must be complex"):
        run.denoise_file(tmp_path / "di.ft1", tmp_path / "a.fid")


def test_files_too_large_are_refused_before_they_are_read(alanine, tmp_path):
    folder = bruker_1d(tmp_path / "one", alanine[0])
    (folder / "acqus").write_bytes(bytes(2**20 + 1))
    with pytest.raises(InputError, match="a parameter file must have at most 1 MiB"):
        denoise_file(folder, tmp_path / "a.fid")


def test_neither_one_nor_two_dimensions(tmp_path):
    with pytest.raises(InputError, match="no such file or folder; give a Bruker or Varian folder or an NMRPipe file"):
        denoise_file(tmp_path / "nothing", tmp_path / "a.ft2")

"""Each kind of file that is no 2D experiment has a sentence of its own."""

import pytest

from nmr_speech.checks import InputError
from nmr_speech.spectrometer import read_experiment
from tests.spectrometer.writers import (
    CARBON,
    FIELD_MHZ,
    write_bruker,
    write_nmrpipe,
    write_processed,
)


def test_nuclei_have_their_own_sentences(rows, tmp_path):
    for acqus, acqu2s, message in (
        ({}, CARBON | {"NUC1": "1H"}, r"F1 is called 1H, but its frequency of 125\.764 MHz is that of 13C where 1H"),
        ({}, CARBON, "got 1H in F2 and 13C in F1"),
        (CARBON, CARBON, "got 13C in F2 and 13C in F1"),
        ({}, CARBON | {"NUC1": "off"}, "got 1H in F2 and an unnamed nucleus in F1"),
    ):
        folder = write_bruker(tmp_path / "one", rows, "states", acqus=acqus, acqu2s=acqu2s)
        with pytest.raises(InputError, match=message):
            read_experiment(folder)


def test_empty_and_short_files_have_their_own_sentences(rows, tmp_path):
    few = rows.copy()
    few[5:] = 0
    for content, message in (
        (0 * rows, "all 32 rows are zero, .* the measurement never started or the data were not copied"),
        (few, "at least 8 rows must hold a signal, got 5 of 32: the experiment was stopped too early"),
    ):
        with pytest.raises(InputError, match=message):
            read_experiment(write_bruker(tmp_path / "one", content, "states"))


def test_nmrpipe_files_have_their_own_sentences(rows, tmp_path):
    for header, message in (
        ({"FDTRANSPOSED": 1.0}, "this file is transposed; turn it by `nmrPipe -fn TP`"),
        ({"FDF2FTFLAG": 1.0, "FDF1FTFLAG": 1.0}, r"this is a spectrum; .* a name that ends in \.ft2"),
    ):
        with pytest.raises(InputError, match=message):
            read_experiment(write_nmrpipe(tmp_path / "one.fid", rows, "states", **header))


def test_folders_have_their_own_sentences(rows, tmp_path):
    sample = tmp_path / "valine"
    sample.mkdir()
    for number, programme in ((2, "mlevph"), (10, "zg")):
        write_bruker(sample / str(number), rows, "states", acqus={"PULPROG": programme})
    with pytest.raises(InputError, match=r"valine: is no experiment itself, but holds 2; .*2 \(mlevph\), .*10 \(zg\)$"):
        read_experiment(sample)
    processing = write_processed(sample / "2", procs={"SF": FIELD_MHZ})
    with pytest.raises(InputError, match=r"pdata/1: is the folder of a processed spectrum; .* folder, .*valine/2, "):
        read_experiment(processing)
    one_d = sample / "1"
    one_d.mkdir()
    (one_d / "acqus").write_text("##END=")
    (one_d / "fid").write_bytes(bytes(64))
    for path in (one_d, one_d / "fid"):
        with pytest.raises(InputError, match=r"is a 1D experiment \(fid, no ser\); give a 2D TOCSY: .*2 \(mlevph\)"):
            read_experiment(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.tar.gz", "unpack it and give the experiment's folder, or pack that as ZIP"),
        ("a.tgz", "a packed archive other than ZIP"),
        ("a.jdx", "is JCAMP-DX"),
        ("a.nmrML", "is nmrML"),
        ("a.nmredata.sdf", "is an NMReDATA file"),
        ("a.mnova", "is a MestReNova document"),
        ("a.csv", "is text or a table, not an experiment"),
        ("a.ucsf", "is a processed spectrum, not an experiment"),
        ("a.unknown", "must be a Bruker folder"),
    ],
)
def test_other_files_have_their_own_sentences(name, message, tmp_path):
    (tmp_path / name).write_bytes(b"12345")
    with pytest.raises(InputError, match=message):
        read_experiment(tmp_path / name)

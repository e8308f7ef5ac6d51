"""Sizes are checked before anything is decoded: nothing that a user opens needs more than a gigabyte."""

import os
import zipfile

import numpy as np
import pytest

from nmr_speech.checks import InputError
from nmr_speech.spectrometer import read_experiment
from nmr_speech.spectrometer.limits import refuse_many_points
from nmr_speech.spectrometer.sampling import Sampling


def bruker(folder, **parameters):
    folder.mkdir()
    for name, rows in (("acqus", 1024), ("acqu2s", 64)):
        values = {"NUC1": "<1H>", "SFO1": 500.1, "BF1": 500.1, "SW_h": 6000.0, "TD": rows, "GRPDLY": 68.0}
        values |= {"BYTORDA": 0, "DTYPA": 0, "AQ_mod": 3, "FnMODE": 5}
        values |= parameters.get(name, {})
        (folder / name).write_text("".join(f"##${key}= {value}\n" for key, value in values.items()))
    (folder / "ser").write_bytes(np.ones(1024 * 64, "<i4").tobytes())
    return folder


@pytest.mark.parametrize("name", ["acqus", "acqu2s", "nuslist", "pdata/1/procs"])
def test_a_parameter_file_has_a_megabyte_at_most(tmp_path, name):
    folder = bruker(tmp_path / "1")
    (folder / "pdata" / "1").mkdir(parents=True)
    with (folder / name).open("ab") as file:
        file.truncate(200 * 2**20)
    with pytest.raises(InputError, match=rf"{name}: a parameter file must have at most 1 MiB, got 209715200 bytes"):
        read_experiment(folder)


def test_procpar_has_a_megabyte_at_most(tmp_path):
    (tmp_path / "procpar").touch()
    os.truncate(tmp_path / "procpar", 2**21)
    with pytest.raises(InputError, match="procpar: a parameter file must have at most 1 MiB"):
        read_experiment(tmp_path)


@pytest.mark.parametrize("name", ["ser", "fid", "one.jdf", "one.ft"])
def test_a_sparse_file_is_not_read(tmp_path, name):
    folder = bruker(tmp_path / "1")
    magic = {"one.jdf": b"JEOL.NMR", "one.ft": np.array([0, 0, 2.345] + 509 * [0], dtype="<f4").tobytes()}
    (folder / name).write_bytes(magic.get(name, b""))
    os.truncate(folder / name, 3 * 2**30)
    with pytest.raises(InputError, match=rf"{name}: an experiment must have at most 64 MiB, got 3221225472 bytes"):
        read_experiment(folder / name if "." in name else folder)


def test_rows_by_points_are_checked_where_zeros_would_be_added(tmp_path):
    folder = bruker(tmp_path / "1", acqus={"TD": 2**20}, acqu2s={"TD": 2**16})
    with pytest.raises(InputError, match="acqu2s: an experiment must have at most 8388608 complex points, got 65536 r"):
        read_experiment(folder)
    with pytest.raises(InputError, match="an experiment must have at most 8388608 complex points"):
        Sampling(np.array([0, 2**40])).expand(np.ones((4, 64)), 4, 0, "ser")
    refuse_many_points("ser", 2048, 4096)


def test_an_archive_that_unpacks_to_many_times_its_size_is_refused(tmp_path):
    folder = bruker(tmp_path / "1")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "acqus", "1/acqus")
        archive.write(folder / "acqu2s", "1/acqu2s")
        archive.writestr("1/ser", bytes(20 * 2**20))
    with pytest.raises(InputError, match=r"bomb\.zip: '1/ser' unpacks to more than 200 times its size"):
        read_experiment(tmp_path / "bomb.zip")

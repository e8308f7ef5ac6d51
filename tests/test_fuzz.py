"""Whatever bytes a file holds, its reader returns something or refuses in one printable sentence."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nmr_speech.checks import InputError
from nmr_speech.corpus.manifest import read_manifest
from nmr_speech.corpus.plan import DatasetPlan, refuse_other_plan, write_description
from nmr_speech.corpus.trials import read_trials
from nmr_speech.corpus.wav import is_whole, read_wav
from nmr_speech.reconstruction.schedule_file import read_schedule
from nmr_speech.training.checkpoints import read_meta
from nmr_speech.training.experiment import Experiment
from nmr_speech.training.hparams import load_hparams
from nmr_speech.training.objects import check_objects

SPEAKER = {"GLY_0": "GLY", "GLY_1": "GLY", "VAL_0": "VAL"}
PLAN = DatasetPlan(1986, ["GLY"], 3)
TRAINED = "seed: 1\nlr: 0.001\nresidues: [GLY, VAL]\nsave_folder: !ref <seed>/save\nopt: {betas: [0.9, 0.99]}\n"


def audio(form):
    content = io.BytesIO()
    soundfile.write(content, np.zeros((65536 if form == "FLAC" else 300, 4)), 8000, format=form)
    return content.getvalue()


def description(folder):
    write_description(folder / "dataset.json", PLAN)
    return (folder / "dataset.json").read_bytes()


def settings_of(path):
    path.with_name("results.json").write_text("{}")
    mine = path.with_name("mine.yaml")
    mine.write_text(TRAINED)
    Experiment({"output_folder": str(path.parent)}, mine, "").refuse_other_settings()


def overrides(path):
    mine = path.with_name("mine.yaml")
    mine.write_text(TRAINED)
    given = path.read_bytes().decode("latin-1")
    if "!" in given.replace("!ref", ""):  # who runs a recipe may have it call what he likes
        return
    check_objects(load_hparams(mine, given, ("seed", "lr", "residues", "save_folder", "opt")))


ROW = "GLY_0,8.192,$data_root/a.wav,0,65536,GLY,8.0\n"
FILES = {
    "manifest": ("train.csv", f"ID,duration,wav,start,stop,spk_id,scale\n{ROW}".encode(), read_manifest),
    "trials": ("trials.txt", b"1 GLY_0 GLY_1\n0 GLY_0,GLY_1 VAL_0\n", lambda path: read_trials(path, SPEAKER)),
    "flac": ("a.flac", audio("FLAC"), lambda path: (is_whole(path), read_wav(path))),
    "wav": ("a.wav", audio("WAV"), lambda path: (is_whole(path), read_wav(path))),
    "data set": ("dataset.json", description, lambda path: refuse_other_plan(path, PLAN)),
    "checkpoint": ("CKPT.yaml", b"end-of-epoch: true\nerror: 0.1\nrecoverables: [a]\nunixtime: 1.5\n", read_meta),
    "schedule": ("nuslist", b"0 1\n2 3\n# 9223372036854775807\n4 5\n", read_schedule),
    "settings": ("hyperparams.yaml", TRAINED.encode(), settings_of),
    "overrides": ("overrides", b"lr: 0.3\nresidues: [GLY]\nopt: {betas: [0, 1]}\nseed: !ref <lr>", overrides),
}
ODD = [
    b"", b"\0", b"\xff\xfe", b"\n", b",", b"{", b"[", b"]", b"&a *a", b"!ref <lr>", b"9223372036854775808", b"-1",
    b"nan",
    b"1e999", b"9" * 400, b"x" * 5000, b"\x1b[2J", "\u202e".encode(), b'"', b"'", b": ", b"null", b"true", b"- ",
]  # fmt: skip
changes = st.lists(
    st.tuples(st.integers(0, 2**16), st.integers(0, 8), st.one_of(st.sampled_from(ODD), st.binary(max_size=8))),
    max_size=4,
)


@pytest.mark.parametrize("kind", FILES)
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=changes)
def test_a_reader_returns_or_refuses_in_one_sentence(tmp_path, kind, changes):
    name, content, read = FILES[kind]
    path = Path(tmp_path, name)
    content = bytearray(content(tmp_path) if callable(content) else content)
    for at, length, new in changes:
        start = at % (len(content) + 1)
        content[start : start + length] = new
    path.write_bytes(content)
    refused = ""
    try:
        read(path)
    except InputError as error:
        refused = str(error)
    assert not refused or refused.isprintable()
    assert len(refused) < 900

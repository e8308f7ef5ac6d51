"""Manifests round-trip; bad ones are refused with file, row and remedy."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from speechbrain.dataio.dataio import load_data_csv

from nmr_speech.checks import InputError
from nmr_speech.corpus.manifest import COLUMNS, Row, read_manifest, write_manifest

HEADER = "ID,duration,wav,start,stop,spk_id,scale\n"
GOOD = "VAL_0,8.192,$data_root/VAL_0.wav,0,65536,VAL,8.0\n"

text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1)
row = st.builds(
    Row, ID=text, wav=text, spk_id=text, duration=st.floats(0.1, 100), scale=st.integers(-60, 60).map(lambda n: 2.0**n)
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(row, min_size=1, max_size=5, unique_by=lambda r: r.ID))
def test_round_trip(tmp_path, rows):
    write_manifest(tmp_path / "a.csv", rows)
    assert read_manifest(tmp_path / "a.csv") == rows


def test_speechbrain_reads_the_same(tmp_path):
    write_manifest(tmp_path / "a.csv", [Row(ID="VAL_0", wav="$data_root/VAL_0.wav", spk_id="VAL", scale=8.0)])
    data = load_data_csv(tmp_path / "a.csv", {"data_root": "/data"}, col_types={"start": int, "stop": int})
    wanted = {"wav": "/data/VAL_0.wav", "duration": 8.192, "start": 0, "stop": 65536, "spk_id": "VAL", "scale": "8.0"}
    assert data == {"VAL_0": wanted}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"train\.csv: the header lacks the column ID; it must have ID,duration,wav"),
        (HEADER, r"train\.csv: the manifest lists no recordings"),
        ("ID,duration,wav,start,stop,scale\nVAL_0,8.192,a.wav,0,65536,8.0\n", "lacks the column spk_id"),
        (HEADER + GOOD + GOOD, "row 3: ID VAL_0 is already in row 2"),
        (HEADER + GOOD + "VAL_1,8.192,$data_root/V", "row 3: the column start is empty; was the file cut off"),
        (
            HEADER + GOOD.replace("VAL,", "UNK,"),
            "row 2: spk_id 'UNK' is not one of GLY, VAL; correct it or set `residues`",
        ),
        (HEADER + GOOD.replace("65536", "many"), "row 2: .* whole numbers"),
        (HEADER + GOOD.replace("65536", "1000"), "row 2: start and stop must be 0 and 65536, got 0 and 1000"),
        (HEADER + GOOD.replace("8.0", "-1"), "row 2: scale must be a positive number, got -1"),
        (HEADER + GOOD.replace("8.0", "nan"), "row 2: scale must be a positive number, got nan"),
    ],
)
def test_bad_manifests(tmp_path, content, message):
    path = tmp_path / "train.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_manifest(path, ["GLY", "VAL"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ((HEADER + GOOD).replace(",", ";").encode(), "separated by commas, not semicolons"),
        ((HEADER + GOOD).replace(",", "\t").encode(), "separated by commas, not tabs"),
        (
            (HEADER + GOOD).replace("VAL_0.wav", "gr\xf6.wav").encode("latin-1"),
            "must be UTF-8, this is latin-1; save it",
        ),
        ((HEADER + GOOD).encode("utf-16"), "must be UTF-8, this is UTF-16; save it"),
        (b"\xff\xfe\x00", "cannot be read as UTF-16"),
    ],
)
def test_other_encodings_and_separators_are_named(tmp_path, content, message):
    (tmp_path / "train.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_manifest(tmp_path / "train.csv")


def test_what_excel_and_pandas_write_is_read(tmp_path):
    path = tmp_path / "train.csv"
    path.write_bytes(("\ufeff" + HEADER + GOOD.replace(",0,65536,", ",0.0,65536.0,")).replace("\n", "\r\n").encode())
    assert read_manifest(path) == [Row(ID="VAL_0", wav="$data_root/VAL_0.wav", spk_id="VAL", scale=8.0)]


def test_the_scale_is_optional(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("ID,duration,wav,start,stop,spk_id\nVAL_0,8.192,$data_root/VAL.WAV,0,65536,VAL\n")
    assert read_manifest(path)[0].scale == 1.0


def test_a_missing_manifest(tmp_path):
    with pytest.raises(InputError, match=r"train\.csv: no such manifest; run the recipe without `skip_prep`"):
        read_manifest(tmp_path / "train.csv")


def test_columns_are_those_of_speechbrain_and_the_scale():
    assert COLUMNS == ("ID", "duration", "wav", "start", "stop", "spk_id", "scale")

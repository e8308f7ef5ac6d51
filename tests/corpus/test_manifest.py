"""Manifests round-trip; bad ones are refused with file, row and remedy."""

import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from speechbrain.dataio.dataio import load_data_csv

from nmr_speech.checks import InputError
from nmr_speech.corpus.manifest import COLUMNS, Row, read_manifest, refuse_shared_recordings, write_manifest

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
        (b"\xff\xfe\x00", "must be UTF-8, this is UTF-16"),
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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ((HEADER + GOOD).encode() + b"\xff\xfe", r"must be UTF-8, this is latin-1"),
        ((HEADER + GOOD).encode("utf-16"), "must be UTF-8, this is UTF-16"),
        (b"\xff\xfe\x00", "must be UTF-8, this is UTF-16"),
        (b"ID,\xff", "must be UTF-8"),
        ((HEADER + GOOD.replace("VAL_0", "V" * 140_000)).encode(), "row 2: a line must have at most 131072 characters"),
        ((HEADER + f'"{"V" * 70_000}\n{"V" * 70_000}",{GOOD}').encode(), "cannot be read as CSV .*field larger"),
        ((HEADER + GOOD.replace("VAL_0", "V\0")).encode(), "row 2: .* zero bytes"),
        (("ID," + HEADER + GOOD).encode(), "names a column twice"),
        ((HEADER + GOOD.replace("8.0", "9" * 5000)).encode(), "scale must be a positive number, got 9{197}"),
        ((HEADER + GOOD.replace("65536", "1e999")).encode(), "start and stop must be 0 and 65536"),
        ((HEADER + GOOD.replace("65536", "x" * 5000)).encode(), "start and stop whole numbers"),
        ((HEADER + GOOD.replace(",VAL,", f",{'U' * 5000},")).encode(), "spk_id 'UUU"),
        ((HEADER + GOOD.replace(",VAL,", ",a\x1b[2J\u202eb,")).encode(), r"spk_id 'a\?*.*b' is not one of"),
    ],
)
def test_hostile_manifests_are_refused_in_one_short_line(tmp_path, content, message):
    (tmp_path / "train.csv").write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_manifest(tmp_path / "train.csv", ["GLY", "VAL"])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600 + len(str(tmp_path))


def test_a_large_manifest_takes_little_memory(tmp_path):
    """A million rows within half a GB, by the size of a part."""
    rows = 20_000
    with (tmp_path / "train.csv").open("w") as file:
        file.write(HEADER)
        file.writelines(GOOD.replace("VAL_0", f"VAL_{n:07}").replace("8.0\n", f"8.{n}\n") for n in range(rows))
    tracemalloc.start()
    try:
        assert len(read_manifest(tmp_path / "train.csv", ["VAL"])) == rows
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < rows * 500


SPLITS = {
    "ID": ("VAL_0", "b.wav", r"test, row 2: the ID VAL_0 is in train as well; a recording belongs to one split"),
    "file": ("VAL_1", "a.wav", r"test, row 2: the file .*a\.wav is in train as well"),
    "file by another name": ("VAL_1", "./x/../a.wav", r"the file .*a\.wav is in train as well"),
    "link": ("VAL_1", "link.wav", r"the file .*a\.wav is in train as well"),
}


@pytest.mark.parametrize("kind", SPLITS)
def test_splits_that_share_a_recording_are_refused(tmp_path, kind):
    (tmp_path / "a.wav").touch()
    (tmp_path / "link.wav").symlink_to("a.wav")
    name, wav, message = SPLITS[kind]
    first, second = (Row(ID=i, wav=f"$data_root/{w}", spk_id="VAL") for i, w in (("VAL_0", "a.wav"), (name, wav)))
    with pytest.raises(InputError, match=message):
        refuse_shared_recordings({"train": [first], "test": [second]}, tmp_path)
    refuse_shared_recordings({"train": [first]}, tmp_path)

"""Files that are whole or absent, whoever else writes to the folder."""

import tempfile

from nmr_speech.files import remove_unfinished, write_whole


def test_a_process_that_tidies_takes_no_file_that_another_has_just_begun(monkeypatch, tmp_path):
    """Between its making and its lock, a temporary file looks like one that a killed process left."""
    make, made = tempfile.mkstemp, []

    def make_and_tidy(**keywords):
        made.append(make(**keywords))
        if len(made) == 1:
            remove_unfinished(tmp_path)  # as another process would, just now
        return made[-1]

    monkeypatch.setattr(tempfile, "mkstemp", make_and_tidy)
    write_whole(tmp_path / "note.txt", b"whole")
    assert len(made) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]
    assert (tmp_path / "note.txt").read_bytes() == b"whole"


def test_what_is_being_written_is_not_tidied(monkeypatch, tmp_path):
    monkeypatch.setattr("nmr_speech.files.os.fsync", lambda _: remove_unfinished(tmp_path))
    write_whole(tmp_path / "note.txt", b"whole")
    assert (tmp_path / "note.txt").read_bytes() == b"whole"

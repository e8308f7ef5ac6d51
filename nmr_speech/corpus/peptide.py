"""A simulated peptide as files: its recording, what was drawn, and the recordings of its residues."""

import csv
import io
from pathlib import Path

from nmr_speech.checks import InputError
from nmr_speech.corpus.manifest import Row, write_manifest
from nmr_speech.corpus.pseudo_audio import stack_fid
from nmr_speech.corpus.wav import FORMATS, write_wav
from nmr_speech.files import write_whole
from nmr_speech.simulate.peptide import Peptide

COLUMNS = ("number", "residue", "group", "shift_ppm")


def write_peptide(path: str | Path, peptide: Peptide) -> list[str]:
    """Write a peptide, as a mixture of speakers or as that and its sources.

    Arguments
    ---------
    path : str | Path
        A WAV or FLAC file: the recording, and beside it a CSV table of the shifts that were drawn. Or a new or empty
        folder, for both and a recording and a row in the manifest ``residues.csv`` for each residue.
    peptide : Peptide
        As `nmr_speech.simulate.peptide.draw_peptide` returns it.

    Returns
    -------
    list[str]
        What was written, a sentence each.

    Raises
    ------
    InputError
        The folder holds something, or the file has another ending.

    Example
    -------
    >>> from nmr_speech.simulate.peptide import draw_peptide, residues_of
    >>> path = getfixture("tmp_path") / "ga.wav"
    >>> write_peptide(path, draw_peptide(residues_of("GA", [{}, {}]), seed=1986, index=0))
    ['.../ga.wav: float32, divided by 8', '.../ga.csv: 5 chemical shifts of 2 residues']
    """
    path = Path(path)
    check_target(path)
    if path.suffix:
        return [_audio(path, peptide.fid), _table(path.with_suffix(".csv"), peptide)]
    (path / "residues").mkdir(parents=True, exist_ok=True)
    rows = []
    for number, (letter, part) in enumerate(zip(peptide.sequence, peptide.parts, strict=True), start=1):
        name = f"{letter}{number}"
        wav, scale = stack_fid(part.fid)
        write_wav(path / "residues" / f"{name}.wav", wav)
        rows.append(Row(ID=name, wav=f"$data_root/residues/{name}.wav", spk_id=part.residue, scale=scale))
    lines = [_audio(path / "peptide.wav", peptide.fid), _table(path / "shifts.csv", peptide)]
    write_manifest(path / "residues.csv", rows)
    return [*lines, f"{path / 'residues.csv'}: manifest of {len(rows)} recordings, one a residue"]


def check_target(path: Path | None) -> None:
    """Refuse a place that `write_peptide` could not write to, before anything is computed.

    Example
    -------
    >>> check_target(Path("peptide.mp3"))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: peptide.mp3: must end in .wav or .flac, or be a folder, which has no ending
    """
    if path is None:
        return
    if path.suffix and path.suffix.lower().lstrip(".") not in FORMATS:
        raise InputError(f"{path}: must end in .wav or .flac, or be a folder, which has no ending")
    if path.suffix and not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; create it, or write to another one")
    if not path.suffix and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InputError(f"{path}: must be a new or empty folder; choose another one, or remove it")


def _audio(path, fid):
    wav, scale = stack_fid(fid)
    write_wav(path, wav)
    return f"{path}: {'16 bits' if path.suffix.lower() == '.flac' else 'float32'}, divided by {scale:g}"


def _table(path, peptide):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for number, part in enumerate(peptide.parts, start=1):
        for group, ppm in part.shifts_ppm.items():
            writer.writerow([number, part.residue, group, f"{ppm:.4f}"])
            count += 1
    write_whole(path, text.getvalue().encode())
    return f"{path}: {count} chemical shifts of {len(peptide.parts)} residues"

"""What to give instead of a path that is no experiment: one sentence each for what people have."""

from pathlib import Path

from nmr_speech.checks import InputError
from nmr_speech.spectrometer.bruker_files import read_parameters

ARCHIVES = (".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
EXPORTS = {
    (".dx", ".jdx", ".jcamp", ".jcm"): "is JCAMP-DX, for which there is no reader of 2D data; give the spectrometer's "
    "own folder, or export NMRPipe, Sparky (.ucsf) or JEOL .jdf",
    (".nmrml",): "is nmrML, whose readers know 1D only; give the spectrometer's folder, which it was made from",
    (".sdf", ".nmredata"): "is an NMReDATA file, which holds assignments; give the spectrometer's folder beside it",
    (".mnova", ".mnpub"): "is a MestReNova document; save the spectrum from there as Bruker or NMRPipe",
    (".esp", ".spectrus"): "is an ACD/Labs document; give the spectrometer's folder, which it was made from",
    (".csv", ".txt", ".tsv", ".xlsx"): "is text or a table, not an experiment; give the spectrometer's folder, which "
    "has phases and axes",
    (".ft2", ".ft", ".ucsf"): "is a processed spectrum, not an experiment; `nmr-speech classify` and "
    "`nmr-speech reconstruct` take it back to time where its name ends in .ft2 or .ucsf",
}
FORMATS = "a Bruker folder (ser, acqus, acqu2s), a Varian folder (fid, procpar), an NMRPipe file in the time domain, a "
FORMATS += "JEOL file (.jdf) or a ZIP archive of one of them"
MOST_LISTED = 5


def refusal(path: Path) -> InputError:
    """Return the error that says what a path is and what to give instead.

    Arguments
    ---------
    path : Path
        A file or folder that exists and that no reader takes.

    Returns
    -------
    InputError
        To be raised.

    Example
    -------
    >>> path = getfixture("tmp_path") / "valine.tar.gz"
    >>> _ = path.write_bytes(b"")
    >>> print(refusal(path))
    /...valine.tar.gz: is a packed archive other than ZIP; unpack it and give the experiment's folder, or pack that ...
    """
    return InputError(f"{path}: {_sentence(path)}")


def _sentence(path: Path) -> str:
    if path.is_file():
        known = _file(path)
        if known:
            return known
    folder = path if path.is_dir() else path.parent
    return _folder(folder, path) or f"must be {FORMATS}"


def _file(path: Path) -> str | None:
    suffix = path.suffix.lower()
    if suffix in ARCHIVES:
        return "is a packed archive other than ZIP; unpack it and give the experiment's folder, or pack that as ZIP"
    return next((sentence for suffixes, sentence in EXPORTS.items() if suffix in suffixes), None)


def _folder(folder: Path, path: Path) -> str | None:
    whole = folder.resolve()  # a path may be relative to the folder itself
    inside = next((one for one in (whole, *whole.parents) if one.name == "pdata"), None)
    if inside is not None:
        return f"is the folder of a processed spectrum; give the experiment's folder, {inside.parent}, which holds ser"
    if (folder / "fid").is_file() and (folder / "acqus").is_file():
        return "is a 1D experiment (fid, no ser); give a 2D TOCSY" + _listed(experiments_below(folder.parent), ": ")
    found = experiments_below(folder) if path.is_dir() else []
    if found:
        return f"is no experiment itself, but holds {len(found)}; give one of them" + _listed(found, ": ")
    if path.is_dir() and any(folder.glob("pdata/*/2rr")):
        return (
            "holds a processed spectrum (2rr) only; `nmr-speech classify` takes it back to time, other uses need the "
            "experiment's ser"
        )
    return None


def experiments_below(folder: Path) -> list[str]:
    """List the 2D experiments in a folder and in the folders below it, with their pulse programmes.

    Arguments
    ---------
    folder : Path
        Such as one sample's, which holds experiments 1, 2, 3.

    Returns
    -------
    list[str]
        Such as ``valine/2 (mlevphpp)``.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "2").mkdir()
    >>> _ = (folder / "2" / "ser").write_bytes(b"")
    >>> _ = (folder / "2" / "acqus").write_text("##$PULPROG= <mlevph>")
    >>> experiments_below(folder)
    ['.../2 (mlevph)']
    """
    marks = [mark for name in ("ser", "procpar") for depth in ("*", "*/*") for mark in folder.glob(f"{depth}/{name}")]
    return [_named(one) for one in sorted({mark.parent for mark in marks}, key=_numerically)]


def _numerically(folder: Path) -> tuple[str, int, str]:
    number = int(folder.name) if folder.name.isdigit() else 0
    return str(folder.parent), number, folder.name


def _named(folder: Path) -> str:
    acqus = folder / "acqus"
    programme = read_parameters(acqus).text("PULPROG") if acqus.is_file() else None
    return f"{folder} ({programme})" if programme else str(folder)


def _listed(found: list[str], before: str) -> str:
    if not found:
        return ""
    return before + ", ".join(found[:MOST_LISTED]) + (", ..." if len(found) > MOST_LISTED else "")

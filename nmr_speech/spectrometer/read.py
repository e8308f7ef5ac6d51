"""Read an experiment in any format, recognised by the files in the folder, the head of the file, or the archive."""

from dataclasses import replace
from pathlib import Path

from nmr_speech.checks import InputError, one_of
from nmr_speech.spectrometer.archive import opened
from nmr_speech.spectrometer.bruker import read_bruker, read_bruker_1d
from nmr_speech.spectrometer.experiment import Experiment
from nmr_speech.spectrometer.jeol import is_jeol, read_jeol
from nmr_speech.spectrometer.limits import refuse_large
from nmr_speech.spectrometer.loops import with_doubts
from nmr_speech.spectrometer.nmrpipe import is_nmrpipe, is_nmrpipe_1d, read_nmrpipe, read_nmrpipe_1d
from nmr_speech.spectrometer.one_dimension import Experiment1D
from nmr_speech.spectrometer.refusals import refusal
from nmr_speech.spectrometer.rows import QUADRATURES
from nmr_speech.spectrometer.sampling import Sampling
from nmr_speech.spectrometer.varian import read_varian, read_varian_1d
from nmr_speech.spectrometer.varian_files import number, read_procpar


def read_experiment(
    path: str | Path,
    *,
    quadrature: str | None = None,
    sampling: Sampling | None = None,
    pdata: int | None = None,
) -> Experiment:
    """Read a 2D experiment as the spectrometer wrote it.

    Arguments
    ---------
    path : str | Path
        A Bruker experiment folder (the one with ``ser``), a Varian or Agilent folder (``fid`` and ``procpar``), one of
        the files in them, an NMRPipe file in the time domain, a JEOL file (``.jdf``), or a ZIP archive with one of
        these.
    quadrature : str | None
        How t1 was sampled, "states", "states_tppi", "tppi" or "echo_antiecho"; None takes what the files say.
    sampling : Sampling | None
        For reconstruction: any nucleus in F1, sampled uniformly or not. None: protons, sampled uniformly, as models
        need them.
    pdata : int | None
        Number of the processing of a Bruker folder (``pdata/N``) whose reference is taken; None takes the lowest.

    Returns
    -------
    Experiment
        Rows as States pairs, (2, n_transients, n_points), with their times; nothing is resampled, phased or cut.

    Example
    -------
    >>> read_experiment("valine/2")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: valine/2: no such file or folder; give a Bruker or Varian folder or an NMRPipe file
    """
    path = Path(path)
    if quadrature is not None:
        one_of("quadrature", quadrature, QUADRATURES)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; give a Bruker or Varian folder or an NMRPipe file")
    try:
        if path.suffix.lower() != ".zip":
            refuse_large(path)
        if path.is_file() and is_nmrpipe(path):
            return with_doubts(read_nmrpipe(path, quadrature, sampling))
        if path.is_file() and is_jeol(path):
            return with_doubts(read_jeol(path, quadrature, sampling))
        if path.is_file() and path.suffix.lower() == ".zip":
            with opened(path) as inside:
                read = read_experiment(inside, quadrature=quadrature, sampling=sampling, pdata=pdata)
            return replace(read, source=str(path))
        return with_doubts(_read_folder(path if path.is_dir() else path.parent, path, quadrature, sampling, pdata))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error})") from error


def _read_folder(
    folder: Path, path: Path, quadrature: str | None, sampling: Sampling | None, pdata: int | None
) -> Experiment:
    if (folder / "procpar").is_file():
        return read_varian(folder, quadrature, sampling)
    named = path.is_dir() or path.name in ("ser", "acqus", "acqu2s")
    if named and _is_bruker(folder):
        return read_bruker(folder, quadrature, sampling, pdata)
    raise refusal(path)


def _is_bruker(folder: Path) -> bool:
    """Whether a folder holds a Bruker 2D experiment, or the remains of one, about which its reader has a message."""
    if (folder / "ser").is_file():
        return True
    remains = (folder / "acqus").is_file() or (folder / "acqu2s").is_file()
    return remains and not (folder / "fid").is_file() and not any(folder.glob("pdata/*/2rr"))


def read_1d(path: str | Path, pdata: int | None = None) -> Experiment1D | None:
    """Read a 1D experiment, if there is one at a path.

    Arguments
    ---------
    path : str | Path
        A Bruker or Varian folder, the ``fid`` in it, or an NMRPipe file.
    pdata : int | None
        Number of the processing of a Bruker folder whose reference is taken; None takes the lowest.

    Returns
    -------
    Experiment1D | None
        None where `read_experiment` is the one to ask: for two dimensions, and for what is no experiment.

    Example
    -------
    >>> read_1d("valine/2") is None
    True
    """
    path = Path(path)
    folder = path.parent if path.name in ("fid", "acqus", "procpar") else path
    try:
        if not path.exists() or path.suffix.lower() == ".zip":
            return None
        refuse_large(path)
        if path.is_file() and is_nmrpipe(path):
            return read_nmrpipe_1d(path) if is_nmrpipe_1d(path) else None
        if (folder / "procpar").is_file() and not number(read_procpar(folder / "procpar").get("ni")) > 1:
            return read_varian_1d(folder)
        if (folder / "acqus").is_file() and (folder / "fid").is_file() and not (folder / "ser").is_file():
            return read_bruker_1d(folder, pdata)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    return None

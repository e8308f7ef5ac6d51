"""Measured spectra of any kind as uniformly sampled experiments: FIDs, schedules to be filled in, processed spectra."""

from dataclasses import dataclass, replace
from pathlib import Path

from nmr_speech.checks import InputError, in_range, one_of
from nmr_speech.reconstruction import own_schedule, read_schedule, sampling_mask
from nmr_speech.reconstruction.methods import METHODS, STARTS, method_of
from nmr_speech.reconstruction.plane import t2_window, to_plane
from nmr_speech.reconstruction.processed import experiment_of, find_spectrum, read_processed
from nmr_speech.spectrometer import Experiment, Sampling, read_experiment
from nmr_speech.spectrometer.archive import opened
from nmr_speech.spectrometer.phase import Phases


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What is known of a measurement beyond its files.

    Arguments
    ---------
    quadrature : str | None
        How t1 was sampled: "states", "states_tppi", "tppi" or "echo_antiecho"; None takes what the files say.
    phase_f1_deg, phase_f2_deg : tuple[float, float] | None
        Zero order at the carrier and first order across the width, degrees; None finds them.
    echo : str
        Where t1 begins: "even" at zero, "half_dwell" half a dwell time late, "auto" finds it; "none" is as "auto" but
        without a virtual echo in the reconstruction.
    pdata : int | None
        Number of the processing of a Bruker folder; None takes the lowest.
    schedule : str | Path | None
        Schedule file of a non-uniformly sampled experiment; None takes the folder's own where ``method`` is given.
    index_base : int | None
        Number of the first transient in the schedule, 0 or 1; None detects it.
    method : str | None
        Reconstruction of what the schedule left out: "ist", "hankel" or "modern"; None for "modern".
    ph : float | None
        pH of the sample, which tells look-alikes such as GLN and GLU apart; None if it is not known.

    Example
    -------
    >>> Reading(echo="half_dwell").phases.start
    0.5
    """

    quadrature: str | None = None
    phase_f1_deg: tuple[float, float] | None = None
    phase_f2_deg: tuple[float, float] | None = None
    echo: str = "auto"
    pdata: int | None = None
    schedule: str | Path | None = None
    index_base: int | None = None
    method: str | None = None
    ph: float | None = None

    def __post_init__(self) -> None:
        if self.ph is not None:
            in_range("ph", self.ph, 0, 14, "(a pH)", "7.4")
        one_of("echo", self.echo, tuple(STARTS))
        if self.method is not None:
            one_of("method", self.method, METHODS)

    @property
    def phases(self) -> Phases:
        """Phases and start of t1, as far as they are known."""
        return Phases(self.phase_f1_deg, self.phase_f2_deg, STARTS[self.echo])


def read_measured(path: str | Path, reading: Reading | None = None) -> tuple[Experiment, Phases]:
    """Read a measured spectrum of protons, whatever form it has.

    Arguments
    ---------
    path : str | Path
        Experiment, as for `nmr_speech.spectrometer.read_experiment`; or a processed spectrum, as for
        `nmr_speech.reconstruction.processed.find_spectrum`; or a ZIP archive with either.
    reading : Reading | None
        What is known beyond the files.

    Returns
    -------
    experiment : Experiment
        Uniformly sampled.
    phases : Phases
        What is known of its phases.

    Example
    -------
    >>> read_measured("nowhere")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: nowhere: no such file or folder; give a Bruker or Varian folder or an NMRPipe file
    """
    path, reading = Path(path), reading or Reading()
    with opened(path) as inside:
        scheduled = reading.schedule is not None or reading.method is not None
        spectrum = None if scheduled else find_spectrum(inside, reading.pdata)
        if spectrum is not None:
            experiment = read_processed(spectrum)
        elif scheduled:
            return replace(_filled_in(inside, reading), source=str(path)), Phases()
        else:
            experiment = read_experiment(inside, quadrature=reading.quadrature, pdata=reading.pdata)
    return replace(experiment, source=str(path)), reading.phases


def _filled_in(path: Path, reading: Reading) -> Experiment:
    """Reconstruct an experiment from its schedule, and take it back to time."""
    file = reading.schedule or own_schedule(path)
    if file is None:
        raise InputError(f"{path}: holds no schedule (nuslist, sampling.sch); give `schedule`, or leave out `method`")
    schedule, found = read_schedule(file, reading.index_base)
    sampling = Sampling(schedule)
    experiment = read_experiment(path, quadrature=reading.quadrature, sampling=sampling, pdata=reading.pdata)
    if experiment.schedule is None or not experiment.same_nucleus:
        raise InputError(f"{path}: both dimensions must be of one nucleus to be classified; use a 1H-1H TOCSY")
    plane = to_plane(experiment, phases=reading.phases)
    method = reading.method or "modern"
    fill_in = method_of(method, echo=reading.echo)
    n_transients = experiment.f1.n
    filled = fill_in(plane.fid * sampling_mask(experiment.schedule, n_transients), experiment.schedule, plane.echo)
    measured = f"{len(experiment.schedule)} of {n_transients} transients were measured; the others are filled in by "
    uniform = experiment_of(filled, plane.start, experiment, t2_window(experiment.f2.n))
    return replace(uniform, steps=(*plane.steps, found, f"{measured}{method}."), warnings=plane.warnings)

"""Reconstruct an experiment by any method; compare with a reference; try several schedules."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from nmr_speech.checks import InputError, in_range, one_of, whole
from nmr_speech.reconstruction import check_schedule, hankel, ist, load_modern, load_network, poisson_gap, sampling_mask
from nmr_speech.reconstruction.from_spectrum import spectrum_to_plane
from nmr_speech.reconstruction.plane import Plane, cut, to_plane
from nmr_speech.reconstruction.recovery import recovery, spread
from nmr_speech.reconstruction.spectrum_files import read_spectrum
from nmr_speech.spectrometer import Sampling, read_experiment

NETWORKS = {"modern": "MoDern", "dlnmr": "DLNMR", "lstm": "LSTMNetwork"}
METHODS = ("ist", "hankel", *NETWORKS)
KEPT = 0.9  # of a schedule's points, in each of its random parts
SPECTRA = (".ft2", ".ucsf")


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Spectra from one or several schedules, and what is known of them.

    Arguments
    ---------
    plane : Plane
        The experiment; its axes are those of the spectra.
    spectra : np.ndarray
        Real, (schedules, points in F1, points in F2).
    reference : np.ndarray | None
        Fully sampled spectrum, where there is one.
    figures : list[dict]
        `nmr_speech.reconstruction.recovery.recovery` of each spectrum; empty without a reference.
    spread : dict | None
        `nmr_speech.reconstruction.recovery.spread` of several spectra.
    seconds : list[float]
        For the reconstruction of each.
    steps : tuple[str, ...]
        What was found and done.
    """

    plane: Plane
    spectra: np.ndarray
    reference: np.ndarray | None
    figures: list[dict]
    spread: dict | None
    seconds: list[float]
    steps: tuple[str, ...]


def method_of(name: str, model: str | None = None, echo: str | None = "auto") -> Callable:
    """Return ``call(fid, schedule, form)`` for a method, ``form`` being that of the virtual echo of the signals.

    Arguments
    ---------
    name : str
        One of `METHODS`.
    model : str | None
        Folder or Hub repository of the weights of a network; None for "modern" takes the one of the package.
    echo : str | None
        "auto" makes a virtual echo where the method can use one, "none" does without.

    Returns
    -------
    Callable

    Example
    -------
    >>> method_of("dlnmr")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: the method 'dlnmr' needs `--model`: the folder of its training, or a Hub repository
    """
    one_of("method", name, METHODS)
    with_echo = one_of("echo", echo, ("auto", "none")) == "auto"
    if name == "ist":
        return lambda fid, schedule, form: ist(fid, schedule, echo=form if with_echo else None)
    if name == "hankel":
        return lambda fid, schedule, _: hankel(fid, schedule)
    if model is None and name != "modern":
        raise InputError(f"the method {name!r} needs `--model`: the folder of its training, or a Hub repository")
    network = load_modern() if model is None else load_network(model)
    if type(network).__name__ != NETWORKS[name]:
        raise InputError(f"{model}: holds a {type(network).__name__}, `method` {name!r} needs a {NETWORKS[name]}")

    @torch.no_grad()
    def call(fid, schedule, form):
        return network(fid, schedule, echo=form)

    return call


def reconstruct(
    source: str | Path,
    call: Callable,
    *,
    schedule: np.ndarray | None = None,
    rate: float | None = None,
    masks: int = 1,
    seed: int = 1986,
    reference: str | Path | None = None,
    region_ppm: tuple[float, float] | None = None,
    n: int | None = None,
    quadrature: str | None = None,
) -> Reconstruction:
    """Reconstruct an experiment that was sampled by a schedule, or try a schedule on one that was sampled fully.

    Arguments
    ---------
    source : str | Path
        As for `nmr_speech.spectrometer.read_experiment`; or a spectrum, NMRPipe or Sparky, taken back to t1.
    call : Callable
        Of `method_of`.
    schedule : np.ndarray | None
        Transients measured, from 0, in the order of measurement. None: drawn at ``rate``, for a full experiment.
    rate : float | None
        Share of the transients in a schedule that is drawn.
    masks : int
        How many schedules: at a rate as many are drawn; of a schedule given, parts of nine tenths after the whole.
    seed : int
        Of schedules drawn.
    reference : str | Path | None
        Fully sampled experiment, or its spectrum (NMRPipe, Sparky) on the same axes. A full ``source`` is its own.
    region_ppm : tuple[float, float] | None
        Part of F2 to keep.
    n : int | None
        Transients of the full grid, where the file does not say.
    quadrature : str | None
        How t1 was sampled, where the file does not say.

    Returns
    -------
    Reconstruction
    """
    if (schedule is None) == (rate is None):
        raise InputError("give a schedule (`--schedule`), or a rate to draw one at (`--rate`), one of them")
    if Path(source).suffix in SPECTRA:
        plane = spectrum_to_plane(source)
        plane = plane if region_ppm is None else cut(plane, region_ppm)
    else:
        sampling = Sampling(schedule, None if n is None else whole("n", n, 2, 2**16))
        plane = to_plane(read_experiment(source, quadrature=quadrature, sampling=sampling), region_ppm)
    grid = plane.fid.shape[1]
    schedules = _schedules(schedule, rate, whole("masks", masks, 1, 1000), grid, seed)
    true = _reference(reference, plane, schedules[0], quadrature, region_ppm)
    spectra, seconds = [], []
    for one in schedules:
        begun = time.perf_counter()
        filled = call(plane.fid * sampling_mask(one, grid), one, plane.echo)
        seconds.append(time.perf_counter() - begun)
        spectra.append(plane.spectrum(filled))
    spectra = np.stack(spectra)
    measured = f"{len(schedules[0])} of {grid} transients are used, in {len(schedules)} schedule(s)."
    return Reconstruction(
        plane=plane,
        spectra=spectra,
        reference=true,
        figures=[] if true is None else [recovery(spectrum, true) for spectrum in spectra],
        spread=spread(spectra) if masks > 1 else None,
        seconds=seconds,
        steps=(*plane.steps, measured),
    )


def _schedules(schedule, rate, masks, grid, seed):
    if schedule is None:
        m = max(1, round(in_range("rate", rate, 0.01, 1, "of the transients", "0.2") * grid))
        return [poisson_gap(grid, m, (seed, i)) for i in range(masks)]
    whole_one = np.sort(check_schedule(schedule, grid))
    rng = np.random.default_rng(seed)
    n_kept = max(1, round(KEPT * len(whole_one)))
    parts = (np.sort(rng.permutation(whole_one[1:])[: n_kept - 1]) for _ in range(masks - 1))
    return [whole_one, *(np.concatenate([whole_one[:1], part]) for part in parts)]


def _reference(given, plane, schedule, quadrature, region_ppm):
    if given is None:
        outside = plane.fid[:, ~sampling_mask(schedule, plane.fid.shape[1])]
        return plane.spectrum() if outside.any() else None
    if Path(given).suffix not in SPECTRA:
        full = read_experiment(given, quadrature=quadrature, sampling=Sampling())
        return to_plane(full, region_ppm, like=plane).spectrum()
    spectrum, f1, f2 = read_spectrum(given)
    ours = [plane.f1.ppm(), plane.f2.ppm()]
    for name, axis, ppm in zip(("F1", "F2"), (f1, f2), ours, strict=True):
        if axis.size != len(ppm) or abs(axis.ppm() - ppm).max() > abs(ppm[0] - ppm[1]):
            raise InputError(
                f"{given}: must have the axes of the reconstruction, {name} with {len(ppm)} points from {ppm[0]:.3f} "
                f"to {ppm[-1]:.3f} ppm, got {axis.size} from {axis.ppm()[0]:.3f} to {axis.ppm()[-1]:.3f}"
            )
    return spectrum * _scale(spectrum, plane.spectrum())


def _scale(spectrum, ours):
    """A spectrum of other processing has another scale; the largest point tells."""
    return np.abs(ours).max() / max(np.abs(spectrum).max(), np.finfo(float).tiny)


def summary(result: Reconstruction) -> dict:
    """Return what can be written as JSON: figures, spread at the peaks, steps.

    Arguments
    ---------
    result : Reconstruction
        Of `reconstruct`.

    Returns
    -------
    dict
    """
    said = {"steps": list(result.steps), "seconds": result.seconds, "figures": result.figures}
    if result.spread is not None:
        ppm = result.plane.f1.ppm(), result.plane.f2.ppm()
        columns = zip(*(result.spread[key] for key in ("peaks", "height", "relative_std")), strict=True)
        said["peaks"] = [
            {"f1_ppm": float(ppm[0][i]), "f2_ppm": float(ppm[1][j]), "height": float(h), "relative_std": float(std)}
            for (i, j), h, std in columns
        ]
    return said


def lines(figures: Sequence[dict]) -> list[str]:
    """Say the figures of one schedule or the means over several, one a line.

    Example
    -------
    >>> lines([{"rlne": 0.1, "slope": None}, {"rlne": 0.2, "slope": None}])
    ['rlne 0.15 (0.1 to 0.2 over 2 schedules)']
    """
    said = []
    for key in figures[0]:
        values = [row[key] for row in figures if row[key] is not None]
        if values:
            many = f" ({min(values):.4g} to {max(values):.4g} over {len(values)} schedules)" if len(values) > 1 else ""
            said.append(f"{key} {np.mean(values):.4g}{many}")
    return said

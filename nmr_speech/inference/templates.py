"""Molecules as templates: simulated magnitude spectra, against which a measured one is correlated.

Why not the embedding alone: it forgives shifts by tenths of a ppm, as different proteins need, while those of a known
molecule are known to hundredths. `benchmarks.identification` compares the two.
"""

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch.nn.functional import conv2d

from nmr_speech.assignment.planes import own_signals
from nmr_speech.axis import Axis
from nmr_speech.files import write_whole
from nmr_speech.simulate import Acquisition, Molecule
from nmr_speech.simulate.fid import cosine_window, states_to_echo
from nmr_speech.simulate.first_order import first_order

POOLED = 2
BLUR_POINTS = 1.0
"""Standard deviation of the blur: 0.05 ppm on the grid of 256 points and 12 ppm, what shifts vary by."""
SEARCHED_POINTS = 8  # reference offsets up to 0.375 ppm
NOISE_LEVELS = 3.0
WEAKEST = 0.02
"""Share of the largest peak below which nothing counts: tails of strong lines, which noise hides in measurements."""
TRANSIENTS = (32, 48, 64, 96, 128, 192, 256)
"""Lengths of t1 at which galleries are simulated; a measurement is cut to the next shorter one."""
VERSION = b"4"  # of what a template is; the cache holds no others


def measured_length(fid: torch.Tensor) -> int:
    """Count the transients of a recording, (2, P, Q), up to the last that is not zero, down to one of `TRANSIENTS`.

    Example
    -------
    >>> fid = torch.ones(2, 256, 8) + 0j
    >>> fid[:, 100:] = 0
    >>> measured_length(fid)
    96
    """
    filled = fid.abs().amax((0, 2)).nonzero()
    measured = int(filled.max()) + 1 if len(filled) else 0
    return max([n for n in TRANSIENTS if n <= measured], default=TRANSIENTS[0])


def measured_map(fid: torch.Tensor, axis: Axis) -> torch.Tensor:
    """Reduce the States pair of a recording, (2, P, Q), to the map that is compared, (P, Q), free of noise.

    It is cut to `measured_length`. What does not exceed three times the median magnitude, of the spectrum or of its
    column, is noise, a ridge along F1, or signal too weak to count.

    Arguments
    ---------
    fid : torch.Tensor
        Complex, (2, P, Q).
    axis : Axis
        Both axes of its spectrum.

    Returns
    -------
    torch.Tensor
        float32, (P, Q).

    Example
    -------
    >>> measured_map(torch.zeros(2, 256, 256) + 0j, Axis()).shape
    torch.Size([256, 256])
    """
    cut = _cut(states_to_echo(*fid)[1][None], measured_length(fid), 1)
    magnitude = _transform(cut, 2).abs()
    noise = magnitude.median(dim=1, keepdim=True).values.clamp(min=float(magnitude.median()))
    largest = float((magnitude * own_signals(axis)).max())
    return _compress((magnitude - (NOISE_LEVELS * noise).clamp(min=WEAKEST * largest)).clamp(min=0))[0]


def make_templates(
    molecules: Sequence[Molecule], acquisition: Acquisition, n_transients: int = 256, size: int = 64
) -> torch.Tensor:
    """Simulate molecules to first order, ``size`` at a time, and reduce them to maps.

    Arguments
    ---------
    molecules : Sequence[Molecule]
        At least one; their mean shifts count.
    acquisition : Acquisition
        The experiment; both axes must be equal, 256 points.
    n_transients : int
        Points of t1 that are used; the others are zero.
    size : int
        Molecules at a time.

    Returns
    -------
    torch.Tensor
        float16, (molecules, P / 2, Q / 2).

    Example
    -------
    >>> from nmr_speech.simulate import load_residue
    >>> make_templates([load_residue("GLY")], Acquisition()).shape
    torch.Size([1, 128, 128])
    """
    parts = []
    for first in range(0, len(molecules), size):
        some = molecules[first : first + size]
        lines = first_order(some, [one.shift_mean_ppm[None] for one in some], acquisition)
        # Lines are transformed before they are multiplied: a dozen of them instead of a plane of points.
        plane = _cut(lines.t1, n_transients, 2).mT @ (lines.transfer @ _transform(lines.t2, 2))
        share = plane.abs() / plane.abs().amax((1, 2), keepdim=True)
        parts.append(_pool(_compress((share - WEAKEST).clamp(min=0))).half())
    return torch.cat(parts)


def cached_templates(
    molecules: Sequence[Molecule], acquisition: Acquisition, n_transients: int, folder: Path | None
) -> torch.Tensor:
    """Take templates from the cache, or make and keep them; as `make_templates`.

    The name of a file is the hash of all that its content depends on, so a gallery that changes has another file.

    Arguments
    ---------
    molecules : Sequence[Molecule]
        The gallery.
    acquisition : Acquisition
        The experiment.
    n_transients : int
        Points of t1 that are used.
    folder : Path | None
        Of the cache; None keeps nothing.

    Returns
    -------
    torch.Tensor

    Example
    -------
    >>> from nmr_speech.simulate import load_residue
    >>> folder, gallery = getfixture("tmp_path"), [load_residue("GLY")]
    >>> made, again = (cached_templates(gallery, Acquisition(), 256, folder) for _ in range(2))
    >>> len(list(folder.iterdir())), torch.equal(made, again)
    (1, True)
    """
    if folder is None:
        return make_templates(molecules, acquisition, n_transients)
    path = folder / f"templates_{gallery_hash(molecules, acquisition)[:32]}_{n_transients}.safetensors"
    if path.is_file():
        try:
            return safetensors.torch.load_file(path)["templates"]
        except (safetensors.SafetensorError, KeyError, OSError):
            path.unlink(missing_ok=True)  # damaged: made again
    templates = make_templates(molecules, acquisition, n_transients)
    with contextlib.suppress(OSError):  # a cache that cannot be written costs seconds, no answer
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, safetensors.torch.save({"templates": templates}))
    return templates


def gallery_hash(molecules: Sequence[Molecule], acquisition: Acquisition) -> str:
    """Hash all that templates depend on: groups, couplings, mean shifts and the experiment; names do not count.

    Example
    -------
    >>> from nmr_speech.simulate import load_residue
    >>> gallery_hash([load_residue("GLY")], Acquisition()) == gallery_hash([load_residue("ALA")], Acquisition())
    False
    """
    digest = hashlib.sha256(VERSION + repr(acquisition).encode())
    for one in molecules:
        digest.update(repr((one.system.groups, one.system.couplings_hz, one.shift_mean_ppm.tolist())).encode())
    return digest.hexdigest()


def cache_folder() -> Path:
    """Folder of the cache: that of the user, by the variable XDG_CACHE_HOME or ``~/.cache``.

    Example
    -------
    >>> getfixture("monkeypatch").setenv("XDG_CACHE_HOME", "/tmp/cache")
    >>> print(cache_folder())
    /tmp/cache/nmr_speech
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nmr_speech"


def correlate(measured: torch.Tensor, templates: torch.Tensor, axis: Axis) -> tuple[np.ndarray, np.ndarray]:
    """Correlate a measured map with templates at every reference offset.

    Arguments
    ---------
    measured : torch.Tensor
        From `measured_map`, (P, Q).
    templates : torch.Tensor
        From `make_templates`, (molecules, P / 2, Q / 2).
    axis : Axis
        Both axes of the map. Where water and the reference line lie in either dimension does not count.

    Returns
    -------
    correlation : np.ndarray
        Largest correlation of each molecule, -1 to 1, (molecules,).
    offset_ppm : np.ndarray
        What was added to the shifts of the measured map to reach it, (molecules,).

    Example
    -------
    >>> from nmr_speech.simulate import load_residue, tocsy
    >>> molecules = [load_residue(name) for name in ("VAL", "GLY")]
    >>> fid = tocsy(molecules[0], molecules[0].shift_mean_ppm - 0.1)
    >>> correlation, offset_ppm = correlate(measured_map(fid, Axis()), make_templates(molecules, Acquisition()), Axis())
    >>> bool(correlation[0] > 0.9 > correlation[1]), round(float(offset_ppm[0]), 2)
    (True, 0.09)
    """
    mask = own_signals(axis)
    offsets = range(-SEARCHED_POINTS, SEARCHED_POINTS + 1)
    shifted, masks = (
        torch.stack([_pool(plane.roll((k, k), (0, 1))[None])[0].flatten() for k in offsets])
        for plane in (measured * mask, mask)
    )
    flat, n = templates.float().flatten(1), masks.sum(1, keepdim=True)
    centred = shifted - shifted.sum(1, keepdim=True) / n * masks
    # Sums over what counts at each offset: the mean of a template drops out of the product with what is centred.
    spread = masks @ flat.square().T - (masks @ flat.T).square() / n
    scale = centred.norm(dim=1, keepdim=True) * spread.clamp(min=1e-12).sqrt()
    correlation, best = (centred @ flat.T / scale.clamp(min=1e-12)).max(0)
    return correlation.numpy(), (best.numpy() - SEARCHED_POINTS) * axis.width_ppm / axis.n


def _cut(signals, n, dim):
    """Transform the first ``n`` points of a dimension, with zeros in place of the others."""
    part = signals.narrow(dim, 0, min(n, signals.shape[dim]))
    return _transform(part, dim, signals.shape[dim])


def _transform(signals, dim, size=None):
    window = torch.from_numpy(cosine_window(signals.shape[dim], first_halved=False, dtype=torch.float32))
    weighted = signals * (window if dim == signals.ndim - 1 else window[:, None])
    return torch.fft.fftshift(torch.fft.fft(weighted, n=size, dim=dim, norm="ortho"), dim=dim)


def _compress(magnitude):
    """Square root, so that weak lines count too, and a blur, so that shifts need not agree to a point."""
    reach = int(3 * BLUR_POINTS)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / BLUR_POINTS) ** 2)
    kernel = (kernel / kernel.sum())[None, None, None]
    blurred = conv2d(magnitude.sqrt()[:, None], kernel, padding=(0, reach))
    return conv2d(blurred, kernel.mT, padding=(reach, 0))[:, 0]


def _pool(planes):
    return planes[:, ::POOLED, ::POOLED]

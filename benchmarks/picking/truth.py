"""Planes whose peaks are known: drawn ones of Voigt lines, and simulated TOCSY of residues that no network has seen."""

import numpy as np
import torch

from nmr_speech.picking.planes import Plane, draw_plane
from nmr_speech.picking.synthetic import voigt_lines
from nmr_speech.simulate import RESIDUES, Acquisition, draw_recordings

SEED = 77
FIELD = {"field_mhz": 600.0, "decay_time_t1_s": 0.05, "decay_time_t2_s": 0.08}
TOCSY_WIDTH = 3.0  # points of 14 Hz: squared cosine windows over 36 ms, and the multiplets


def voigt_planes(kind, count):
    """Drawn planes: development ones and tested ones differ in their seed."""
    return [draw_plane(np.random.default_rng((SEED, kind, k))) for k in range(count)]


def tocsy_plane(rng):
    """A simulated TOCSY of one to four residues, with its groups' diagonal and cross peaks as truth."""
    acquisition = Acquisition(**FIELD)
    names = rng.choice(RESIDUES, rng.integers(1, 5), replace=False)
    total, points, heights = 0.0, [], []
    for name in names:
        [recording] = draw_recordings(name, int(rng.integers(2**31)), [0], condition="d2o", **FIELD)
        own = zero_filled(recording.fid)
        total = total + own
        groups = list(recording.shifts_ppm.values())
        where = np.array([(ppm - acquisition.f2.ppm()[0]) / (acquisition.f2.width_ppm / len(own)) for ppm in groups])
        for a in where:
            for b in where:
                top = _near(own, a, b)
                if top is not None:
                    points.append(top[:2])
                    heights.append(top[2])
    noise = float(np.abs(total).max() / np.exp(rng.uniform(*np.log((50, 2000)))))
    points, heights = np.array(points), _told_apart(np.array(points), np.array(heights))
    width = np.full(points.shape, TOCSY_WIDTH)
    return Plane(total + noise * rng.normal(size=total.shape), noise, points, heights, width)


def zero_filled(fid):
    """Transform with as many zeros as there are points, real, (512, 512)."""
    window = torch.cos(torch.linspace(0, np.pi / 2, 257)[:256]) ** 2
    padded = torch.zeros(2, 512, 512, dtype=fid.dtype)
    padded[:, :256, :256] = fid * window[:, None] * window
    padded[:, 0] *= 0.5
    padded[:, :, 0] *= 0.5
    rows = torch.fft.fft(padded, dim=-1)
    joined = torch.complex(rows[0].real, rows[1].real)
    return torch.fft.fftshift(torch.fft.fft(joined, dim=-2), dim=(-2, -1)).real.numpy().astype(float)


def _near(plane, a, b, reach=2):
    """The place of a pair of groups and what stands there: 0 on the flank of another peak; None at the border."""
    i, j = round(a), round(b)
    if not (reach < i < 512 - reach and reach < j < 512 - reach):
        return None  # folded, or at the border
    part = np.abs(plane[i - reach : i + reach + 1, j - reach : j + reach + 1])
    k, m = np.unravel_index(part.argmax(), part.shape)
    shoulder = max(abs(k - reach), abs(m - reach)) == reach
    return a, b, 0.0 if shoulder else plane[i - reach + k, j - reach + m]


def _told_apart(points, heights):
    """Heights, 0 for peaks that stand within two points of a higher one: they may be found, but need not be."""
    near = np.abs(points[:, None] - points[None]).max(axis=2) < 2
    order = np.argsort(np.argsort(-np.abs(heights), kind="stable"))
    hidden = (near & (order[None] < order[:, None])).any(axis=1)
    return np.where(hidden, 0.0, heights)


def tocsy_planes(kind, count):
    """Simulated TOCSY planes; kinds differ in their seed."""
    return [tocsy_plane(np.random.default_rng((SEED, 10 + kind, k))) for k in range(count)]


def pair(rng, distance, ratio, snr=50.0):
    """Two peaks beside each other along one axis, their centres and widths."""
    width, share = rng.uniform(6, 14, 2), rng.uniform(0, 1, 2)
    middle, along = 64 + rng.uniform(-0.5, 0.5, 2), rng.integers(2)
    points = np.tile(middle, (2, 1))
    points[:, along] += np.array([-0.5, 0.5]) * distance * width[along]
    x = np.arange(128)
    plane = sum(
        height * np.outer(*(voigt_lines(x, point[a], width[a], share[a]) for a in range(2)))
        for height, point in zip((1.0, ratio), points, strict=True)
    )
    return plane + rng.normal(size=plane.shape) / snr, points, width

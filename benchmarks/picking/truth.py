"""Planes whose peaks are known: drawn ones of Voigt lines, and simulated TOCSY of residues that no network has seen."""

import numpy as np

from nmr_speech.picking.planes import draw_plane
from nmr_speech.picking.synthetic import voigt_lines
from nmr_speech.picking.tocsy_planes import plane_of
from nmr_speech.simulate import RESIDUES, Acquisition, draw_recordings

SEED = 77
FIELD = {"field_mhz": 600.0, "decay_time_t1_s": 0.05, "decay_time_t2_s": 0.08}


def voigt_planes(kind, count):
    """Drawn planes: development ones and tested ones differ in their seed."""
    return [draw_plane(np.random.default_rng((SEED, kind, k))) for k in range(count)]


def tocsy_plane(rng):
    """A simulated TOCSY of one to four residues, with its groups' diagonal and cross peaks as truth."""
    acquisition = Acquisition(**FIELD)
    names = rng.choice(RESIDUES, rng.integers(1, 5), replace=False)
    drawn = [draw_recordings(name, int(rng.integers(2**31)), [0], condition="d2o", **FIELD)[0] for name in names]
    signals = [(one.fid, np.array(list(one.shifts_ppm.values()))) for one in drawn]
    part = 1 / np.exp(rng.uniform(*np.log((50, 2000))))
    return plane_of(signals, acquisition.f2, part * rng.normal(size=(2 * acquisition.n_points,) * 2))


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

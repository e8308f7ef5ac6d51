"""DEEP Picker's network on its own task: every line of a row, shoulders too; then rows and columns joined.

Li et al. 2021, doi 10.1038/s41467-021-25496-5. The layers are those of the original, with 8,037 parameters; the weights
are ours, trained on rows of our own, and so is the way from rows and columns to peaks, which is a set of rules there.
"""

from dataclasses import dataclass

import numpy as np
import scipy.ndimage
import torch
from scipy.spatial import cKDTree
from torch import nn

from nmr_speech.picking.noise import local_noise
from nmr_speech.picking.peaks import Candidates

FILTERS = (40, 20, 10, 20, 10, 30, 18)
KERNELS = (11, 1, 11, 1, 1, 11, 1)
NOISE_PARTS = 60.0  # a row is divided by its largest point, but at least by so many standard deviations of the noise
REACH = 1.5  # points on either side of a line's centre that are marked as its own
WIDTH_SCALE = 20.0  # points: widths are predicted in these
LEAST_VOTE = 0.05  # probability below which a point says nothing of a line
VOTES = 3.0  # points beside a centre: with all of them certain, the line is
PIECE, MARGIN = 512, 32  # a 1D spectrum is cut: in each piece, the largest line sets the scale
SEEN = 4.0  # standard deviations of the noise: lower points are no peaks
GATHER = np.array([0.5, 1.0, 1.0, 1.0, 0.5])
NEAREST = 0.3  # widths: nearer lines cannot be told apart
NONE, STRONG, WEAK = 0, 1, 2
"""Classes of a point: no line, a line that is a maximum of the row, a line that is a shoulder."""


class RowNetwork(nn.Module):
    """Seven convolutions over the points of a row; what each point is, and where the line beside it is.

    Example
    -------
    >>> network = RowNetwork().eval()
    >>> sum(weight.numel() for weight in network.parameters())
    8037
    >>> logits, lines = network(torch.rand(2, 100))
    >>> logits.shape, lines.shape
    (torch.Size([2, 3, 100]), torch.Size([2, 2, 4, 100]))
    """

    settings: dict = {}  # noqa: RUF012 - the sizes are the original's

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = 1
        for filters, kernel in zip(FILTERS, KERNELS, strict=True):
            layers += [nn.Conv1d(width, filters, kernel, padding="same"), nn.ReLU()]
            width = filters
        self.layers = nn.Sequential(*layers)
        self.lines = nn.Sequential(nn.Conv1d(width, 8, 1), nn.ReLU())
        self.classes = nn.Sequential(nn.MaxPool1d(3, stride=1, padding=1), nn.Conv1d(width, 3, 1))

    def forward(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Describe the points of rows.

        Arguments
        ---------
        rows : torch.Tensor
            As `normalised` gives them, (B, L).

        Returns
        -------
        logits : torch.Tensor
            Of none, strong and weak, (B, 3, L).
        lines : torch.Tensor
            Of a strong and of a weak line beside each point: offset, amplitude, full width and its Lorentzian part,
            (B, 2, 4, L). The offset is (point - centre + 1.5) / 3, widths are in 20 points, amplitudes as the row is.
        """
        x = self.layers(rows[:, None])
        return self.classes(x), self.lines(x).unflatten(1, (2, 4))


def normalised(rows: np.ndarray, noise_std: float | np.ndarray) -> np.ndarray:
    """Clip negative points, and divide each row by its largest point, or by 60 standard deviations of its noise.

    Example
    -------
    >>> normalised(np.array([[-1.0, 4.0, 2.0]]), 0.0)
    array([[0. , 1. , 0.5]])
    """
    positive = np.maximum(rows, 0.0)
    scale = np.maximum(
        positive.max(axis=-1, keepdims=True), NOISE_PARTS * np.broadcast_to(noise_std, rows.shape[:-1])[..., None]
    )
    return positive / np.maximum(scale, np.finfo(float).tiny)


@dataclass(frozen=True, eq=False)
class Dots:
    """Lines found in rows, at the points nearest to their centres.

    Arguments
    ---------
    weight : np.ndarray
        Evidence that a line's centre is nearest to this point, 0 to about 1, (rows, L).
    centre : np.ndarray
        Where it is, in points, (rows, L); NaN where there is none.
    """

    weight: np.ndarray
    centre: np.ndarray


def dots(rows: np.ndarray, network: RowNetwork, batch_points: int = 2**18) -> Dots:
    """Find the lines of each row: points near a line point to its centre, and are counted there.

    Arguments
    ---------
    rows : np.ndarray
        As `normalised` gives them, (rows, L).
    network : RowNetwork
        Trained.
    batch_points : int
        Points that are computed at a time.

    Returns
    -------
    Dots
    """
    count, length = rows.shape
    weight, moment = np.zeros(rows.shape), np.zeros(rows.shape)
    size = max(1, batch_points // length)
    for start in range(0, count, size):
        with torch.inference_mode():
            logits, lines = network(torch.from_numpy(rows[start : start + size]).float())
            probability = logits.softmax(1)[:, 1:].numpy()
            offset = (2 * REACH * lines[:, :, 0] - REACH).numpy()
        for kind in (0, 1):
            row, point = np.nonzero(probability[:, kind] > LEAST_VOTE)
            vote = probability[:, kind][row, point]
            centre = np.clip(point - offset[:, kind][row, point], 0, length - 1)
            place = start + row, np.rint(centre).astype(int)
            np.add.at(weight, place, vote)
            np.add.at(moment, place, vote * centre)
    with np.errstate(invalid="ignore"):
        centre = np.where(weight > 0, moment / np.maximum(weight, LEAST_VOTE), np.nan)
    return Dots(np.minimum(weight / VOTES, 1.0), centre)


def find_lines(spectrum: np.ndarray, noise_std: float, network: RowNetwork) -> Candidates:
    """Find the lines of a 1D spectrum, positive and negative.

    Arguments
    ---------
    spectrum : np.ndarray
        Real, (n,).
    noise_std : float
        Standard deviation of its noise.
    network : RowNetwork
        Trained.

    Returns
    -------
    Candidates
    """
    points, probability = [np.zeros((0, 1))], [np.zeros(0)]
    for sign in (1.0, -1.0):
        rows, ends = _pieces(sign * spectrum, noise_std)
        found = dots(normalised(rows, noise_std), network)
        weight, centre = _joined_neighbours(found)
        for row, (first, low, high) in enumerate(ends):
            at = np.flatnonzero(
                (weight[row] > 0) & (np.arange(weight.shape[1]) >= low) & (np.arange(weight.shape[1]) < high)
            )
            points.append(first + centre[row, at][:, None])
            probability.append(weight[row, at])
    return Candidates(np.concatenate(points), np.concatenate(probability))


def apart(found: Candidates, width: np.ndarray) -> Candidates:
    """Keep of candidates that are too near for two lines the one with the most evidence.

    Arguments
    ---------
    found : Candidates
        Of K positions.
    width : np.ndarray
        Full width of a usual line along each axis in points, (D,).

    Returns
    -------
    Candidates
        By falling probability.

    Example
    -------
    >>> found = Candidates(np.array([[10.0], [11.0], [16.0]]), np.array([0.4, 0.9, 0.5]))
    >>> apart(found, np.array([8.0])).points
    array([[11.],
           [16.]])
    """
    order = np.argsort(-found.probability, kind="stable")
    points, probability = found.points[order], found.probability[order]
    kept = np.ones(len(points), bool)
    scaled = points / width
    for one, near in enumerate(cKDTree(scaled).query_ball_point(scaled, NEAREST, p=np.inf) if len(points) else []):
        if kept[one]:
            kept[[other for other in near if other > one]] = False
    return Candidates(points[kept], probability[kept])


def _pieces(spectrum, noise_std):
    """Overlapping pieces of a spectrum, (pieces, 512 + 64), and for each its first point and the part that counts."""
    padded = np.pad(spectrum, MARGIN)
    count = max(1, -(-len(spectrum) // PIECE))
    padded = np.pad(padded, (0, count * PIECE + 2 * MARGIN - len(padded)))
    rows = np.stack([padded[k * PIECE : (k + 1) * PIECE + 2 * MARGIN] for k in range(count)])
    ends = [(k * PIECE - MARGIN, MARGIN, min(PIECE, len(spectrum) - k * PIECE) + MARGIN) for k in range(count)]
    return rows, ends


def _joined_neighbours(found: Dots) -> tuple[np.ndarray, np.ndarray]:
    """Evidence and mean centre at the points of each row where most evidence is near."""
    total = gathered(found.weight, 1)
    best = (total == scipy.ndimage.maximum_filter1d(total, 5, axis=1)) & (total > LEAST_VOTE)
    moment = scipy.ndimage.convolve1d(found.weight * np.nan_to_num(found.centre), GATHER, axis=1, mode="constant")
    count = scipy.ndimage.convolve1d(found.weight, GATHER, axis=1, mode="constant")
    return np.where(best, total, 0.0), moment / np.maximum(count, 1e-9)


def find_crossings(plane: np.ndarray, noise_std: float, network: RowNetwork) -> Candidates:
    """Find peaks of a plane where a line of its row and a line of its column cross, positive and negative.

    Arguments
    ---------
    plane : np.ndarray
        Real, (n1, n2).
    noise_std : float
        Standard deviation of its noise.
    network : RowNetwork
        Trained.

    Returns
    -------
    Candidates
        The probability is the geometric mean of what row and column say.
    """
    points, probability = [np.zeros((0, 2))], [np.zeros(0)]
    local = local_noise(plane, noise_std)
    for sign in (1.0, -1.0):
        if (sign * plane).max() <= SEEN * noise_std:
            continue
        found = _crossings(sign * plane, local, network)
        points.append(found[0])
        probability.append(found[1])
    return Candidates(np.concatenate(points), np.concatenate(probability))


def _crossings(plane, local, network):
    maps = []
    for turned, noise in ((plane, local), (plane.T, local.T)):
        weight, centre = np.zeros(turned.shape), np.full(turned.shape, np.nan)
        rows = np.flatnonzero((turned > SEEN * noise).any(axis=1))  # others hold nothing, and are most
        if len(rows):
            found = dots(normalised(turned[rows], np.median(noise[rows], axis=1)), network)
            weight[rows], centre[rows] = found.weight, found.centre
        maps.append((weight, centre))
    (along_rows, x), (along_columns, y) = maps[0], (maps[1][0].T, maps[1][1].T)
    row_evidence, column_evidence = gathered(along_rows, 1), gathered(along_columns, 0)
    both = np.sqrt(row_evidence * column_evidence) * (plane > SEEN * local)
    # Where evidence is alike, the centres nearest to the point decide.
    distance = np.hypot(_distance(x, along_rows, 1), _distance(y, along_columns, 0))
    ranked = both - 0.01 * np.minimum(distance, 3.0)
    peak = (both > LEAST_VOTE) & (ranked == scipy.ndimage.maximum_filter(ranked, 3))
    place = np.argwhere(peak)
    refined = np.stack([_nearest(y, along_columns, place, 0), _nearest(x, along_rows, place, 1)], axis=1)
    return refined, both[peak]


def gathered(weight: np.ndarray, axis: int) -> np.ndarray:
    """Sum the evidence near each point along an axis: votes for a line that overlaps another do not all meet.

    Example
    -------
    >>> gathered(np.array([[0.0, 0.5, 0.0, 0.25, 0.0, 0.0]]), axis=1)
    array([[0.5  , 0.625, 0.75 , 0.5  , 0.25 , 0.125]])
    """
    return np.minimum(scipy.ndimage.convolve1d(weight, GATHER, axis=axis, mode="constant"), 1.0)


def _distance(centre, weight, axis):
    """Distance of each point from the nearest centre that it or its neighbours hold, along an axis."""
    index = np.arange(centre.shape[axis]).reshape([-1 if k == axis else 1 for k in range(2)])
    best = np.full(centre.shape, 3.0)
    for step in (-1, 0, 1):
        moved = np.where(np.roll(weight, step, axis) > LEAST_VOTE, np.roll(centre, step, axis), np.nan)
        best = np.fmin(best, np.abs(moved - index))
    return best


def _nearest(centre, weight, place, axis):
    """Mean of the centres beside each place along an axis, by their evidence, (K,)."""
    total, moment = np.zeros(len(place)), np.zeros(len(place))
    for step in (-2, -1, 0, 1, 2):
        at = place.copy()
        at[:, axis] = np.clip(at[:, axis] + step, 0, centre.shape[axis] - 1)
        w = weight[tuple(at.T)]
        total += w
        moment += w * np.nan_to_num(centre[tuple(at.T)])
    return np.where(total > 0, moment / np.maximum(total, 1e-9), place[:, axis])

"""NMR-Net: is a local extremum a peak? A small image of its surroundings decides.

After Klukowski et al., Bioinformatics 2018, 34, 2590: local extrema above the noise, resolution and intensity
normalised, 48 x 48 points, two convolutions with max pooling, one dense layer, a sigmoid. The sizes of the layers are
ours, as the paper gives none.
"""

import numpy as np
import torch
from scipy.ndimage import map_coordinates, maximum_filter
from torch import nn

from nmr_speech.picking.maxima import stand_out

SIDE = 48  # points of a patch
WIDTH = 6.0  # points of a usual line in a patch
LEAST = 4.0  # standard deviations of the noise
BESIDE = 0.1  # of the highest point of its row and column: what is lower does not say how wide peaks are
STRONGEST = 40  # extrema whose widths say what is usual
MOST = 5000  # extrema that are looked at, the strongest
PROMINENT = 2.0  # standard deviations by which an extremum must stand out for the network to judge it
CAUTION = 0.3  # see `nmr_speech.picking.noise.local_noise`
LARGEST = 2.0  # the extremum itself is 1
MOST_STEPS = 64  # from a point to its hilltop


class PatchNetwork(nn.Module):
    """Two convolutions with max pooling and a dense layer, 10,065 parameters.

    Example
    -------
    >>> network = PatchNetwork().eval()
    >>> sum(weight.numel() for weight in network.parameters())
    10065
    >>> network(torch.rand(3, 2, 48, 48)).shape
    torch.Size([3])
    """

    settings: dict = {}  # noqa: RUF012 - there are none

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(32 * (SIDE // 4) ** 2, 1),
        )  # fmt: skip

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Logits (K,) of patches (K, 2, 48, 48), as `patches` cuts them."""
        return self.layers(patches)[:, 0]


def extrema(plane: np.ndarray, noise_std: float) -> np.ndarray:
    """Return the local extrema of either sign above four standard deviations of the noise, (K, D), whole points.

    Example
    -------
    >>> plane = np.zeros((9, 9))
    >>> plane[4, 6] = -9.0
    >>> extrema(plane, 1.0)
    array([[4, 6]])
    """
    found = []
    for sign in (1, -1):
        turned = sign * plane
        top = (turned == maximum_filter(turned, 3, mode="nearest")) & (
            turned > LEAST * max(noise_std, 1e-5 * np.abs(plane).max())
        )
        found.append(np.argwhere(top))
    places = np.concatenate(found)
    inside = ((places > 0) & (places < np.array(plane.shape) - 1)).all(axis=1)
    places = places[inside]
    return places[np.argsort(-np.abs(plane[tuple(places.T)]), kind="stable")[:MOST]]


def proposals(plane: np.ndarray, noise_std: float) -> np.ndarray:
    """Return the extrema that the network judges, (K, 2): more than are peaks, the strongest first.

    Less prominent ones than `nmr_speech.picking.maxima.find_maxima` takes, and nearer to strong lines: to tell wiggles,
    ridges and noise from faint peaks is what the network has learned.

    Example
    -------
    >>> plane = np.zeros((9, 9))
    >>> plane[4, 6], plane[4, 2] = -9.0, 20.0
    >>> proposals(plane, 1.0).tolist()
    [[4, 2], [4, 6]]
    """
    places, _ = stand_out(plane, noise_std, PROMINENT, CAUTION)
    return places[np.argsort(-np.abs(plane[tuple(places.T)]), kind="stable")[:MOST]]


def usual_widths(plane: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the median full width at half height of the strongest extrema along each axis, in points, (D,).

    Example
    -------
    >>> x = np.arange(64.0)
    >>> line = 1 / (1 + ((x - 30) / 4) ** 2)
    >>> usual_widths(np.outer(line, line), np.array([[30, 30]])).round(1)
    array([8., 8.])
    """
    found = []
    if plane.ndim == 2 and len(places):  # what is faint beside a peak of its row or column may be a ridge of it
        magnitude, top = np.abs(plane), np.abs(plane[tuple(places.T)])
        along = np.maximum(magnitude.max(axis=1)[places[:, 0]], magnitude.max(axis=0)[places[:, 1]])
        places = places[top >= BESIDE * along]
    for axis in range(plane.ndim):
        own = []
        for place in places[:STRONGEST]:
            along = tuple(slice(None) if k == axis else at for k, at in enumerate(place))
            own.append(_width(plane[along], place[axis]))
        found.append(np.median(own) if own else WIDTH)
    return np.maximum(np.array(found), 1.0)


def _width(row, top):
    half = np.abs(row * np.sign(row[top])) < 0.5 * abs(row[top])
    half |= np.sign(row) != np.sign(row[top])
    ends = []
    for step in (-1, 1):
        side = row[top::step] * np.sign(row[top])
        below = np.flatnonzero(half[top::step])
        if not len(below):
            return float(len(row))
        k = below[0]
        high, low = side[k - 1], side[k]
        ends.append(k - 1 + (high - 0.5 * side[0]) / (high - low))
    return ends[0] + ends[1]


def patches(plane: np.ndarray, places: np.ndarray, noise_std: float, step: np.ndarray) -> torch.Tensor:
    """Cut out the surroundings of extrema, at one resolution and of one height.

    Arguments
    ---------
    plane : np.ndarray
        Real, (n1, n2).
    places : np.ndarray
        Extrema, whole points, (K, 2).
    noise_std : float
        Standard deviation of the noise.
    step : np.ndarray
        Points of the plane for one of the patch, along each axis, (2,).

    Returns
    -------
    torch.Tensor
        float32, (K, 2, 48, 48): in units of the extremum, and in those of the noise as an inverse hyperbolic sine; a
        negative extremum is turned. Beyond the plane's border there is zero.
    """
    grid = np.arange(SIDE) - (SIDE - 1) / 2
    y = places[:, 0, None, None] + step[0] * grid[:, None] + np.zeros(SIDE)
    x = places[:, 1, None, None] + step[1] * grid + np.zeros((SIDE, 1))
    top = plane[tuple(places.T)][:, None, None]
    around = map_coordinates(plane, [y, x], order=1, mode="constant") * np.sign(top)
    by_height = (around / np.abs(top)).clip(-LARGEST, LARGEST)
    by_noise = np.arcsinh(around / max(noise_std, 1e-5 * np.abs(plane).max())) / 6
    return torch.from_numpy(np.stack([by_height, by_noise], axis=1).astype(np.float32))


def hilltops(plane: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Climb from points to the extremum of the same sign that they lie on.

    Arguments
    ---------
    plane : np.ndarray
        Real, (n1, n2).
    points : np.ndarray
        Positions, (K, 2).

    Returns
    -------
    np.ndarray
        Whole points, (K, 2).

    Example
    -------
    >>> x = np.arange(32.0)
    >>> hill = np.exp(-(((x - 12) / 6) ** 2))
    >>> hilltops(-np.outer(hill, hill), np.array([[9.0, 15.2]]))
    array([[12, 12]])
    """
    places = np.rint(points).astype(int).clip(0, np.array(plane.shape) - 1)
    sign = np.sign(plane[tuple(places.T)])
    steps = np.array([(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)])
    for _ in range(MOST_STEPS):
        around = (places[:, None] + steps).clip(0, np.array(plane.shape) - 1)
        best = (plane[around[..., 0], around[..., 1]] * sign[:, None]).argmax(axis=1)
        climbed = around[np.arange(len(places)), best]
        if (climbed == places).all():
            break
        places = climbed
    return places


def judge(
    plane: np.ndarray, places: np.ndarray, noise_std: float, network: PatchNetwork, batch: int = 512
) -> np.ndarray:
    """Return the probability that an extremum is a peak, (K,), by its surroundings.

    Arguments
    ---------
    plane : np.ndarray
        Real, (n1, n2).
    places : np.ndarray
        Extrema, whole points, (K, 2).
    noise_std : float
        Standard deviation of the noise.
    network : PatchNetwork
        Trained.
    batch : int
        Extrema that are judged at a time.

    Returns
    -------
    np.ndarray
    """
    found = [np.zeros(0)]
    step = usual_widths(plane, extrema(plane, noise_std)) / WIDTH
    with torch.inference_mode():
        for start in range(0, len(places), batch):
            images = patches(plane, places[start : start + batch], noise_std, step)
            found.append(network(images).sigmoid().double().numpy())
    return np.concatenate(found)

"""What the pickers' networks are trained on: examples drawn by seed and index, no one twice."""

from dataclasses import dataclass

import numpy as np
import torch

from nmr_speech.enhancement.pairs import Pair, Pairs, PairSettings
from nmr_speech.picking.noise import noise_std
from nmr_speech.picking.patches import WIDTH, extrema, patches, proposals, usual_widths
from nmr_speech.picking.planes import draw_plane, matches
from nmr_speech.picking.regions import averaged, points_each, prepared
from nmr_speech.picking.rows import REACH, WIDTH_SCALE, normalised
from nmr_speech.picking.synthetic import IGNORED, draw_rows
from nmr_speech.picking.tocsy_planes import draw_tocsy_plane
from nmr_speech.simulate.fid import cosine_window

PLANE_SNR = (8.0, 10_000.0)  # of the highest peak of a plane
TOCSY = 0.5  # share of the planes that NMR-Net learns from; the others have lines at random
ROWS, PATCHES, WINDOWS = 64, 64, 4  # of an item
WINDOW = 2048  # points of a 1D spectrum
SIGNAL_STD = 2.0  # standard deviations of the noise from which a point beside a line is signal
SNR = (1.0, 100_000.0)  # of the tallest line of a 1D spectrum; those of small molecules reach thousands
APODISED = 0.5  # share of the 1D spectra that are weighted and zero filled, as users process them
SYSTEMS = 400  # spin systems that the spectra are mixed from


class Drawn(torch.utils.data.Dataset):
    """Items of one kind, drawn as they are needed.

    Arguments
    ---------
    seed : int
        Seed of the draws.
    split : str
        "train" or "valid".
    items : int
        Number of items; a training moves ``first`` on by so many each epoch.
    """

    def __init__(self, seed: int, split: str, items: int) -> None:
        self.seed, self.split, self.items, self.first = seed, split, items, 0

    def __len__(self) -> int:
        return self.items

    def __getitem__(self, index: int) -> tuple[torch.Tensor, ...]:
        if not 0 <= index < self.items:
            raise IndexError(index)
        return self.draw(np.random.default_rng((self.seed, self.first + index, self.split == "valid")))

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
        """Draw one item."""
        raise NotImplementedError


class RowItems(Drawn):
    """Rows of Voigt lines for `RowNetwork`.

    Example
    -------
    >>> rows, classes, lines = RowItems(seed=1, split="train", items=1)[0]
    >>> rows.shape, classes.shape, lines.shape
    (torch.Size([64, 384]), torch.Size([64, 384]), torch.Size([64, 4, 384]))
    """

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
        """Draw rows (64, L), their classes (64, L) and what `RowNetwork` should say of the lines, (64, 4, L)."""
        rows = draw_rows(rng, ROWS)
        values = normalised(rows.values, rows.noise_std)
        scale = np.maximum(rows.values, 0).max(axis=1, keepdims=True) / np.maximum(
            values.max(axis=1, keepdims=True), 1e-9
        )
        centre, amplitude, width, lorentzian = rows.lines.transpose(1, 0, 2)
        offset = (np.arange(values.shape[1]) - centre + REACH) / (2 * REACH)
        lines = np.stack(
            [offset, amplitude / np.maximum(scale, 1e-9), width / WIDTH_SCALE, lorentzian / WIDTH_SCALE], 1
        )
        return torch.from_numpy(values).float(), torch.from_numpy(rows.classes), torch.from_numpy(lines).float()


class PatchItems(Drawn):
    """Surroundings of extrema for `PatchNetwork`, peaks or not.

    Example
    -------
    >>> images, labels = PatchItems(seed=1, split="train", items=1)[0]
    >>> images.shape[1:], labels.shape == images.shape[:1]
    (torch.Size([2, 48, 48]), True)
    """

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
        """Draw a plane, and of at most 64 extrema images (K, 2, 48, 48) and 1 for a peak, 0 for none, (K,)."""
        plane = draw_tocsy_plane(rng) if rng.random() < TOCSY else draw_plane(rng, snr=PLANE_SNR)
        level = noise_std(plane.values)
        places = proposals(plane.values, level)
        tolerance = np.maximum(0.5 * plane.width, 1.0)
        partner = matches(places.astype(float), plane.points, tolerance)
        # Either answer is right for a peak that need not be found, and for one more extremum of a multiplet.
        again = (np.abs(places[:, None] - plane.points) <= tolerance).all(axis=2).any(axis=1) & (partner < 0)
        told = ~again & ((partner < 0) | (plane.height[partner] != 0))
        if not told.any():
            return self.draw(rng)
        # As often as they come, so that probabilities are right; a plane with ridges has hundreds that are no peaks.
        chosen = rng.permutation(np.flatnonzero(told))[:PATCHES]
        step = usual_widths(plane.values, extrema(plane.values, level)) / WIDTH
        images = patches(plane.values, places[chosen], level, step)
        return images, torch.from_numpy((partner[chosen] >= 0).astype(np.float32))


class RegionItems(Drawn):
    """Windows of 1D spectra of mixtures for `RegionNetwork`, with the points that hold signal.

    Example
    -------
    >>> spectra, labels = RegionItems(seed=1, split="valid", items=1, drawn_systems=3)[0]
    >>> spectra.shape, labels.shape
    (torch.Size([4, 1, 2048]), torch.Size([4, 2048]))
    """

    def __init__(self, seed: int, split: str, items: int, drawn_systems: int = SYSTEMS) -> None:
        super().__init__(seed, split, items)
        settings = PairSettings(
            snr=SNR, water_share=0.3, baseline_share=0.4, first_order_share=0.0, drawn_systems=drawn_systems
        )
        self.pairs = Pairs(settings, seed, split)

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
        """Draw a spectrum, and windows of it (4, 1, n) with 1 for signal and 0 for none, (4, n)."""
        pair = self.pairs.draw(int(rng.integers(2**40)))
        clean, noisy = ((part / pair.phase).numpy() for part in (pair.clean, pair.clean + pair.noise))
        noise, near, axis = pair.noise_std, near_a_line(pair), pair.axis
        if rng.random() < APODISED:
            clean, noisy = apodised(clean), apodised(noisy)
            noise, near, axis = noise / np.sqrt(2), near.repeat(2), axis.resized(2 * axis.n)  # the mean of cos^2 is 1/2
        size = points_each(axis)
        clean, values = (averaged(part.real - np.median(part.real), size) for part in (clean, noisy))
        signal = np.abs(clean - np.median(clean)) > SIGNAL_STD * noise / np.sqrt(size)
        label = signal & (averaged(near.astype(float), size) > 0)
        starts = rng.integers(len(values), size=WINDOWS)
        points = (starts[:, None] + np.arange(WINDOW)) % len(values)
        return prepared(values[points], noise_std(values)), torch.from_numpy(label[points].astype(np.float32))


def apodised(spectrum: np.ndarray) -> np.ndarray:
    """Weight the FID of a complex spectrum (n,), zero frequency first, by a cosine, and fill it with as many zeros.

    Example
    -------
    >>> apodised(np.ones(4)).round(3)
    array([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j])
    """
    n = len(spectrum)
    return np.fft.fft(np.fft.ifft(spectrum) * cosine_window(n, 1, first_halved=False), 2 * n)


def near_a_line(pair: Pair) -> np.ndarray:
    """Tell which points of a spectrum are near a line of a molecule, (n,)."""
    n = pair.axis.n
    reach = max(3, round(3 * pair.width_hz / pair.axis.width_hz * n))
    near = np.zeros(n, bool)
    if pair.centres:
        centres = np.concatenate(pair.centres)
        near[(centres[:, None] + np.arange(-reach, reach + 1)) % n] = True
    return near


@dataclass(frozen=True)
class Losses:
    """How far rows' predictions are from the truth.

    Arguments
    ---------
    classes : torch.Tensor
        Cross-entropy of the classes, a number.
    lines : torch.Tensor
        Squared error of offset, amplitude and widths, a number.
    """

    classes: torch.Tensor
    lines: torch.Tensor


def row_losses(logits: torch.Tensor, lines: torch.Tensor, classes: torch.Tensor, true: torch.Tensor) -> Losses:
    """Compare what `RowNetwork` says with the truth of `RowItems`.

    Arguments
    ---------
    logits : torch.Tensor
        (B, 3, L).
    lines : torch.Tensor
        (B, 2, 4, L).
    classes : torch.Tensor
        (B, L); -1 for points of which either is right.
    true : torch.Tensor
        (B, 4, L).

    Returns
    -------
    Losses

    Example
    -------
    >>> logits = torch.tensor([[[0.0], [50.0], [0.0]]])
    >>> found = row_losses(logits, torch.ones(1, 2, 4, 1), torch.tensor([[1]]), torch.ones(1, 4, 1))
    >>> found.classes.item(), found.lines.item()
    (0.0, 0.0)
    """
    entropy = torch.nn.functional.cross_entropy(logits, classes, ignore_index=IGNORED)
    errors = []
    for kind in (0, 1):
        own = (classes == kind + 1)[:, None]
        square = (lines[:, kind] - true) ** 2
        errors.append((square * own).sum() / own.sum().clamp(min=1) / 4)
    return Losses(entropy, errors[0] + errors[1])

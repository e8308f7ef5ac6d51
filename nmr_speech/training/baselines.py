"""The classifiers that every network has to beat.

`classify_by_spectrum` is logistic regression on the pooled 2D magnitude spectrum: relative to its maximum, raised to
the power of a quarter, and averaged over a grid of 32 x 32 cells. `classify_by_first_transient` does the same with one
transient, a 1D spectrum in 32 cells: its accuracy needs no second dimension. `classify_by_template` is what a
spectroscopist tries first: the residue whose mean spectrum correlates best, wherever the reference line lies.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from nmr_speech.axis import Axis
from nmr_speech.checks import in_range
from nmr_speech.corpus.pseudo_audio import unstack_fid
from nmr_speech.simulate.fid import spectrum

Items = Sequence[Mapping[str, Any]]

GRID = 32  # points per dimension after pooling
# One of several pairs that benchmarks/baselines finds equally good within sampling error.
EXPONENT = 0.25  # raises weak cross peaks
INVERSE_PENALTY = 100.0
STANDARD = Axis()  # of a simulated recording


def classify_by_spectrum(
    train: Items, test: Items, exponent: float = EXPONENT, inverse_penalty: float = INVERSE_PENALTY
) -> tuple[np.ndarray, np.ndarray]:
    """Train the baseline on one data set and classify the recordings of another.

    Arguments
    ---------
    train : Items
        Data set of items ``sig``, (65536, 4), and ``spk_id_encoded``, such as `load_datasets` makes.
    test : Items
        Another one.
    exponent : float
        Power to which the magnitude is raised.
    inverse_penalty : float
        Inverse strength of the L2 penalty: scikit-learn's ``C``.

    Returns
    -------
    true : np.ndarray
        Class numbers of the test recordings, (recordings,).
    predicted : np.ndarray
        Class numbers that the baseline predicts, (recordings,).

    Example
    -------
    >>> from nmr_speech.corpus import stack_fid
    >>> from nmr_speech.simulate import draw_recording
    >>> items = [
    ...     {"sig": stack_fid(draw_recording(residue, 1, i).fid)[0], "spk_id_encoded": label}
    ...     for i in range(5)
    ...     for label, residue in enumerate(["GLY", "LEU"])
    ... ]
    >>> classify_by_spectrum(items[:8], items[8:])[1].tolist()
    [0, 1]
    """
    return _regress(train, test, lambda wav: pooled_spectrum(wav, exponent), inverse_penalty)


def classify_by_first_transient(
    train: Items, test: Items, exponent: float = EXPONENT, inverse_penalty: float = INVERSE_PENALTY
) -> tuple[np.ndarray, np.ndarray]:
    """Train on the first transient alone and classify the recordings of another data set.

    Arguments
    ---------
    train, test : Items
        As for `classify_by_spectrum`.
    exponent : float
        Power to which the magnitude is raised.
    inverse_penalty : float
        Inverse strength of the L2 penalty: scikit-learn's ``C``.

    Returns
    -------
    true : np.ndarray
        Class numbers of the test recordings, (recordings,).
    predicted : np.ndarray
        Class numbers that the baseline predicts, (recordings,).
    """
    return _regress(train, test, lambda wav: pooled_first_transient(wav, exponent), inverse_penalty)


def classify_by_template(
    train: Items,
    test: Items,
    search_ppm: float = 0.3,
    axis: Axis = STANDARD,
) -> tuple[np.ndarray, np.ndarray]:
    """Assign each recording to the mean training spectrum with the highest correlation at the best common offset.

    The spectra are square roots of magnitudes. A template is moved along the diagonal point by point and wraps around,
    as folded lines do. A mean spectrum is a poor template where shifts vary by more than a line width, as in proteins.

    Arguments
    ---------
    train, test : Items
        As for `classify_by_spectrum`.
    search_ppm : float
        Largest offset in both dimensions, either way; 0 for no search.
    axis : Axis
        Axis of the recordings, the same in both dimensions.

    Returns
    -------
    true : np.ndarray
        Class numbers of the test recordings, (recordings,).
    predicted : np.ndarray
        Class numbers of the templates, (recordings,).
    """
    in_range("search_ppm", search_ppm, 0, axis.width_ppm / 2, "ppm", "0.3")
    total: dict[int, torch.Tensor] = {}
    for item in train:
        label = int(item["spk_id_encoded"])
        total[label] = total.get(label, torch.zeros(1)) + _unit_spectrum(item["sig"])
    labels, means = np.array(list(total)), torch.stack(list(total.values()))
    reach = int(search_ppm / axis.width_ppm * means.shape[-1])
    moved = [means.roll((offset, offset), (-2, -1)) for offset in range(-reach, reach + 1)]
    templates = torch.nn.functional.normalize(torch.stack(moved, 1).flatten(2), dim=-1)
    true, predicted = [], []
    for item in test:
        correlation = templates @ _unit_spectrum(item["sig"]).flatten()
        true.append(int(item["spk_id_encoded"]))
        predicted.append(labels[correlation.amax(1).argmax().item()])
    return np.array(true), np.array(predicted)


def pooled_spectrum(wavs: torch.Tensor, exponent: float = EXPONENT) -> torch.Tensor:
    """Reduce each recording to the features of `classify_by_spectrum`.

    Arguments
    ---------
    wavs : torch.Tensor
        Waveforms, (B, 65536, 4).
    exponent : float
        Power to which the magnitude is raised.

    Returns
    -------
    torch.Tensor
        float32, (recordings, 1024), from 0 to 1.

    Example
    -------
    >>> pooled_spectrum(torch.rand(2, 65536, 4)).shape
    torch.Size([2, 1024])
    """
    magnitude = _relative_magnitude(spectrum(unstack_fid(wavs)))
    return torch.nn.functional.adaptive_avg_pool2d(magnitude[:, None] ** exponent, GRID).flatten(1)


def pooled_first_transient(wavs: torch.Tensor, exponent: float = EXPONENT) -> torch.Tensor:
    """Reduce each recording to the 1D spectrum of its first transient: the cosine channel at t1 = 0.

    Ideal mixing conserves the total spin, so it leaves no trace here. The sine channel is left out: with ideal mixing
    it starts at zero.

    Arguments
    ---------
    wavs : torch.Tensor
        Waveforms, (B, 65536, 4).
    exponent : float
        Power to which the magnitude is raised.

    Returns
    -------
    torch.Tensor
        float32, (recordings, 32), from 0 to 1.

    Example
    -------
    >>> pooled_first_transient(torch.rand(2, 65536, 4)).shape
    torch.Size([2, 32])
    """
    transient = unstack_fid(wavs)[:, 0, :1]
    # With -i cos for the sine channel, `spectrum` keeps both parts of the transform over t2.
    magnitude = _relative_magnitude(spectrum(torch.stack([transient, -1j * transient], 1)))
    return torch.nn.functional.adaptive_avg_pool1d(magnitude**exponent, GRID).flatten(1)


def _regress(train, test, reduce, inverse_penalty):
    classifier = LogisticRegression(C=inverse_penalty, max_iter=500)
    classifier.fit(*_features_and_labels(train, reduce))
    features, true = _features_and_labels(test, reduce)
    return true, classifier.predict(features)


def _features_and_labels(dataset, reduce):
    # One by one: all spectra of a data set would need gigabytes.
    items = [(reduce(item["sig"][None]), item["spk_id_encoded"]) for item in dataset]
    return torch.cat([features for features, _ in items]).numpy(), np.array([label for _, label in items])


def _relative_magnitude(complex_spectrum):
    magnitude = complex_spectrum.abs()
    return magnitude / magnitude.amax(dim=(-2, -1), keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)


def _unit_spectrum(sig):
    """Square root of the magnitude, less its mean, of unit length, (256, 256): products are correlations."""
    root = spectrum(unstack_fid(sig)).abs().sqrt()
    return torch.nn.functional.normalize((root - root.mean()).flatten(), dim=0).view_as(root)


BASELINES = {
    "spectrum": classify_by_spectrum,
    "first_transient": classify_by_first_transient,
    "template": classify_by_template,
}
"""All baselines, by name."""

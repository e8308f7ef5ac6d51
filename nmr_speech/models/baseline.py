"""The classifier that every network has to beat: logistic regression on the pooled 2D magnitude spectrum.

The magnitude spectrum, relative to its maximum and raised to a quarter, is averaged over a grid of 32 x 32 cells.
"""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from nmr_speech.corpus.pseudo_audio import unstack_fid
from nmr_speech.simulate.fid import spectrum

GRID = 32  # points a dimension after pooling
# Of several pairs that benchmarks/baseline.py finds equally good within sampling error:
EXPONENT = 0.25  # brings up weak cross peaks
INVERSE_PENALTY = 100.0


def name_by_spectrum(train, test, exponent=EXPONENT, inverse_penalty=INVERSE_PENALTY) -> tuple[np.ndarray, np.ndarray]:
    """Train the baseline on one data set and name the recordings of another.

    Arguments
    ---------
    train : DynamicItemDataset
        Items ``sig`` and ``spk_id_encoded``, as `nmr_speech.dataio.load_datasets` makes them.
    test : DynamicItemDataset
        The same items.
    exponent : float
        Power to which the magnitude is raised.
    inverse_penalty : float
        Inverse strength of the L2 penalty: scikit-learn's ``C``.

    Returns
    -------
    true : np.ndarray
        Class numbers of the test recordings, (recordings,).
    named : np.ndarray
        Class numbers that the baseline gives them, (recordings,).
    """
    classifier = LogisticRegression(C=inverse_penalty, max_iter=500)
    classifier.fit(*_features_and_labels(train, exponent))
    features, true = _features_and_labels(test, exponent)
    return true, classifier.predict(features)


def pooled_spectrum(wavs: torch.Tensor, exponent: float = EXPONENT) -> torch.Tensor:
    """Reduce each recording to what the baseline sees of it.

    Arguments
    ---------
    wavs : torch.Tensor
        Waveforms, (recordings, 4, 65536).
    exponent : float
        Power to which the magnitude is raised.

    Returns
    -------
    torch.Tensor
        float32, (recordings, 1024), from 0 to 1.

    Example
    -------
    >>> pooled_spectrum(torch.rand(2, 4, 65536)).shape
    torch.Size([2, 1024])
    """
    magnitude = spectrum(unstack_fid(wavs)).abs()
    magnitude = magnitude / magnitude.amax(dim=(-2, -1), keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)
    return torch.nn.functional.adaptive_avg_pool2d(magnitude[:, None] ** exponent, GRID).flatten(1)


def _features_and_labels(dataset, exponent):
    items = [(pooled_spectrum(item["sig"].T[None], exponent), item["spk_id_encoded"]) for item in dataset]
    return torch.cat([features for features, _ in items]).numpy(), np.array([label for _, label in items])

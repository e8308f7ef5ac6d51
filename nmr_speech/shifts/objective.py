"""What the networks are trained on."""

import torch

from nmr_speech.shifts.atoms import ATOMS, BACKBONE

NOT_GIVEN = 3


def shift_loss(
    mean_ppm: torch.Tensor,
    std_ppm: torch.Tensor,
    true_ppm: torch.Tensor,
    spread_ppm: torch.Tensor,
    *,
    beta: float,
    side_chain_weight: float,
) -> torch.Tensor:
    """Average the negative logarithm of a Gaussian likelihood, in units of each atom's spread.

    Each term is weighted by the predicted variance to the power of ``beta`` (Seitzer et al., arXiv 2203.09168): with 0
    the network gives up on what is hard to predict, with 1 the means are those of the squared error.

    Arguments
    ---------
    mean_ppm, std_ppm : torch.Tensor
        Prediction, (B, L, atoms).
    true_ppm : torch.Tensor
        Measured, NaN where there is none, (B, L, atoms).
    spread_ppm : torch.Tensor
        Standard deviation of each atom over the training data, (B, L, atoms).
    beta : float
        Power of the variance, 0 to 1.
    side_chain_weight : float
        Weight of side-chain protons; an atom of the backbone has 1.

    Returns
    -------
    torch.Tensor
        A number.

    Example
    -------
    >>> one = torch.ones(1, 1, 36)
    >>> shift_loss(one, one, 3 * one, one, beta=0.0, side_chain_weight=1.0)  # two standard deviations off
    tensor(2.)
    """
    known = torch.isfinite(true_ppm)
    error = torch.where(known, true_ppm - mean_ppm, 0.0) / spread_ppm
    variance = (std_ppm / spread_ppm) ** 2
    terms = 0.5 * (error**2 / variance + variance.log()) * variance.detach() ** beta
    weights = torch.full((len(ATOMS),), side_chain_weight)
    weights[: len(BACKBONE)] = 1.0
    counted = known * weights
    return (terms * counted).sum() / counted.sum().clamp(min=1.0)


def structure_loss(logits: torch.Tensor, structure: torch.Tensor) -> torch.Tensor:
    """Average the cross-entropy over the residues whose structure is known.

    Arguments
    ---------
    logits : torch.Tensor
        (B, L, 3).
    structure : torch.Tensor
        0 helix, 1 strand, 2 coil, 3 not known, (B, L).

    Returns
    -------
    torch.Tensor
        A number.

    Example
    -------
    >>> logits = torch.tensor([[[100.0, 0.0, 0.0], [0.0, 0.0, 100.0]]])
    >>> structure_loss(logits, torch.tensor([[0, 3]]))
    tensor(0.)
    """
    return torch.nn.functional.cross_entropy(logits.flatten(0, -2), structure.flatten(), ignore_index=NOT_GIVEN)

"""What a denoiser is trained for."""

import torch

EMPTY = 0.3  # a point whose clean magnitude is below this many standard deviations of the noise holds no signal


def objective(
    removed: torch.Tensor,
    std: torch.Tensor,
    noisy: torch.Tensor,
    noise: torch.Tensor,
    beta: float = 1.0,
    empty_weight: float = 1.0,
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return the likelihood of the errors under the predicted standard deviations, with points weighted.

    Arguments
    ---------
    removed : torch.Tensor
        What the network takes away, complex, (B, n).
    std : torch.Tensor
        Standard deviation that it predicts for its error, (B, n).
    noisy, noise : torch.Tensor
        Its input and what it should have taken away, complex, (B, n).
    beta : float
        Each point's term is multiplied by its variance to this power, which is not differentiated (Seitzer et al.,
        On the Pitfalls of Heteroscedastic Uncertainty Estimation, arXiv 2203.09168).
    empty_weight : float
        Weight of the points without signal.

    Returns
    -------
    tuple[torch.Tensor, dict[str, torch.Tensor]]
        The loss; and the mean squared error of the real part (of all points, of those with and without signal), and the
        mean of the squared error over the predicted variance, which is 1 where the prediction is right. Epochs are
        compared by the error: the loss holds weights that change with the prediction.

    Example
    -------
    >>> one = torch.ones(1, 4)
    >>> loss, parts = objective(0 * one + 0j, one, one + 1j, one + 1j)
    >>> loss.item(), parts["empty"].item(), parts["chi_square"].item()
    (1.0, 1.0, 1.0)
    """
    error = torch.view_as_real(removed - noise).square().mean(-1)
    variance = std.square()
    empty = (noisy - noise).abs() < EMPTY
    weight = variance.detach() ** beta * torch.where(empty, empty_weight, 1.0)
    loss = (weight * (error / variance + variance.log())).mean()
    with torch.no_grad():
        parts = {
            "error": error.mean(),
            "signal": error[~empty].mean() if (~empty).any() else error.new_zeros(()),
            "empty": error[empty].mean() if empty.any() else error.new_zeros(()),
            "chi_square": (error / variance).mean(),
        }
    return loss, parts

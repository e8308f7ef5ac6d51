"""How well a method fills in synthetic FIDs: the relative error of the spectra of their echoes."""

from collections.abc import Callable

import torch

from nmr_speech.reconstruction.network import ROWS_AT_ONCE, Measurement
from nmr_speech.reconstruction.synthetic import SyntheticFIDs


def relative_error(spectra: torch.Tensor, references: torch.Tensor) -> torch.Tensor:
    """Return the relative l2 norm error (RLNE) of each spectrum, (B, ...) and (B, ...) to (B,).

    Example
    -------
    >>> relative_error(torch.tensor([[3.0, 0.0]]), torch.tensor([[3.0, 4.0]]))
    tensor([0.8000])
    """
    return (spectra - references).flatten(1).norm(dim=1) / references.flatten(1).norm(dim=1)


def measured_part(fids: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Return signals (B, n), or pairs (B, 2, n_1, n_2), with zeros where the masks (B, ...) are False.

    Example
    -------
    >>> measured_part(torch.ones(1, 2, 1, 2), torch.tensor([[[True, False]]])).tolist()
    [[[[1.0, 0.0]], [[1.0, 0.0]]]]
    """
    return torch.where(masks[:, None] if fids.ndim > masks.ndim else masks, fids, 0)


@torch.inference_mode()
def evaluate(
    method: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    dataset: SyntheticFIDs,
    device: str | torch.device = "cpu",
    echo: str | None = "even",
) -> dict[str, float]:
    """Reconstruct the FIDs of a data set by a method.

    Arguments
    ---------
    method : Callable
        ``method(measured, masks)``: fills in signals, complex, (B, n), zero where the masks, bool, (B, n), are False.
    dataset : SyntheticFIDs
        FIDs and masks.
    device : str | torch.device
        Device to compute on.
    echo : str | None
        Form of the echoes whose spectra are compared; None compares the spectra of the signals.

    Returns
    -------
    dict[str, float]
        ``fids``: their number. ``rlne``, ``rlne_std``: mean and standard deviation of the relative error of the spectra
        of their even echoes.

    Example
    -------
    >>> from nmr_speech.reconstruction.fid_settings import FIDSettings
    >>> data = SyntheticFIDs(FIDSettings(n_points=16, rate=(1.0, 1.0)), seed=1, indices=range(3))
    >>> evaluate(lambda measured, masks: 0.75 * measured, data)["rlne"]
    0.25
    """
    errors = []
    for part in torch.arange(len(dataset)).split(ROWS_AT_ONCE):
        fids, masks = (tensor.to(device) for tensor in dataset[part])
        full = Measurement.of(fids, torch.ones_like(masks), masks.ndim - 1, echo)
        filled = method(measured_part(fids, masks), masks)
        errors.append(relative_error(full.reference(filled), full.reference(fids)).cpu())
    rlne = torch.cat(errors)
    return {"fids": len(rlne), "rlne": rlne.mean().item(), "rlne_std": rlne.std(correction=0).item()}

"""What all reconstruction networks share: normalised measurements, and the way from points measured to signals."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import nn

from nmr_speech.checks import one_of, whole
from nmr_speech.reconstruction.operators import check_measured, data_consistency, fourier, inverse_fourier
from nmr_speech.reconstruction.schedule import Schedule
from nmr_speech.reconstruction.virtual_echo import (
    FORMS,
    check_phase,
    echo_mask,
    from_virtual_echo,
    half_dwell_phase,
    virtual_echo,
)

ROWS_AT_ONCE = 128  # signals whose feature maps stay in the caches of a CPU


@dataclass(frozen=True, eq=False)
class Measurement:
    """The points measured of B signals, normalised: what the phases of a network see.

    Arguments
    ---------
    measured : torch.Tensor
        complex, (B, L), the L points of an echo, or (B, L_1, L_2); zero where nothing is known.
    mask : torch.Tensor
        bool, (B, ...) or (1, ...), which points are known.
    scale : torch.Tensor
        (B, 1) or (B, 1, 1), what the signals were divided by.
    dims : int
        Number of dimensions sampled.
    echo : str | None
        Form of the virtual echo; None for none.
    """

    measured: torch.Tensor
    mask: torch.Tensor
    scale: torch.Tensor
    dims: int
    echo: str | None

    @classmethod
    def of(cls, fid: torch.Tensor, mask: torch.Tensor, dims: int = 1, echo: str | None = "even") -> "Measurement":
        """Make the echoes of signals (B, n), which are zero where nothing was measured, and normalise each.

        The scale is the largest magnitude of the zero-filled spectrum divided by the share of points known. Therefore a
        network sees neither the scale nor the rate of a signal, and little of its length.

        Example
        -------
        >>> mask = torch.tensor([[True, True, False, False]])
        >>> Measurement.of(8 * mask.cfloat(), mask).scale  # three points of eight are not zero: 24 / sqrt(8) / (1/2)
        tensor([[16.9706]])
        """
        axes = tuple(range(-dims, 0))
        share = mask.float().mean(dim=axes, keepdim=True)
        if echo is not None:
            fid, mask = virtual_echo(fid, echo), echo_mask(mask, echo)
        scale = fourier(fid, dims).abs().amax(dim=axes, keepdim=True) / share
        return cls(_divide(fid, scale), mask, scale, dims, echo)

    def spectrum(self, signal: torch.Tensor) -> torch.Tensor:
        """Transform signals (B, L) to spectra (B, L), complex; those of echoes are real but for rounding."""
        return fourier(signal, self.dims) * self._phase()

    def signal(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Transform spectra (B, L) back to signals (B, L): the inverse of `spectrum`."""
        return inverse_fourier(spectrum * self._phase().conj(), self.dims)

    def zero_filled(self) -> torch.Tensor:
        """Return the spectra (B, L) with zeros for the points not measured, ``x_0 = F U^T y``."""
        return self.spectrum(self.measured)

    def consistent(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Put the points measured into spectra (B, L): equations S1-4 and S1-5 of Wang et al."""
        if self.echo != "half_dwell":
            return data_consistency(spectrum, self.measured, self.mask, self.dims)
        return self.spectrum(torch.where(self.mask, self.measured, self.signal(spectrum)))

    def reference(self, fid: torch.Tensor) -> torch.Tensor:
        """Return the normalised spectra (B, L) of signals (B, n) without gaps: the target of the training."""
        return _divide(self.echo_spectrum(fid), self.scale)

    def echo_spectrum(self, fid: torch.Tensor) -> torch.Tensor:
        """Return the spectra (B, L) of signals (B, n) without gaps, not normalised."""
        return self.spectrum(fid if self.echo is None else virtual_echo(fid, self.echo))

    def fid(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Return the signals (B, n) of spectra (B, L), scaled back; of an echo's spectrum the real part."""
        if self.echo is None:
            return self.signal(spectrum) * self.scale
        real = spectrum.real.to(spectrum.dtype)  # an imaginary part can only be an error of the network
        return from_virtual_echo(self.signal(real), self.echo) * self.scale

    def _phase(self):
        if self.echo != "half_dwell":
            return torch.ones((), device=self.measured.device)
        return half_dwell_phase(self.measured.shape[-1], self.measured)


class ReconstructionNetwork(nn.Module, ABC):
    """A network that fills in the points not measured; called like `nmr_speech.reconstruction.ist`.

    Each signal becomes a virtual echo, whose spectrum is real, and is normalised alone: a batch gives what its signals
    give one by one. Signals sampled in two indirect dimensions get no echo, which would need all four components of a
    hypercomplex signal.

    Arguments
    ---------
    dims : int
        Number of dimensions sampled non-uniformly: 1 for 2D spectra, 2 for 3D spectra.
    **settings : float
        Arguments that make the same network again, for `nmr_speech.reconstruction.load.save_network`.
    """

    def __init__(self, dims: int = 1, **settings: float) -> None:
        super().__init__()
        self.dims = whole("dims", dims, 1, 2)
        self.settings = settings | ({"dims": dims} if dims > 1 else {})

    @abstractmethod
    def phases(self, measurement: Measurement) -> list[torch.Tensor]:
        """Reconstruct spectra.

        Arguments
        ---------
        measurement : Measurement
            Points measured of B signals.

        Returns
        -------
        list[torch.Tensor]
            Output of each phase of the network: normalised spectra, complex, (B, L) as ``measurement.measured``.
        """

    def forward(self, fid: torch.Tensor, schedule: Schedule, *, echo: str = "even") -> torch.Tensor:
        """Fill in the points that were not measured.

        Arguments
        ---------
        fid : torch.Tensor
            complex, (..., n), or (..., n_1, n_2) for ``dims`` 2: zero where nothing was measured.
        schedule : Schedule
            Indices of the points measured, or a mask; see `nmr_speech.reconstruction.sampling_mask`.
        echo : str
            Form of the virtual echo; see `nmr_speech.reconstruction.virtual_echo`. Not used for ``dims`` 2.

        Returns
        -------
        torch.Tensor
            complex, shape of ``fid``; points measured are unchanged.
        """
        return self.every_phase(fid, schedule, echo=echo)[-1]

    def every_phase(self, fid: torch.Tensor, schedule: Schedule, *, echo: str = "even") -> torch.Tensor:
        """Return the result after each phase, complex, (phases, ..., n); arguments as for `forward`."""
        mask = check_measured(fid, schedule, self.dims)
        form = one_of("echo", echo, FORMS) if self.dims == 1 else None
        if form is not None:
            check_phase(fid, mask, form)
        grid = fid.shape[-self.dims :]
        rows = fid.reshape(-1, *grid)
        # A schedule for all signals stays one row, a mask for each is split like the signals.
        masks = mask[None] if mask.ndim == self.dims else mask.expand(fid.shape).reshape(-1, *grid)
        parts = [
            self.fill_in(part, masks if len(masks) == 1 else masks[i : i + ROWS_AT_ONCE], form)
            for i, part in zip(range(0, len(rows), ROWS_AT_ONCE), rows.split(ROWS_AT_ONCE), strict=True)
        ]
        return torch.cat(parts, dim=1).reshape(-1, *fid.shape)

    def fill_in(self, fid: torch.Tensor, mask: torch.Tensor, echo: str | None = "even") -> torch.Tensor:
        """Do the work of `every_phase` at once, without checks, on signals (B, n) and masks (B, n) or (1, n)."""
        single = fid.to(torch.complex64)  # as the weights
        measurement = Measurement.of(single, mask, self.dims, echo)
        filled = torch.stack([measurement.fid(spectrum) for spectrum in self.phases(measurement)])
        return torch.where(mask, fid, filled.to(fid.dtype))


def _divide(signal, scale):
    """Divide, but leave signals of zeros, whose scale is zero, unchanged."""
    return signal / torch.where(scale > 0, scale, 1.0)


def as_channels(spectrum: torch.Tensor) -> torch.Tensor:
    """Return real and imaginary parts as two channels, (B, ...) to (2, B, ...).

    Example
    -------
    >>> as_channels(torch.tensor([[1 + 2j]])).tolist()
    [[[1.0]], [[2.0]]]
    """
    return torch.stack([spectrum.real, spectrum.imag])


def as_spectrum(channels: torch.Tensor) -> torch.Tensor:
    """Undo `as_channels`, (2, B, ...) to complex (B, ...).

    Example
    -------
    >>> as_spectrum(torch.tensor([[[1.0]], [[2.0]]]))
    tensor([[1.+2.j]])
    """
    return torch.complex(*channels)

"""What all reconstruction networks share: normalised measurements, and the way from points measured to signals."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import nn

from nmr_speech.checks import in_range, whole
from nmr_speech.reconstruction.hypercomplex import (
    Forms,
    check_pair,
    echo_phase,
    forms_of,
    from_echo,
    known_points,
    make_echo,
    of_pairs,
)
from nmr_speech.reconstruction.operators import check_measured, data_consistency, fourier, inverse_fourier
from nmr_speech.reconstruction.schedule import Schedule
from nmr_speech.reconstruction.virtual_echo import check_phase

ROWS_AT_ONCE = 128  # signals whose feature maps stay in the caches of a CPU
POINTS_AT_ONCE = 2**13  # of the grids of pairs taken at once; an echo has four times as many


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
    forms : Forms | None
        Form of the virtual echo in each; None for none.
    """

    measured: torch.Tensor
    mask: torch.Tensor
    scale: torch.Tensor
    dims: int
    forms: Forms | None

    @classmethod
    def of(
        cls, fid: torch.Tensor, mask: torch.Tensor, dims: int = 1, echo: str | Forms | None = "even"
    ) -> "Measurement":
        """Make the echoes of signals, which are zero where nothing was measured, and normalise each.

        Signals are (B, n), pairs of pathways (B, 2, n_1, n_2), or without an echo also (B, n_1, n_2).

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
        forms = None if echo is None else forms_of(echo, dims)
        if forms is not None:
            fid, mask = make_echo(fid, forms), known_points(mask, forms)
        scale = fourier(fid, dims).abs().amax(dim=axes, keepdim=True) / share
        return cls(_divide(fid, scale), mask, scale, dims, forms)

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
        if "half_dwell" not in (self.forms or ()):
            return data_consistency(spectrum, self.measured, self.mask, self.dims)
        return self.spectrum(torch.where(self.mask, self.measured, self.signal(spectrum)))

    def reference(self, fid: torch.Tensor) -> torch.Tensor:
        """Return the normalised spectra (B, L) of signals (B, n) without gaps: the target of the training."""
        return _divide(self.echo_spectrum(fid), self.scale)

    def echo_spectrum(self, fid: torch.Tensor) -> torch.Tensor:
        """Return the spectra (B, L) of signals (B, n) without gaps, not normalised."""
        return self.spectrum(fid if self.forms is None else make_echo(fid, self.forms))

    def fid(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Return the signals (B, n) of spectra (B, L), scaled back; of an echo's spectrum the real part."""
        if self.forms is None:
            return self.signal(spectrum) * self.scale
        real = spectrum.real.to(spectrum.dtype)  # an imaginary part can only be an error of the network
        return from_echo(self.signal(real) * self.scale, self.forms)

    def _phase(self):
        forms = self.forms or ("even",) * self.dims
        return echo_phase(self.measured.shape[-self.dims :], forms, self.measured)


class ReconstructionNetwork(nn.Module, ABC):
    """A network that fills in the points not measured; called like `nmr_speech.reconstruction.ist`.

    Each signal becomes a virtual echo, whose spectrum is real, and is normalised alone: a batch gives what its signals
    give one by one.

    Arguments
    ---------
    dims : int
        Number of dimensions sampled non-uniformly: 1 for 2D spectra, 2 for 3D spectra.
    in_phase : bool
        Whether signals are in phase, so that they can become echoes. False makes a network for any phases.
    least_rate : float
        Least share of points measured on which the network was trained; 0 where that is unknown.
    **settings : float
        Further arguments that make the same network again, for `nmr_speech.reconstruction.load.save_network`.
    """

    def __init__(self, dims: int = 1, in_phase: bool = True, least_rate: float = 0.0, **settings: float) -> None:
        super().__init__()
        self.dims, self.in_phase = whole("dims", dims, 1, 2), bool(in_phase)
        self.least_rate = in_range("least_rate", least_rate, 0, 1, "of the points", "0.03")
        own = {"dims": (dims, 1), "in_phase": (in_phase, True), "least_rate": (least_rate, 0.0)}
        self.settings = settings | {name: value for name, (value, usual) in own.items() if value != usual}

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

    def forward(self, fid: torch.Tensor, schedule: Schedule, *, echo: str | Forms = "even") -> torch.Tensor:
        """Fill in the points that were not measured.

        Arguments
        ---------
        fid : torch.Tensor
            complex, zero where nothing was measured: (..., n), or for ``dims`` 2 pairs of pathways (..., 2, n_1, n_2),
            see `nmr_speech.reconstruction.pathways`. A network for any phases takes (..., n_1, n_2).
        schedule : Schedule
            Indices of the points measured, or a mask; see `nmr_speech.reconstruction.sampling_mask`.
        echo : str | Forms
            Form of the virtual echo, one for all dimensions or one for each; see
            `nmr_speech.reconstruction.virtual_echo`. A network for any phases makes none.

        Returns
        -------
        torch.Tensor
            complex, shape of ``fid``; points measured are unchanged.
        """
        return self.every_phase(fid, schedule, echo=echo)[-1]

    def every_phase(self, fid: torch.Tensor, schedule: Schedule, *, echo: str | Forms = "even") -> torch.Tensor:
        """Return the result after each phase, complex, (phases, ..., n); arguments as for `forward`."""
        forms = forms_of(echo, self.dims) if self.in_phase else None
        mask = check_measured(fid, of_pairs(schedule, fid) if self.dims == 2 and forms else schedule, self.dims)
        if forms is not None and self.dims == 1:
            check_phase(fid, mask, forms[0])
        pairs = forms is not None and self.dims == 2
        grid = (check_pair(fid) if pairs else fid).shape[-self.dims :]
        rows = fid.reshape(-1, *([2] if pairs else []), *grid)
        if mask.ndim == self.dims:
            masks = mask[None]  # a schedule for all signals stays one row, a mask for each is split like the signals
        else:
            masks = mask.expand(fid.shape).reshape(rows.shape)
            masks = masks[:, 0] if pairs else masks
        most = ROWS_AT_ONCE if self.dims == 1 else max(1, POINTS_AT_ONCE // grid.numel())
        parts = [
            self.fill_in(part, masks if len(masks) == 1 else masks[i : i + most], forms)
            for i, part in zip(range(0, len(rows), most), rows.split(most), strict=True)
        ]
        return torch.cat(parts, dim=1).reshape(-1, *fid.shape)

    def fill_in(self, fid: torch.Tensor, mask: torch.Tensor, echo: str | Forms | None = "even") -> torch.Tensor:
        """Do the work of `every_phase` at once, without checks, on signals (B, n) and masks (B, n) or (1, n)."""
        measurement = self.measurement(fid.to(torch.complex64), mask, echo)  # as the weights
        filled = torch.stack([measurement.fid(spectrum) for spectrum in self.phases(measurement)])
        return torch.where(mask[:, None] if fid.ndim > self.dims + 1 else mask, fid, filled.to(fid.dtype))

    def measurement(self, fid: torch.Tensor, mask: torch.Tensor, echo: str | Forms | None = "even") -> Measurement:
        """Make of signals (B, n) and masks (B, n) or (1, n) what `phases` takes; a network for any phases, no echo."""
        return Measurement.of(fid, mask, self.dims, echo if self.in_phase else None)


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

"""What all reconstruction networks share: from the points measured to a real spectrum, and back with them put in."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from nmr_speech.checks import one_of, whole
from nmr_speech.reconstruction.operators import check_measured, data_consistency, fourier, inverse_fourier
from nmr_speech.reconstruction.virtual_echo import FORMS, check_phase, echo_mask, from_virtual_echo, virtual_echo

ROWS_AT_ONCE = 128  # signals whose feature maps stay in the caches of a CPU


@dataclass(frozen=True, eq=False)
class Measurement:
    """What was measured of B signals, normalised, as the phases of a network see it.

    Arguments
    ---------
    measured : torch.Tensor
        complex, (B, L), L points of an echo, or (B, L_1, L_2): zero where nothing is known.
    mask : torch.Tensor
        bool, (B, ...) or (1, ...), which points are known.
    scale : torch.Tensor
        (B, 1) or (B, 1, 1), what the signals were divided by.
    dims : int
        Dimensions sampled.
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
        """Make the echoes of signals (B, n), zero where nothing was measured, and normalise each.

        The scale is the largest magnitude of the zero-filled spectrum over the share of points known. So neither the
        scale, nor the rate, nor much of the length of a signal reaches the network.

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
        """Fourier transform; the spectrum of an echo is real but for rounding, if complex in type."""
        return fourier(signal, self.dims) * self._twist()

    def signal(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Transform back: the inverse of `spectrum`."""
        return inverse_fourier(spectrum * self._twist().conj(), self.dims)

    def zero_filled(self) -> torch.Tensor:
        """Return the spectrum with zeros for what was not measured, ``x_0 = F U^T y``."""
        return self.spectrum(self.measured)

    def consistent(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Put what was measured into a spectrum: equations S1-4 and S1-5 of Wang et al."""
        if self.echo != "half_dwell":
            return data_consistency(spectrum, self.measured, self.mask, self.dims)
        return self.spectrum(torch.where(self.mask, self.measured, self.signal(spectrum)))

    def reference(self, fid: torch.Tensor) -> torch.Tensor:
        """Return the normalised spectra of signals (B, n) all points of which are known: what a network learns."""
        return _divide(self.spectrum(virtual_echo(fid, self.echo) if self.echo else fid), self.scale)

    def fid(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Return signals (B, n) of spectra, scaled back; of an echo's spectrum the real part counts."""
        if self.echo is None:
            return self.signal(spectrum) * self.scale
        real = spectrum.real.to(spectrum.dtype)
        return from_virtual_echo(self.signal(real), self.echo) * self.scale

    def _twist(self):
        """Half a dwell time is a phase that rises along the spectrum; see `virtual_echo.absorption`."""
        if self.echo != "half_dwell":
            return torch.ones((), device=self.measured.device)
        frequency = torch.fft.fftfreq(self.measured.shape[-1], device=self.measured.device)
        return torch.polar(torch.ones_like(frequency), -torch.pi * frequency)


class ReconstructionNetwork(nn.Module, ABC):
    """A network that fills in what was not measured, called as `nmr_speech.reconstruction.ist` is.

    Each signal is made a virtual echo, whose spectrum is real, and normalised by itself: a batch gives what its signals
    give one by one. Signals sampled in two indirect dimensions are taken as they are, without an echo, which would need
    all four components of a hypercomplex signal.

    Arguments
    ---------
    dims : int
        Dimensions sampled non-uniformly: 1 for 2D spectra, 2 for 3D spectra.
    **settings
        Arguments that make the same network again, for `nmr_speech.reconstruction.load.save_network`.
    """

    def __init__(self, dims=1, **settings):
        super().__init__()
        self.dims = whole("dims", dims, 1, 2)
        self.settings = settings | ({"dims": dims} if dims > 1 else {})

    @abstractmethod
    def phases(self, measurement: Measurement) -> list[torch.Tensor]:
        """Reconstruct spectra.

        Arguments
        ---------
        measurement : Measurement
            Of B signals.

        Returns
        -------
        list[torch.Tensor]
            What each phase of the network gives: complex normalised spectra, of the shape of ``measurement.measured``.
        """

    def forward(
        self, fid: torch.Tensor, schedule: Sequence | np.ndarray | torch.Tensor, *, echo: str = "even"
    ) -> torch.Tensor:
        """Fill in what was not measured.

        Arguments
        ---------
        fid : torch.Tensor
            complex, (..., n), or (..., n_1, n_2) for ``dims`` 2: zero where nothing was measured.
        schedule : Sequence | np.ndarray | torch.Tensor
            Points measured, or a mask; see `nmr_speech.reconstruction.sampling_mask`.
        echo : str
            Form of the virtual echo; see `nmr_speech.reconstruction.virtual_echo`. Of no account for ``dims`` 2.

        Returns
        -------
        torch.Tensor
            complex, as ``fid``; points measured are as they were.
        """
        return self.every_phase(fid, schedule, echo=echo)[-1]

    def every_phase(
        self, fid: torch.Tensor, schedule: Sequence | np.ndarray | torch.Tensor, *, echo: str = "even"
    ) -> torch.Tensor:
        """Return what it would be to stop after each phase, (phases, ..., n); arguments as for `forward`."""
        mask = check_measured(fid, schedule, self.dims)
        echo = one_of("echo", echo, FORMS) if self.dims == 1 else None
        if echo is not None:
            check_phase(fid, mask, echo)
        grid = fid.shape[-self.dims :]
        rows = fid.reshape(-1, *grid)
        masks = mask[None] if mask.ndim == self.dims else mask.expand(fid.shape).reshape(-1, *grid)
        parts = [
            self.fill_in(part, masks if len(masks) == 1 else masks[i : i + ROWS_AT_ONCE], echo)
            for i, part in zip(range(0, len(rows), ROWS_AT_ONCE), rows.split(ROWS_AT_ONCE), strict=True)
        ]
        return torch.cat(parts, dim=1).reshape(-1, *fid.shape)

    def fill_in(self, fid: torch.Tensor, mask: torch.Tensor, echo: str | None = "even") -> torch.Tensor:
        """Do the work of `every_phase` on signals (B, n) and masks (B, n) or (1, n) that need no check, all at once."""
        single = fid.to(torch.complex64)
        measurement = Measurement.of(single, mask, self.dims, echo)
        filled = torch.stack([measurement.fid(spectrum) for spectrum in self.phases(measurement)])
        return torch.where(mask, fid, filled.to(fid.dtype))


def _divide(signal, scale):
    """Signals of nothing but zeros, of scale zero, stay what they are; so does what a network makes of them."""
    return signal / torch.where(scale > 0, scale, 1.0)


def as_channels(spectrum: torch.Tensor) -> torch.Tensor:
    """Real and imaginary parts as two channels, (B, ...) to (2, B, ...).

    Example
    -------
    >>> as_channels(torch.tensor([[1 + 2j]]))
    tensor([[[1.]],
    <BLANKLINE>
            [[2.]]])
    """
    return torch.stack([spectrum.real, spectrum.imag])


def as_spectrum(channels: torch.Tensor) -> torch.Tensor:
    """Undo `as_channels`."""
    return torch.complex(*channels)

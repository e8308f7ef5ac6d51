"""Networks from a sequence to its shifts, and from shifts to secondary structure.

What a network sees of a residue is its kind, its secondary structure where it is given, and in the third network its
shifts. Shifts go in and out in standard deviations from the mean of that atom in that residue: a network that has
learned nothing predicts the mean.
"""

from collections.abc import Sequence

import torch
from torch import nn

from nmr_speech.checks import InputError, in_range, whole
from nmr_speech.shifts.atoms import ATOMS, BACKBONE, LETTERS

N_LETTERS = len(LETTERS) + 1  # the last is an unknown residue
N_STRUCTURES = 4  # helix, strand, coil, not given
LOG_STD = (-4.0, 2.0)
LARGEST_DEVIATION = 6.0


class Scale(nn.Module):
    """Means and standard deviations of each atom in each residue, as part of the weights.

    Arguments
    ---------
    n_atoms : int
        Number of atoms.

    Example
    -------
    >>> scale = Scale(1)
    >>> scale.mean_ppm[0], scale.std_ppm[0] = 52.0, 2.0
    >>> scale.to_ppm(torch.tensor([[[0.5]]]), torch.tensor([[0]]))
    tensor([[[53.]]])
    """

    mean_ppm: torch.Tensor
    std_ppm: torch.Tensor

    def __init__(self, n_atoms: int) -> None:
        super().__init__()
        self.register_buffer("mean_ppm", torch.zeros(N_LETTERS, n_atoms))
        self.register_buffer("std_ppm", torch.ones(N_LETTERS, n_atoms))

    def to_ppm(self, values: torch.Tensor, letters: torch.Tensor) -> torch.Tensor:
        """(B, L, atoms) in standard deviations to ppm; ``letters`` (B, L) are the residues."""
        return self.mean_ppm[letters] + values * self.std_ppm[letters]

    def from_ppm(self, shifts_ppm: torch.Tensor, letters: torch.Tensor) -> torch.Tensor:
        """(B, L, atoms) in ppm to standard deviations."""
        return (shifts_ppm - self.mean_ppm[letters]) / self.std_ppm[letters]


class ResidualBlock(nn.Module):
    """A dilated convolution over the residues and a linear layer, beside the identity.

    Arguments
    ---------
    channels : int
        Channels.
    width : int
        Residues of the convolution, odd.
    dilation : int
        Distance of the residues that it joins.
    dropout : float
        Share of the channels that is left out in training.
    """

    def __init__(self, channels: int, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.convolution = nn.Conv1d(channels, channels, width, padding="same", dilation=dilation)
        self.linear = nn.Linear(channels, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
        """(B, L, channels) to the same; ``inside`` (B, L, 1) is 0 beyond the end of a chain, where there is nothing."""
        around = self.convolution((self.norm(x) * inside).transpose(1, 2)).transpose(1, 2)
        return (x + self.dropout(self.linear(nn.functional.gelu(around)))) * inside


class Trunk(nn.Module):
    """From what is known of each residue to channels that know its surroundings.

    Arguments
    ---------
    n_inputs : int
        Numbers for each residue.
    channels : int
        Channels.
    width : int
        Residues of each convolution, odd.
    dilations : Sequence[int]
        One block each.
    dropout : float
        Share of the channels that is left out in training.
    """

    def __init__(self, n_inputs: int, channels: int, width: int, dilations: Sequence[int], dropout: float) -> None:
        super().__init__()
        (
            whole("channels", channels, 1, 4096),
            whole("width", width, 1, 63),
            in_range("dropout", dropout, 0, 0.9, "", "0.1"),
        )
        if width % 2 == 0:
            raise InputError(f"`width` must be odd, got {width}: a residue has as many neighbours on either side")
        steps = [whole("dilations", dilation, 1, 1024) for dilation in dilations]
        self.first = nn.Linear(n_inputs, channels)
        self.blocks = nn.ModuleList(ResidualBlock(channels, width, step, dropout) for step in steps)
        self.last = nn.LayerNorm(channels)
        self.reach = (width - 1) // 2 * sum(steps)
        """How many residues on either side are seen."""

    def forward(self, inputs: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
        """(B, L, inputs) to (B, L, channels)."""
        x = self.first(inputs) * inside
        for block in self.blocks:
            x = block(x, inside)
        return self.last(x)


class ShiftNetwork(nn.Module):
    """A sequence, with or without its secondary structure, to the mean and standard deviation of each shift.

    Arguments
    ---------
    channels : int
        Channels of the convolutions.
    width : int
        Residues of each convolution, odd.
    dilations : Sequence[int]
        One residual block each.
    dropout : float
        Share of the channels that is left out in training.

    Example
    -------
    >>> network = ShiftNetwork(channels=8, width=3, dilations=(1,)).eval()  # not trained
    >>> letters, structure = torch.zeros(1, 5, dtype=torch.long), torch.full((1, 5), 3)
    >>> mean_ppm, std_ppm = network(letters, structure, torch.ones(1, 5))
    >>> mean_ppm.shape, bool((std_ppm > 0).all())
    (torch.Size([1, 5, 36]), True)
    """

    calibration: torch.Tensor

    def __init__(
        self, channels: int = 64, width: int = 5, dilations: Sequence[int] = (1, 2, 4, 1), dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.settings = {"channels": channels, "width": width, "dilations": list(dilations), "dropout": dropout}
        self.n_atoms = len(ATOMS)
        self.scale = Scale(self.n_atoms)
        self.register_buffer("calibration", torch.ones(self.n_atoms))  # of the standard deviations, found on other data
        self.trunk = Trunk(N_LETTERS + N_STRUCTURES, channels, width, dilations, dropout)
        self.head: nn.Module = nn.Linear(channels, 2 * self.n_atoms)
        # Begin with the mean and the standard deviation of all residues of that kind.
        for weight in self.head.parameters():
            nn.init.zeros_(weight)
        self.reach = self.trunk.reach

    def forward(
        self, letters: torch.Tensor, structure: torch.Tensor, inside: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Predict shifts.

        Arguments
        ---------
        letters : torch.Tensor
            Residues, long, (B, L); see `nmr_speech.shifts.atoms.letter_numbers`.
        structure : torch.Tensor
            0 helix, 1 strand, 2 coil, 3 not given, long, (B, L).
        inside : torch.Tensor
            1 in the chain, 0 beyond its end, (B, L).

        Returns
        -------
        tuple[torch.Tensor, torch.Tensor]
            Mean and standard deviation in ppm, (B, L, atoms).
        """
        known = [nn.functional.one_hot(letters, N_LETTERS), nn.functional.one_hot(structure, N_STRUCTURES)]
        mean, log_std = self.outputs(torch.cat(known, -1).float(), inside[..., None]).unbind(-2)
        std_ppm = log_std.clamp(*LOG_STD).exp() * self.scale.std_ppm[letters] * self.calibration
        return self.scale.to_ppm(mean, letters), std_ppm

    def outputs(self, inputs: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
        """(B, L, inputs) to mean and logarithm of the standard deviation, in standard deviations, (B, L, 2, atoms)."""
        return self.head(self.trunk(inputs, inside)).unflatten(-1, (2, self.n_atoms))


class WindowNetwork(ShiftNetwork):
    """A window of residues and one hidden layer for each atom, of the size of PPM_One's networks.

    Those (Li and Bruschweiler, J. Biomol. NMR 2015, 62, 403) have 25 hidden neurons and take what they know of a window
    from a structure; these take the sequence.

    Arguments
    ---------
    window : int
        Residues, odd.
    hidden : int
        Neurons for each atom.
    dropout : float
        Share of the neurons that is left out in training.

    Example
    -------
    >>> network = WindowNetwork(window=5, hidden=25)
    >>> sum(weight.numel() for weight in network.parameters()) // network.n_atoms  # 125 inputs, 25 hidden, 2 outputs
    3202
    """

    def __init__(self, window: int = 5, hidden: int = 25, dropout: float = 0.0) -> None:
        nn.Module.__init__(self)  # not the convolutions of the class above
        whole("window", window, 1, 63), whole("hidden", hidden, 1, 4096), in_range("dropout", dropout, 0, 0.9, "", "0")
        if window % 2 == 0:
            raise InputError(f"`window` must be odd, got {window}: a residue has as many neighbours on either side")
        self.settings = {"window": window, "hidden": hidden, "dropout": dropout}
        self.n_atoms = len(ATOMS)
        self.scale = Scale(self.n_atoms)
        self.register_buffer("calibration", torch.ones(self.n_atoms))  # of the standard deviations, found on other data
        self.hidden = nn.Conv1d(N_LETTERS + N_STRUCTURES, hidden * self.n_atoms, window, padding="same")
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Conv1d(hidden * self.n_atoms, 2 * self.n_atoms, 1, groups=self.n_atoms)
        self.reach = (window - 1) // 2

    def outputs(self, inputs: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
        """(B, L, inputs) to (B, L, 2, atoms)."""
        neurons = self.dropout(torch.tanh(self.hidden((inputs * inside).transpose(1, 2))))
        return self.head(neurons).transpose(1, 2).unflatten(-1, (self.n_atoms, 2)).transpose(-1, -2)


class StructureNetwork(nn.Module):
    """Sequence and shifts to secondary structure: the way back, as TALOS-N goes it.

    Arguments
    ---------
    channels : int
        Channels of the convolutions.
    width : int
        Residues of each convolution, odd.
    dilations : Sequence[int]
        One residual block each.
    dropout : float
        Share of the channels that is left out in training.

    Example
    -------
    >>> network = StructureNetwork(channels=8, width=3, dilations=(1,)).eval()  # not trained
    >>> shifts = torch.full((1, 5, 6), torch.nan)  # none is known
    >>> network(torch.zeros(1, 5, dtype=torch.long), shifts, torch.ones(1, 5)).shape
    torch.Size([1, 5, 3])
    """

    def __init__(
        self, channels: int = 64, width: int = 5, dilations: Sequence[int] = (1, 2, 4, 1), dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.settings = {"channels": channels, "width": width, "dilations": list(dilations), "dropout": dropout}
        self.n_atoms = len(BACKBONE)
        self.scale = Scale(self.n_atoms)
        self.trunk = Trunk(N_LETTERS + 2 * self.n_atoms, channels, width, dilations, dropout)
        self.head = nn.Linear(channels, N_STRUCTURES - 1)
        self.reach = self.trunk.reach

    def forward(self, letters: torch.Tensor, shifts_ppm: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
        """Predict structure.

        Arguments
        ---------
        letters : torch.Tensor
            Residues, long, (B, L).
        shifts_ppm : torch.Tensor
            Shifts of the backbone atoms, NaN where there is none, (B, L, 6).
        inside : torch.Tensor
            1 in the chain, 0 beyond its end, (B, L).

        Returns
        -------
        torch.Tensor
            Logits of helix, strand and coil, (B, L, 3).
        """
        known = torch.isfinite(shifts_ppm)
        scaled = self.scale.from_ppm(shifts_ppm, letters).nan_to_num(0.0).clamp(-LARGEST_DEVIATION, LARGEST_DEVIATION)
        inputs = torch.cat([nn.functional.one_hot(letters, N_LETTERS).float(), scaled, known.float()], -1)
        return self.head(self.trunk(inputs, inside[..., None]))

"""Options of ``nmr-speech``: what each command takes, its defaults, and the names by which messages call them.

As in `nmr_speech.cli`, only the standard library is imported here.
"""

import argparse
import contextlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

EXPERIMENT = {
    "condition": "solvent: h2o, or d2o, in which only protons on carbon are seen",
    "shift_source": "chemical shifts: protein (BMRB), free (free amino acids, GISSMO) or predicted",
    "free_shift_std_ppm": "standard deviation of the free shifts, ppm",
    "shift_table": "CSV table of the predicted shifts",
    "ph": "pH of free amino acids",
    "sequence": "mixing: isotropic (ideal), spin_lock (continuous lock), dipsi2 or mlev17",
    "mixing_time_s": "mixing time, s",
    "lock_hz": "strength of the spin lock, or of the pulses of a train, Hz",
    "trim_s": "length of the trim pulses before and after a train, s",
    "field_mhz": "field as proton frequency, MHz",
    "carrier_ppm": "carrier in both dimensions, ppm",
    "spectral_width_hz": "spectral width in F2, Hz",
    "spectral_width_f1_hz": "spectral width in F1, Hz (default: that of F2)",
    "decay_time_t1_s": "apparent T2 in t1, s; inf for no decay",
    "decay_time_t2_s": "apparent T2 in t2, s; inf for no decay",
    "adc_bits": "bits of the digitiser (default: no digitisation)",
    "tolerance": "accuracy of the simulation relative to the first point",
}
"""Options of the sample and the experiment; names and defaults are those of `Sample` and `Acquisition`."""
READING = ("quadrature", "phase_f1_deg", "phase_f2_deg", "echo", "pdata")
"""Options by which a measured spectrum is read, the same for each command that reads one."""


def by_options(sentences: Iterable[str], names: dict[str, str]) -> list[str]:
    """Name options instead of the arguments of the library, in backticks, as a user of a command knows them.

    Arguments
    ---------
    sentences : Iterable[str]
        Warnings or steps of the library.
    names : dict[str, str]
        Option of each argument, such as ``{"pdata": "--pdata"}``.

    Returns
    -------
    list[str]

    Example
    -------
    >>> by_options(["give `phase_f2_deg`"], {"phase_f2_deg": "--phase-f2"})
    ['give `--phase-f2`']
    """
    return [re.sub(r"`(\w+)`", lambda name: f"`{names.get(name[1], name[1])}`", one) for one in sentences]


class Help(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the defaults of options that have one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default is None or action.default is False else super()._get_help_string(action)


class Command(argparse.ArgumentParser):
    """The parser of one command. Its options are added when it is chosen, because their defaults need imports."""

    def __init__(self, *, run: Callable, add: Callable[["Command"], None], **settings: Any):
        self.names: dict[str, str] = {}
        super().__init__(description=run.__doc__, formatter_class=Help, allow_abbrev=False, **settings)
        self.set_defaults(run=run, names=self.names)
        self.add = add

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Add the options, then parse."""
        self.add(self)
        return super().parse_known_args(args, namespace)

    def add_argument(self, *names: str, **settings: Any) -> argparse.Action:
        """Add an argument, and remember its option for messages."""
        action = super().add_argument(*names, **settings)
        if names[0].startswith("--"):
            self.names[action.dest] = names[0]
        return action


def add_simulate(command: Command) -> None:
    """Add the options of ``simulate``."""
    from nmr_speech.simulate import Acquisition, Sample

    command.add_argument(
        "residues",
        nargs="*",
        type=amount,
        metavar="RESIDUE",
        help="three-letter code, such as VAL; with amounts for a mixture: VAL:1 GLY:0.5",
    )
    text = "one-letter codes of a peptide or protein, in place of residues: the sum of its residues is simulated"
    command.add_argument("--sequence", dest="peptide", metavar="SEQUENCE", help=text)
    add_structure(command)
    text = "audio to write: WAV (float32) or FLAC (16 bits), 4 channels, 8 kHz; a peptide's may be a folder"
    command.add_argument("--out", type=Path, help=text)
    command.add_argument("--plot", type=Path, help="picture to write: PNG, PDF or SVG")
    command.add_argument("--seed", type=value, default=1986, help="seed of the data set")
    command.add_argument("--index", type=value, default=0, help="number of the recording among those of its residue")
    command.add_argument("--nuisances", help="what a spectrometer adds, as YAML: '{white_noise: {snr: 50}}'")
    defaults = vars(Sample()) | vars(Acquisition())
    for name, text in EXPERIMENT.items():
        option = "--mixing" if name == "sequence" else f"--{name.replace('_', '-')}"
        command.add_argument(option, dest=name, type=value, default=defaults[name], help=text)


def add_shifts(command: Command) -> None:
    """Add the options of ``shifts``."""
    command.add_argument("sequence", metavar="SEQUENCE", help="one-letter codes in capitals, X for an unknown residue")
    add_structure(command)
    command.add_argument("--out", type=Path, help="table to write: .csv, .tab (TALOS, NMRPipe) or .str (NMR-STAR)")
    command.add_argument("--side-chains", action="store_true", help="protons of side chains, too")
    text = "start from the measured shifts of homologues in RefDB; needs pip install 'nmr_speech[shifts]'"
    command.add_argument("--homologues", action="store_true", help=text)
    command.add_argument("--plot", type=Path, help="picture to write, PNG, PDF or SVG: the 15N HSQC to expect")
    command.add_argument("--json", action="store_true", help="print JSON")
    text = "results folder or Hub repository of a network (default: in the package)"
    command.add_argument("--model", dest="source", metavar="MODEL", help=text)


def add_structure(command: Command) -> None:
    """Add the option of a sequence's secondary structure."""
    text = "secondary structure, a letter a residue: H helix, B or E strand, C coil, X not known (default: not known)"
    command.add_argument("--ss", dest="secondary_structure", metavar="STRUCTURE", help=text)


def add_classify(command: Command) -> None:
    """Add the options of ``classify``."""
    command.add_argument("path", type=Path, metavar="PATH", help="recording, folder or archive")
    text = "Hub repository user/name, bundle, or results folder; measured is in the package"
    add_source(command, default="measured", text=text)
    command.add_argument(
        "--shift-ppm", type=value, help="added to all shifts, ppm (default: reference to the line of DSS or TSP)"
    )
    text = "pH of the sample; it tells look-alikes such as GLN and GLU apart (default: not known)"
    command.add_argument("--ph", type=value, help=text)
    add_reading(command)
    add_schedule(command, "what --method fills in before")
    command.add_argument("--method", help="ist, hankel or modern: fills in what a schedule left out (default: modern)")
    command.add_argument("--plot", type=Path, help="picture to write, PNG, PDF or SVG: spectrum and occlusion map")
    text = "picture to write: the peaks of each residue, assigned at fitted shifts, and what no residue explains"
    command.add_argument("--explain", type=Path, help=text)
    command.add_argument("--json", action="store_true", help="print JSON with all residues")


def add_identify(command: Command) -> None:
    """Add the options of ``identify``."""
    command.add_argument("path", type=Path, metavar="PATH", help="recording, folder or archive")
    command.add_argument("--gallery", default="molecules", help="amino_acids, molecules, or a CSV file of groups")
    text = "CSV file of couplings (default: the one beside the groups with _couplings in its name)"
    command.add_argument("--couplings", type=Path, help=text)
    command.add_argument("--top", type=value, default=10, help="number of molecules to list")
    command.add_argument(
        "--shift-ppm", type=value, help="added to all shifts, ppm (default: reference to the line of DSS or TSP)"
    )
    add_reading(command)
    command.add_argument("--plot", type=Path, help="picture to write, PNG, PDF or SVG: spectrum and first molecules")
    command.add_argument("--json", action="store_true", help="print JSON")


def add_reconstruct(command: Command) -> None:
    """Add the options of ``reconstruct``."""
    command.add_argument(
        "path",
        type=Path,
        metavar="INPUT",
        help="Bruker or Varian folder, or NMRPipe, JEOL or Sparky file; 3D: Bruker folder, or planes name%%03d.fid",
    )
    command.add_argument("--method", required=True, help="auto, ist, hankel, modern, modern_phases, dlnmr or lstm")
    text = "spectrum to write: .ft2 (NMRPipe) or .ucsf (Sparky); 3D: name%%03d.ft3 or .ucsf"
    command.add_argument("--out", type=Path, required=True, help=text)
    add_schedule(command, "or --rate draws one")
    command.add_argument("--rate", type=value, help="draw a Poisson-gap schedule with this share of the transients")
    masks = {"dest": "n_schedules", "metavar": "N", "type": value, "default": 1}
    text = "number of schedules; the spread of several shows the uncertainty"
    command.add_argument("--masks", "--schedules", help=text, **masks)
    command.add_argument("--seed", type=value, default=1986, help="seed of drawn schedules")
    text = "spectrum of the standard deviations of all points to write, as for --out; takes nine times as long"
    command.add_argument("--std", type=Path, help=text)
    command.add_argument(
        "--model", help="results folder or Hub repository of a network; modern has a default in the package"
    )
    add_reading(command)
    command.add_argument(
        "--reference", type=Path, help="2D: fully sampled experiment, or its .ft2 or .ucsf spectrum with the same axes"
    )
    command.add_argument(
        "--points",
        dest="n_transients",
        metavar="N",
        type=value,
        help="transients of the full grid, 3D: '[N1, N2]' (default: as the files say)",
    )
    text = "part of the observed dimension to keep, ppm"
    command.add_argument("--region-ppm", type=value, nargs=2, metavar=("LOW", "HIGH"), help=text)
    text = "3D: phase in F3, degrees, as --phase-f2 of 2D (default: found)"
    command.add_argument("--phase-f3", dest="phase_f3_deg", type=value, nargs=2, metavar=("ZERO", "FIRST"), help=text)
    text = "3D: order of the columns of a schedule, f2f1 (inner loop first, as spectrometers write it) or f1f2"
    command.add_argument("--columns", default="f2f1", help=text)
    command.add_argument("--plot", type=Path, help="picture to write: PNG, PDF or SVG")
    command.add_argument("--json", action="store_true", help="print JSON")


def add_denoise(command: Command) -> None:
    """Add the options of ``denoise``."""
    command.add_argument("path", type=Path, metavar="INPUT", help="Bruker or Varian folder, or NMRPipe or JEOL file")
    text = "to write: .fid or .ft1 (NMRPipe, complex) for 1D; .ft2 (NMRPipe) or .ucsf (Sparky) for 2D"
    command.add_argument("--out", type=Path, required=True, help=text)
    command.add_argument("--model", help="results folder or Hub repository of a denoiser (default: in the package)")
    add_reading(command)
    text = "picture to write, PNG, PDF or SVG: input, output, what was taken away; uncertain peaks are marked"
    command.add_argument("--plot", type=Path, help=text)
    command.add_argument("--json", action="store_true", help="print JSON, with all peaks of a 1D spectrum")


def add_pick(command: Command) -> None:
    """Add the options of ``pick``."""
    from nmr_speech.picking.pick import DEFAULT, METHODS

    text = "spectrum (.ft1, .ft2, .ucsf, 1r, 2rr), or a folder that holds one; or an experiment sampled uniformly"
    command.add_argument("path", type=Path, metavar="INPUT", help=text)
    text = "table to write: .tab (NMRPipe), .list (Sparky) or .csv"
    command.add_argument("--out", type=Path, required=True, help=text)
    command.add_argument("--method", default=DEFAULT, help=" or ".join(METHODS))
    command.add_argument("--threshold", type=value, metavar="P", help="least probability of a peak, 0 to 1")
    text = "put two lines in the place of a peak where they explain its points and one does not (default: deep_picker)"
    command.add_argument("--split", action=argparse.BooleanOptionalAction, help=text)
    command.add_argument("--plot", type=Path, help="picture to write, PNG, PDF or SVG: spectrum with its peaks")
    command.add_argument("--json", action="store_true", help="print JSON, with all peaks and their standard errors")


def add_reading(command: Command) -> None:
    """Add the options by which a measured spectrum is read; their names are in `READING`."""
    command.add_argument(
        "--quadrature",
        help="states, states_tppi, tppi or echo_antiecho (default: as the files say; tppi: classify only)",
    )
    phase = {"type": value, "nargs": 2, "metavar": ("ZERO", "FIRST")}
    text = "phase in F2, degrees: zero order at the carrier, first order across the width (default: found)"
    command.add_argument("--phase-f2", dest="phase_f2_deg", help=text, **phase)
    text = "phase in F1, degrees; first order 0, or 180 for a start half a dwell late (default: found)"
    command.add_argument("--phase-f1", dest="phase_f1_deg", help=text, **phase)
    text = "start of t1: even (at zero), half_dwell (half a dwell late), auto (found); none: no virtual echo"
    command.add_argument("--echo", default="auto", help=text)
    command.add_argument(
        "--pdata", type=value, metavar="N", help="processing pdata/N of a Bruker folder (default: lowest)"
    )


def add_schedule(command: Command, otherwise: str) -> None:
    """Add the options of a sampling schedule; ``otherwise`` says in the help what is done with it."""
    text = f"schedule file of a non-uniformly sampled experiment, {otherwise} (default: the one in the folder)"
    command.add_argument("--schedule", type=Path, help=text)
    base = {"dest": "index_base", "metavar": "N", "type": value}
    command.add_argument("--first", help="index of the first transient in it, 0 or 1 (default: detected)", **base)


def add_demo(command: Command) -> None:
    """Add the options of ``demo``."""
    text = "Hub repository user/name, bundle, or results folder; measured is in the package"
    add_source(command, text=text, default="measured")
    command.add_argument("--host", default="127.0.0.1", help="address to listen on")
    command.add_argument("--port", type=value, default=7860, help="port to listen on; 0 for any free port")


def add_publish(command: Command, kind: str = "dataset") -> None:
    """Add the options of ``publish-data``, and those that ``publish`` shares."""
    command.set_defaults(kind=kind)
    command.add_argument("folder", type=Path, metavar="FOLDER", help="results folder of a training, or data set")
    command.add_argument("repository", metavar="USER/REPO", help="repository on the Hub; created if it does not exist")
    command.add_argument("--dry-run", action="store_true", help="list what would change, and change nothing")
    command.add_argument("--private", action="store_true", help="make a new repository private")
    command.add_argument("--tag", help="such as v1.0, for the commit that was loaded back")
    command.add_argument("--revision", default="main", help="branch; created if it does not exist")
    command.add_argument("--create-pr", action="store_true", help="propose the change to another user's repository")


def add_publish_model(command: Command) -> None:
    """Add the options of ``publish``."""
    add_publish(command, "model")
    command.add_argument("--dataset", metavar="USER/REPO", help="data set on the Hub used for training")


def add_source(command: Command, text: str, **settings: Any) -> None:
    """Add the options that choose a model; ``text`` is the help, ``settings`` are those of argparse."""
    command.add_argument("--model", dest="source", metavar="MODEL", help=text, **settings)
    command.add_argument("--revision", help="commit, tag or branch of the repository (default: the main branch)")


def value(text: str) -> float | int | str:
    """Convert to a number where possible; the library checks what remains a text.

    Example
    -------
    >>> value("3"), value("0.5"), value("auto")
    (3, 0.5, 'auto')
    """
    for kind in (int, float):  # in this order: a float holds no seed of 19 digits
        with contextlib.suppress(ValueError):
            number = kind(text)
            return int(number) if isinstance(number, float) and number.is_integer() else number
    return text


def amount(text: str) -> tuple[str, float | int | str]:
    """Split a residue and its amount, 1 where none is given.

    Example
    -------
    >>> amount("GLY:0.5"), amount("VAL")
    (('GLY', 0.5), ('VAL', 1.0))
    """
    name, colon, number = text.partition(":")
    return name, value(number) if colon else 1.0

"""``nmr-speech``: the package on the command line. Each command is a few calls of the library.

Only the standard library is imported here; PyTorch and SpeechBrain, which take seconds, are imported by the commands
that need them.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nmr_speech.checks import InputError, whole
from nmr_speech.trouble import one_sentence

PICTURES = (".png", ".pdf", ".svg")
AUDIO = (".wav", ".flac")
EXPERIMENT = {
    "condition": "solvent: h2o, or d2o, in which only protons on carbon are seen",
    "shift_source": "chemical shifts: protein (BMRB statistics), or free (free amino acids, GISSMO; needs d2o)",
    "free_shift_std_ppm": "standard deviation of the free shifts, ppm",
    "sequence": "mixing: isotropic (ideal), or spin_lock (continuous lock)",
    "mixing_time_s": "mixing time, s",
    "lock_hz": "strength of the spin lock, Hz",
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
ECHOES = ("auto", "none", "even", "half_dwell")
READING = ("quadrature", "phase_f1_deg", "phase_f2_deg", "echo", "pdata")
"""Options by which a measured spectrum is read, the same for each command that reads one."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command. Ordinary trouble ends it with one sentence on standard error; see `nmr_speech.trouble`.

    Arguments
    ---------
    arguments : Sequence[str] | None
        Command line; None for that of the process.

    Example
    -------
    >>> out = getfixture("tmp_path") / "gly.wav"
    >>> main(["simulate", "GLY", "--out", str(out)])
    GLY, seed 1986, recording 0: HA2 ... ppm, HA3 ... ppm, H ... ppm
    .../gly.wav: float32, divided by 4
    """
    parsed = _parser().parse_args(arguments)
    with one_sentence("run the same command again", parsed.names):
        parsed.run(parsed)


def simulate(options: argparse.Namespace) -> None:
    """Simulate one TOCSY experiment, write it as audio, plot it, and print the chemical shifts that were drawn.

    The same seed and index give the same recording as in a data set.
    """
    from nmr_speech.corpus import stack_fid, write_wav
    from nmr_speech.simulate import Acquisition, draw_mixture

    if not (options.out or options.plot):
        raise InputError("give --out for a WAV or FLAC file, --plot for a picture, or both")
    _check_output(options.out, AUDIO)
    _check_output(options.plot, PICTURES)
    seed, index = (whole(name, getattr(options, name), 0, 2**63 - 1) for name in ("seed", "index"))
    settings = {name: getattr(options, name) for name in EXPERIMENT}
    mixture = draw_mixture(dict(options.residues), seed, index, nuisances=_yaml(options.nuisances), **settings)
    wav, scale = stack_fid(mixture.fid)
    for residue, shifts in mixture.shifts_ppm.items():
        amount = "" if len(mixture.amounts) == 1 else f", amount {mixture.amounts[residue]:g}"
        drawn = ", ".join(f"{group} {ppm:.3f} ppm" for group, ppm in shifts.items())
        print(f"{residue}, seed {seed}, recording {index}{amount}: {drawn}")
    if options.out:
        write_wav(options.out, wav)
        kind = "16 bits" if options.out.suffix == ".flac" else "float32"
        print(f"{options.out}: {kind}, divided by {scale:g}")
    if options.plot:
        from nmr_speech.report.spectra import plot_recording

        acquisition = Acquisition(**{name: settings[name] for name in vars(Acquisition()) if name in settings})
        title = f"{' + '.join(mixture.labels)}, simulated TOCSY"
        plot_recording(wav, title, options.plot, acquisition.f2, acquisition.f1)
        print(f"{options.plot}: waveform, mel spectrogram, 2D spectrum")


def classify(options: argparse.Namespace) -> None:
    """Rank the residues for a recording, WAV or FLAC, or for a measured spectrum.

    The spectrum is a Bruker or Varian folder, an NMRPipe or JEOL file, a processed spectrum (2rr, .ft2, .ucsf), or a
    ZIP archive of one of these.
    """
    from nmr_speech.inference import Reading, classify_spectrum, load_classifier, occlusion

    _check_output(options.plot, PICTURES)
    model = load_classifier(options.source, options.revision)
    reading = Reading(**{name: getattr(options, name) for name in (*READING, "schedule", "index_base", "method")})
    found = classify_spectrum(model, options.path, options.shift_ppm, reading)
    if options.json:
        print(json.dumps({"ranking": found.shown(), "warnings": found.warnings, "steps": found.steps}, indent=1))
    else:
        print(*found.steps, *(f"warning: {warning}" for warning in found.warnings), sep="\n")
        shown = found.shown()[:5]
        print(*(name if value is None else f"{name}  {value:.3f}" for name, value in shown), sep="\n")
    if options.plot:
        from nmr_speech.report.spectra import plot_classification

        predicted, probability = found.shown()[0]
        certainty = "" if probability is None else f", probability {probability:.2f}"
        title = f"{options.path.name}: {predicted}{certainty}"
        plot_classification(found.wav, found.axis, occlusion(model, found.wav, predicted), title, options.plot)


def reconstruct(options: argparse.Namespace) -> None:
    """Fill in the transients that a schedule left out of a Bruker or Varian folder, or an NMRPipe or JEOL file.

    On a fully sampled experiment, or on its NMRPipe or Sparky spectrum, try schedules instead.
    """
    from nmr_speech.reconstruction import own_schedule, read_schedule, run
    from nmr_speech.reconstruction.spectrum_files import ENDINGS, write_spectrum
    from nmr_speech.spectrometer.phase import Phases

    _check_output(options.out, ENDINGS)
    _check_output(options.plot, PICTURES)
    listed = options.schedule
    if listed is None and options.rate is None:
        listed = own_schedule(options.path)
    schedule, found = (None, "drawn") if listed is None else read_schedule(listed, options.index_base)
    names = ("rate", "n_schedules", "seed", "reference", "region_ppm", "n_transients", "quadrature", "pdata")
    settings = {name: getattr(options, name) for name in names}
    method = run.method_of(options.method, options.model, options.echo)
    phases = Phases(options.phase_f1_deg, options.phase_f2_deg, run.STARTS[options.echo])
    result = run.reconstruct(options.path, method, schedule=schedule, phases=phases, **settings)
    write_spectrum(options.out, result.spectra[0], result.plane.f1, result.plane.f2)
    if options.json:
        print(json.dumps(result.summary() | {"method": options.method, "schedule": found}, indent=1))
    else:
        print(*result.steps, *(f"warning: {warning}" for warning in result.warnings), sep="\n")
        print(f"Schedule: {found}", f"{options.method}: {result.seconds[0]:.2f} s", sep="\n")
        figures = run.describe(result.figures) if result.figures else ["no reference"]
        print(*figures, f"written: {options.out}", sep="\n")
    if options.plot:
        from nmr_speech.report.spectra import plot_reconstruction

        spectra = {} if result.reference is None else {"fully sampled": result.reference}
        spectra[options.method] = result.spectra[0]
        plot_reconstruction(spectra, result.plane.f1, result.plane.f2, options.path.name, options.plot)


def demo(options: argparse.Namespace) -> None:
    """Serve a web page that classifies simulated or uploaded recordings, by default to this machine only.

    Needs Gradio: pip install -e '.[demo]'.
    """
    from nmr_speech.demo.page import serve

    page = serve(options.source, options.revision, options.host, options.port)
    print(f"{page.local_url} (Ctrl+C stops it)", flush=True)
    page.block_thread()


def publish(options: argparse.Namespace) -> None:
    """Publish on the Hugging Face Hub under the Apache-2.0 licence: check, upload what differs, load back, then tag.

    Needs `hf auth login` or HF_TOKEN. Rerun the command to resume.
    """
    from nmr_speech.publish import commands
    from nmr_speech.publish.upload import Target

    settings = {name: getattr(options, name) for name in ("revision", "private", "tag", "create_pr")}
    target = Target(options.repository, options.kind, **settings)
    if options.kind == "model":
        commands.publish_model(options.folder, target, options.dataset, options.dry_run)
    else:
        commands.publish_data(options.folder, target, options.dry_run)


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the defaults of options that have one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default is None or action.default is False else super()._get_help_string(action)


class _Command(argparse.ArgumentParser):
    """The parser of one command. Its options are added when it is chosen, because their defaults need imports."""

    def __init__(self, *, run: Callable, add: Callable[["_Command"], None], **settings: Any):
        self.names: dict[str, str] = {}
        super().__init__(description=run.__doc__, formatter_class=_Help, allow_abbrev=False, **settings)
        self.set_defaults(run=run, names=self.names)
        self.add = add

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self.add(self)
        return super().parse_known_args(args, namespace)

    def add_argument(self, *names: str, **settings: Any) -> argparse.Action:
        action = super().add_argument(*names, **settings)
        if names[0].startswith("--"):
            self.names[action.dest] = names[0]
        return action


def _parser() -> argparse.ArgumentParser:
    description = "Amino acids as speakers: TOCSY spectra as audio, simulated, classified, reconstructed and published."
    parser = argparse.ArgumentParser("nmr-speech", description=description, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Command)
    for name, run, add, text in (
        ("simulate", simulate, _add_simulate, "simulate one recording, as audio and as a picture"),
        ("classify", classify, _add_classify, "classify the amino acid in a recording or a spectrometer's folder"),
        ("reconstruct", reconstruct, _add_reconstruct, "reconstruct a spectrum from non-uniform sampling"),
        ("demo", demo, _add_demo, "serve a web page that classifies simulated or uploaded recordings"),
        ("publish", publish, _add_publish_model, "publish a trained model on the Hugging Face Hub"),
        ("publish-data", publish, _add_publish, "publish a simulated data set on the Hugging Face Hub"),
    ):
        commands.add_parser(name, help=text, run=run, add=add)
    return parser


def _add_simulate(command: _Command) -> None:
    from nmr_speech.simulate import Acquisition, Sample

    command.add_argument(
        "residues",
        nargs="+",
        type=_amount,
        metavar="RESIDUE",
        help="three-letter code, such as VAL; with amounts for a mixture: VAL:1 GLY:0.5",
    )
    command.add_argument("--out", type=Path, help="audio to write: WAV (float32) or FLAC (16 bits), 4 channels, 8 kHz")
    command.add_argument("--plot", type=Path, help="picture to write: PNG, PDF or SVG")
    command.add_argument("--seed", type=_value, default=1986, help="seed of the data set")
    command.add_argument("--index", type=_value, default=0, help="number of the recording among those of its residue")
    command.add_argument("--nuisances", help="what a spectrometer adds, as YAML: '{white_noise: {snr: 50}}'")
    defaults = vars(Sample()) | vars(Acquisition())
    for name, text in EXPERIMENT.items():
        command.add_argument(f"--{name.replace('_', '-')}", type=_value, default=defaults[name], help=text)


def _add_classify(command: _Command) -> None:
    command.add_argument("path", type=Path, metavar="PATH", help="recording, folder or archive")
    _add_source(command, required=True, text="Hub repository user/name, bundle, or results folder")
    command.add_argument(
        "--shift-ppm", type=_value, help="added to all shifts, ppm (default: reference to the line of DSS or TSP)"
    )
    _add_reading(command)
    _add_schedule(command, "what --method fills in before")
    command.add_argument("--method", help="ist, hankel or modern: fills in what a schedule left out (default: modern)")
    command.add_argument("--plot", type=Path, help="picture to write, PNG, PDF or SVG: spectrum and occlusion map")
    command.add_argument("--json", action="store_true", help="print JSON with all residues")


def _add_reconstruct(command: _Command) -> None:
    command.add_argument(
        "path", type=Path, metavar="INPUT", help="Bruker or Varian folder, or NMRPipe, JEOL or Sparky file"
    )
    command.add_argument("--method", required=True, help="ist, hankel, modern, dlnmr or lstm")
    command.add_argument("--out", type=Path, required=True, help="spectrum to write: .ft2 (NMRPipe) or .ucsf (Sparky)")
    _add_schedule(command, "or --rate draws one")
    command.add_argument("--rate", type=_value, help="draw a Poisson-gap schedule with this share of the transients")
    masks = {"dest": "n_schedules", "metavar": "N", "type": _value, "default": 1}
    text = "number of schedules; the spread of several shows the uncertainty"
    command.add_argument("--masks", "--schedules", help=text, **masks)
    command.add_argument("--seed", type=_value, default=1986, help="seed of drawn schedules")
    command.add_argument(
        "--model", help="results folder or Hub repository of a network; modern has a default in the package"
    )
    _add_reading(command)
    command.add_argument(
        "--reference", type=Path, help="fully sampled experiment, or its .ft2 or .ucsf spectrum with the same axes"
    )
    command.add_argument(
        "--points",
        dest="n_transients",
        metavar="N",
        type=_value,
        help="transients of the full grid (default: as the files say)",
    )
    command.add_argument("--region-ppm", type=_value, nargs=2, metavar=("LOW", "HIGH"), help="part of F2 to keep, ppm")
    command.add_argument("--plot", type=Path, help="picture to write: PNG, PDF or SVG")
    command.add_argument("--json", action="store_true", help="print JSON")


def _add_reading(command: _Command) -> None:
    """Options by which a measured spectrum is read; their names are in `READING`."""
    command.add_argument(
        "--quadrature",
        help="states, states_tppi, tppi or echo_antiecho (default: as the files say; tppi: classify only)",
    )
    phase = {"type": _value, "nargs": 2, "metavar": ("ZERO", "FIRST")}
    text = "phase in F2, degrees: zero order at the carrier, first order across the width (default: found)"
    command.add_argument("--phase-f2", dest="phase_f2_deg", help=text, **phase)
    text = "phase in F1, degrees; first order 0, or 180 for a start half a dwell late (default: found)"
    command.add_argument("--phase-f1", dest="phase_f1_deg", help=text, **phase)
    text = "start of t1: even (at zero), half_dwell (half a dwell late), auto (found); none: no virtual echo"
    command.add_argument("--echo", default="auto", choices=ECHOES, help=text)
    command.add_argument(
        "--pdata", type=_value, metavar="N", help="processing pdata/N of a Bruker folder (default: lowest)"
    )


def _add_schedule(command: _Command, otherwise: str) -> None:
    text = f"schedule file of a non-uniformly sampled experiment, {otherwise} (default: the one in the folder)"
    command.add_argument("--schedule", type=Path, help=text)
    base = {"dest": "index_base", "metavar": "N", "type": _value}
    command.add_argument("--first", help="index of the first transient in it, 0 or 1 (default: detected)", **base)


def _add_demo(command: _Command) -> None:
    _add_source(
        command, text="Hub repository user/name, bundle, or results folder (default: the newest one in results/)"
    )
    command.add_argument("--host", default="127.0.0.1", help="address to listen on")
    command.add_argument("--port", type=_value, default=7860, help="port to listen on; 0 for any free port")


def _add_publish(command: _Command, kind: str = "dataset") -> None:
    command.set_defaults(kind=kind)
    command.add_argument("folder", type=Path, metavar="FOLDER", help="results folder of a training, or data set")
    command.add_argument("repository", metavar="USER/REPO", help="repository on the Hub; created if it does not exist")
    command.add_argument("--dry-run", action="store_true", help="list what would change, and change nothing")
    command.add_argument("--private", action="store_true", help="make a new repository private")
    command.add_argument("--tag", help="such as v1.0, for the commit that was loaded back")
    command.add_argument("--revision", default="main", help="branch; created if it does not exist")
    command.add_argument("--create-pr", action="store_true", help="propose the change to another user's repository")


def _add_publish_model(command: _Command) -> None:
    _add_publish(command, "model")
    command.add_argument("--dataset", metavar="USER/REPO", help="data set on the Hub used for training")


def _add_source(command: _Command, text: str, **settings: Any) -> None:
    command.add_argument("--model", dest="source", metavar="MODEL", help=text, **settings)
    command.add_argument("--revision", help="commit, tag or branch of the repository (default: the main branch)")


def _value(text: str) -> float | int | str:
    """Convert to a number where possible; the library checks what remains a text."""
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


def _amount(text: str) -> tuple[str, float | int | str]:
    name, colon, amount = text.partition(":")
    return name, _value(amount) if colon else 1.0


def _yaml(text: str | None) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe").load(text or "{}")
    except YAMLError as error:
        raise InputError(f"`nuisances` must be YAML, such as '{{white_noise: {{snr: 50}}}}', got {text!r}") from error


def _check_output(path: Path | None, kinds: Sequence[str]) -> None:
    if path is None:
        return
    if path.suffix not in kinds:
        raise InputError(f"{path}: the file must end in {', '.join(kinds)}")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; create it, or write to another one")


if __name__ == "__main__":
    main()

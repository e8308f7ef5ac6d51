"""``nmr-speech``: the package from a shell."""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from nmr_speech.axis import Axis
from nmr_speech.checks import InputError, in_range, whole
from nmr_speech.corpus import stack_fid, write_wav
from nmr_speech.corpus.plan import DEFAULTS
from nmr_speech.simulate import draw_mixture
from nmr_speech.simulate.sample import FREE_SHIFT_STD_PPM

PICTURES = (".png", ".pdf", ".svg")


def main(arguments: Sequence[str] | None = None):
    """Run a command; what cannot be used is named in one sentence.

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
    try:
        parsed.run(parsed)
    except InputError as error:
        sys.exit(f"error: {_with_options(str(error), parsed)}")


def _with_options(message, options):
    """Put options in the place of the arguments of the library that they set."""
    return re.sub(r"`(\w+)`", lambda found: f"`{options.named.get(found[1], found[1])}`", message)


def simulate(options: argparse.Namespace):
    """Simulate one recording; write it as audio, draw it, and say what was drawn."""
    if not (options.out or options.plot):
        raise InputError("give --out for a WAV or FLAC file, --plot for a picture, or both")
    for path, kinds in ((options.out, (".wav", ".flac")), (options.plot, PICTURES)):
        _refuse_path(path, kinds)
    mixture = draw_mixture(
        dict(options.residues),
        whole("seed", options.seed, 0, 2**63 - 1),
        whole("index", options.index, 0, 2**63 - 1),
        nuisances=_nuisances(options.nuisances),
        **{name: getattr(options, name) for name in _settings()},
    )
    wav, scale = stack_fid(mixture.fid)
    for residue, shifts in mixture.shifts_ppm.items():
        amount = "" if len(mixture.amounts) == 1 else f", amount {mixture.amounts[residue]:g}"
        drawn = ", ".join(f"{group} {ppm:.3f} ppm" for group, ppm in shifts.items())
        print(f"{residue}, seed {options.seed}, recording {options.index}{amount}: {drawn}")
    if options.out:
        write_wav(options.out, wav)
        kind = "16 bits" if options.out.suffix == ".flac" else "float32"
        print(f"{options.out}: {kind}, divided by {scale:g}")
    if options.plot:
        from nmr_speech.report.spectra import plot_recording  # noqa: PLC0415 - takes longer to import than to simulate

        axes = [
            Axis(width_hz=width_hz, carrier_ppm=options.carrier_ppm, field_mhz=options.field_mhz)
            for width_hz in (options.spectral_width_hz, options.spectral_width_f1_hz or options.spectral_width_hz)
        ]
        plot_recording(wav, f"{' + '.join(mixture.labels)}, simulated TOCSY", options.plot, *axes)
        print(f"{options.plot}: waveform, mel spectrogram, 2D spectrum")


def classify(options: argparse.Namespace):
    """Name what is in a recording or a spectrometer's folder."""
    from nmr_speech.inference.classify import name_spectrum, occlusion  # noqa: PLC0415
    from nmr_speech.inference.load import load_classifier  # noqa: PLC0415 - SpeechBrain takes seconds to import

    _refuse_path(options.plot, PICTURES)
    shift_ppm = None if options.shift_ppm is None else in_range("shift_ppm", options.shift_ppm, -20, 20, "ppm", "0.15")
    if not options.path.exists():
        raise InputError(f"{options.path}: no such file or folder")
    model = load_classifier(options.model, options.revision)
    naming = name_spectrum(model, options.path, shift_ppm)
    if options.json:
        print(json.dumps({"ranking": naming.ranking, "warnings": naming.warnings, "steps": naming.steps}, indent=1))
    else:
        for line in (*naming.steps, *(f"warning: {warning}" for warning in naming.warnings)):
            print(line)
        for residue, probability in naming.ranking[:5]:
            print(f"{residue}  {probability:.3f}")
    if options.plot:
        from nmr_speech.report.spectra import plot_classification  # noqa: PLC0415

        first, probability = naming.ranking[0]
        axis = Axis(
            width_hz=naming.grid["spectral_width_hz"],
            carrier_ppm=naming.grid["carrier_ppm"],
            field_mhz=naming.grid["field_mhz"],
        )
        title = f"{options.path.name}: {first}, probability {probability:.2f}"
        plot_classification(naming.wav, axis, occlusion(model, naming.wav, first), title, options.plot)


def reconstruct(options: argparse.Namespace):
    """Fill in the transients that non-uniform sampling left out."""
    from nmr_speech.reconstruction import read_schedule, run  # noqa: PLC0415
    from nmr_speech.reconstruction.spectrum_files import ENDINGS, write_spectrum  # noqa: PLC0415

    _refuse_path(options.out, ENDINGS)
    _refuse_path(options.plot, PICTURES)
    listed = options.schedule
    if listed is None and options.rate is None and (options.path / "nuslist").is_file():
        listed = options.path / "nuslist"
    schedule, found = (None, "drawn") if listed is None else read_schedule(listed, options.index_base)
    names = ("rate", "n_schedules", "seed", "reference", "region_ppm", "n_transients", "quadrature")
    settings = {name: getattr(options, name) for name in names}
    method = run.method_of(options.method, options.model, options.echo)
    result = run.reconstruct(options.path, method, schedule=schedule, **settings)
    write_spectrum(options.out, result.spectra[0], result.plane.f1, result.plane.f2)
    if options.json:
        print(json.dumps(result.summary() | {"method": options.method, "schedule": found}, indent=1))
    else:
        print(*result.steps, f"Schedule: {found}", f"{options.method}: {result.seconds[0]:.2f} s", sep="\n")
        figures = run.describe(result.figures) if result.figures else ["no reference"]
        print(*figures, f"written: {options.out}", sep="\n")
    if options.plot:
        from nmr_speech.report.spectra import plot_reconstruction  # noqa: PLC0415

        spectra = {} if result.reference is None else {"fully sampled": result.reference}
        spectra[options.method] = result.spectra[0]
        plot_reconstruction(spectra, result.plane.f1, result.plane.f2, options.path.name, options.plot)


def demo(options: argparse.Namespace):
    """Serve a page that names what is simulated or uploaded."""
    from nmr_speech.demo.page import serve  # noqa: PLC0415 - SpeechBrain and Gradio take seconds to import

    page = serve(options.model, options.revision, options.host, options.port)
    print(f"{page.local_url} (Ctrl+C ends it)", flush=True)
    page.block_thread()


def publish(options: argparse.Namespace):
    """Publish a model or a data set on the Hub."""
    from nmr_speech.publish import commands  # noqa: PLC0415 - SpeechBrain and the Hub's client take seconds to import
    from nmr_speech.publish.upload import Target  # noqa: PLC0415

    settings = {name: getattr(options, name) for name in ("revision", "private", "tag", "create_pr")}
    target = Target(options.repository, options.kind, **settings)
    if options.kind == "model":
        commands.publish_model(options.folder, target, options.dataset, options.dry_run)
    else:
        commands.publish_data(options.folder, target, options.dry_run)


def _parser():
    parser = argparse.ArgumentParser(
        prog="nmr-speech",
        description="Amino acids as speakers: simulate their TOCSY spectra as audio.",
        allow_abbrev=False,
    )
    parser.set_defaults(named={})
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "simulate",
        help="one recording, as audio and as a picture",
        description="Simulate one TOCSY experiment. The same seed and index give the same recording as in a data set.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    command.set_defaults(run=simulate)
    command.add_argument(
        "residues", nargs="+", type=_amount, metavar="RESIDUE", help="such as VAL; VAL:1 GLY:0.5 for a mixture"
    )
    command.add_argument("--out", type=Path, help="WAV (float32) or FLAC (16 bits), 4 channels at 8 kHz")
    command.add_argument("--plot", type=Path, help="PNG, PDF or SVG")
    command.add_argument("--seed", type=_value, default=1986, help=" ")
    command.add_argument("--index", type=_value, default=0, help="number of the recording among those of its residue")
    command.add_argument("--nuisances", help="what a spectrometer adds, as YAML: '{white_noise: {snr: 50}}'")
    for name, default in _settings().items():
        command.add_argument(f"--{name.replace('_', '-')}", type=_value, default=default, help=" ")
    _add_classify(commands)
    _add_reconstruct(commands)
    _add_demo(commands)
    _add_publish(commands, "publish", "model", "a trained model, from its results folder to the Hugging Face Hub")
    _add_publish(commands, "publish-data", "dataset", "a simulated data set, from its folder to the Hugging Face Hub")
    return parser


def _add_classify(commands):
    command = commands.add_parser(
        "classify",
        help="the amino acid in a recording or a spectrometer's folder",
        description="Rank the residues for a WAV or FLAC recording, a Bruker or Varian folder, an NMRPipe file, "
        "or a ZIP archive with one of these.",
        allow_abbrev=False,
    )
    command.set_defaults(run=classify)
    command.add_argument("path", type=Path, metavar="PATH")
    command.add_argument("--model", required=True, help="Hub repository user/name, bundle, or results folder")
    command.add_argument("--revision", help="commit, tag or branch of the repository")
    command.add_argument("--shift-ppm", type=_value, help="added to all shifts; left out: DSS or TSP is looked for")
    command.add_argument("--plot", type=Path, help="PNG, PDF or SVG: the spectrum, and what decided")
    command.add_argument("--json", action="store_true", help="print JSON, all residues")


def _add_reconstruct(commands):
    command = commands.add_parser(
        "reconstruct",
        help="reconstruct a spectrum from non-uniform sampling",
        description="Fill in the transients that a schedule left out of a Bruker folder or an NMRPipe file in the time "
        "domain, or try a schedule on a fully sampled one.",
        allow_abbrev=False,
    )
    named = {"index_base": "--first", "n_schedules": "--masks", "n_transients": "--points"}
    named |= {name: f"--{name}" for name in ("schedule", "rate", "method", "model", "echo", "seed", "quadrature")}
    command.set_defaults(run=reconstruct, named=named)
    add = command.add_argument
    add("path", type=Path, metavar="INPUT", help="Bruker folder, NMRPipe file, or processed spectrum (.ft2, .ucsf)")
    add("--schedule", type=Path, help="text file, one point per line; default: nuslist of the Bruker folder")
    add("--first", dest="index_base", type=_value, help="number of its first point, 0 or 1; default: found in the file")
    add("--rate", type=_value, help="draw a Poisson-gap schedule with this share of the transients")
    add("--method", required=True, help="ist, hankel, modern, dlnmr or lstm")
    add("--model", help="folder or Hub repository of a trained network; modern has a default")
    add("--echo", default="auto", help="auto, or none for ist without virtual echo; default: auto")
    add("--out", type=Path, required=True, help="spectrum to write: .ft2 (NMRPipe) or .ucsf (Sparky)")
    add("--reference", type=Path, help="fully sampled experiment, or its spectrum on the same axes")
    add("--masks", "--schedules", dest="n_schedules", type=_value, default=1, help="number of schedules; default: 1")
    add("--seed", type=_value, default=1986, help="seed of the schedules drawn; default: 1986")
    add("--points", dest="n_transients", type=_value, help="transients of the full grid, if the file does not say")
    add("--region-ppm", type=_value, nargs=2, metavar=("LOW", "HIGH"), help="part of F2 to keep")
    add("--quadrature", help="states, states_tppi or echo_antiecho; default: as the file says")
    add("--plot", type=Path, help="picture to write: PNG, PDF or SVG")
    add("--json", action="store_true", help="print JSON")


def _add_demo(commands):
    command = commands.add_parser(
        "demo",
        help="a page in the browser that names what is simulated or uploaded",
        description="Serve a page to this machine alone; needs Gradio: pip install -e '.[demo]'.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    command.set_defaults(run=demo)
    command.add_argument("--model", help="Hub repository, bundle or results folder; the newest in results/ if left out")
    command.add_argument("--revision", help="commit, tag or branch of the repository")
    command.add_argument("--host", default="127.0.0.1", help="address to listen on")
    command.add_argument("--port", type=_value, default=7860, help="0 for one that is free")


def _add_publish(commands, name, kind, words):
    command = commands.add_parser(
        name,
        help=words,
        description=f"Publish {words}: licensed Apache-2.0, checked, uploaded, loaded back, and only then tagged. "
        "Needs `hf auth login` or HF_TOKEN. Run again it uploads nothing; after an interruption it goes on.",
        allow_abbrev=False,
    )
    command.set_defaults(run=publish, kind=kind)
    command.add_argument("folder", type=Path, metavar="FOLDER")
    command.add_argument("repository", metavar="USER/REPO")
    command.add_argument("--dry-run", action="store_true", help="list what would change, and change nothing")
    command.add_argument("--private", action="store_true", help="make a new repository private")
    command.add_argument("--tag", help="such as v1.0, for the commit that was loaded back")
    command.add_argument("--revision", default="main", help="branch; main by default, made if it is not there")
    command.add_argument("--create-pr", action="store_true", help="propose the change to somebody else's repository")
    if kind == "model":
        command.add_argument("--dataset", metavar="USER/REPO", help="data set on the Hub that it was trained on")


def _settings():
    """Parameters of the sample and the experiment with their defaults; the simulator checks them."""
    sample = {"condition": "h2o", "shift_source": "protein", "free_shift_std_ppm": FREE_SHIFT_STD_PPM}
    return sample | DEFAULTS


def _value(text):
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


def _amount(text):
    name, colon, amount = text.partition(":")
    return name, _value(amount) if colon else 1.0


def _nuisances(text):
    try:
        return YAML(typ="safe").load(text or "{}")
    except YAMLError as error:
        raise InputError(f"`--nuisances` must be YAML, such as '{{white_noise: {{snr: 50}}}}', got {text!r}") from error


def _refuse_path(path, kinds):
    if path is None:
        return
    if path.suffix not in kinds:
        raise InputError(f"{path}: the file must end in {', '.join(kinds)}")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; make it, or write elsewhere")


if __name__ == "__main__":
    main()

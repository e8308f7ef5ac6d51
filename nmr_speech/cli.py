"""``nmr-speech``: the package on the command line. Each command is a few calls of the library.

Only the standard library is imported here; PyTorch and SpeechBrain, which take seconds, are imported by the commands
that need them.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nmr_speech.checks import LONGEST_MESSAGE, InputError, printable, quoted, whole
from nmr_speech.options import (
    EXPERIMENT,
    READING,
    Command,
    add_classify,
    add_demo,
    add_denoise,
    add_identify,
    add_pick,
    add_publish,
    add_publish_model,
    add_reconstruct,
    add_shifts,
    add_simulate,
    by_options,
)
from nmr_speech.startup import share_cores
from nmr_speech.trouble import one_sentence

PICTURES = (".png", ".pdf", ".svg")
AUDIO = (".wav", ".flac")
SHIFT_COLUMNS = ("number", "residue", "atom", "shift_ppm", "std_ppm")


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
    share_cores()
    with one_sentence():
        parsed = _parser().parse_args(arguments)
    with one_sentence("run the same command again", parsed.names):
        parsed.run(parsed)


def simulate(options: argparse.Namespace) -> None:
    """Simulate one TOCSY experiment, write it as audio, plot it, and print the chemical shifts that were drawn.

    The same seed and index give the same recording as in a data set. With --sequence it is that of a peptide, each
    residue at its predicted shifts; the shifts that were drawn are written beside the audio.
    """
    from nmr_speech.corpus import stack_fid, write_wav
    from nmr_speech.simulate import Acquisition, draw_mixture

    if not (options.out or options.plot):
        raise InputError("give --out for a WAV or FLAC file, --plot for a picture, or both")
    if bool(options.residues) == (options.peptide is not None):
        raise InputError("give either residues, such as VAL, or --sequence with one-letter codes, such as MQIFVK")
    _check_output(options.plot, PICTURES)
    seed, index = (whole(name, getattr(options, name), 0, 2**63 - 1) for name in ("seed", "index"))
    settings = {name: getattr(options, name) for name in EXPERIMENT} | {"nuisances": _yaml(options.nuisances)}
    if options.peptide is not None:
        fid, title, lines = _peptide(options, seed, index, settings)
    else:
        _check_output(options.out, AUDIO)
        mixture = draw_mixture(dict(options.residues), seed, index, **settings)
        fid, title, lines = mixture.fid, " + ".join(mixture.labels), []
        for residue, shifts in mixture.shifts_ppm.items():
            amount = "" if len(mixture.amounts) == 1 else f", amount {mixture.amounts[residue]:g}"
            drawn = ", ".join(f"{group} {ppm:.3f} ppm" for group, ppm in shifts.items())
            lines.append(f"{residue}, seed {seed}, recording {index}{amount}: {drawn}")
    wav, scale = stack_fid(fid)
    if options.out and options.peptide is None:
        write_wav(options.out, wav)
        kind = "16 bits" if options.out.suffix.lower() == ".flac" else "float32"
        lines.append(f"{options.out}: {kind}, divided by {scale:g}")
    if options.plot:
        from nmr_speech.report.spectra import plot_recording

        acquisition = Acquisition(**{name: settings[name] for name in vars(Acquisition()) if name in settings})
        plot_recording(wav, f"{title}, simulated TOCSY", options.plot, acquisition.f2, acquisition.f1)
        lines.append(f"{options.plot}: waveform, mel spectrogram, 2D spectrum")
    _say(*lines)


def _peptide(options, seed, index, settings):
    from nmr_speech.corpus.peptide import check_target, write_peptide
    from nmr_speech.shifts.peptide import draw_sequence

    check_target(options.out)
    peptide = draw_sequence(options.peptide, options.secondary_structure, seed, index, **settings)
    title = peptide.sequence if len(peptide.sequence) < 30 else f"{len(peptide.sequence)} residues"
    lines = [f"{title}, seed {seed}, recording {index}"]
    return peptide.fid, title, lines + (write_peptide(options.out, peptide) if options.out else [])


def shifts(options: argparse.Namespace) -> None:
    """Predict the chemical shifts of a protein from its sequence, with standard deviations.

    Written is a CSV table, one as TALOS and NMRPipe have it (.tab), or NMR-STAR (.str).
    """
    from nmr_speech.shifts import predict
    from nmr_speech.shifts.files import WRITERS, write_shifts

    _check_output(options.out, tuple(WRITERS))
    _check_output(options.plot, PICTURES)
    settings = {"side_chains": options.side_chains, "source": options.source}
    lines = []
    if options.homologues:
        from nmr_speech.shifts.homology import predict_by_homology

        found, used = predict_by_homology(options.sequence, options.secondary_structure, **settings)
        lines = [f"BMRB {one.protein.id} (PDB {one.protein.pdb}): {100 * one.identity:.0f}% identical" for one in used]
    else:
        found = predict(options.sequence, options.secondary_structure, **settings)
    if options.out:
        write_shifts(options.out, found)
    if options.plot:
        from nmr_speech.report.predicted import plot_hsqc

        plot_hsqc(found, "predicted 15N HSQC", options.plot)
    rows = [dict(zip(SHIFT_COLUMNS, row, strict=True)) for row in found.rows()]
    if options.json:
        print(json.dumps({"shifts": rows, "homologues": lines}, indent=1))
    else:
        _say(*lines, *(f"written: {path}" for path in (options.out, options.plot) if path))
        if not (options.out or options.plot):
            print(*("{number} {residue} {atom} {shift_ppm:.3f} {std_ppm:.3f}".format(**row) for row in rows), sep="\n")


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
    if options.plot:
        from nmr_speech.report.spectra import plot_classification

        predicted, probability = found.shown()[0]
        certainty = "" if probability is None else f", probability {probability:.2f}"
        title = f"{options.path.name}: {predicted}{certainty}"
        plot_classification(found.wav, found.axis, occlusion(model, found.wav, predicted), title, options.plot)
    warnings = by_options(found.warnings, options.names)
    if options.json:
        print(json.dumps({"ranking": found.shown(), "warnings": warnings, "steps": found.steps}, indent=1))
    else:
        _say(*found.steps, *(f"warning: {warning}" for warning in warnings))
        shown = found.shown()[:5]
        print(*(name if value is None else f"{name}  {value:.3f}" for name, value in shown), sep="\n")


def identify(options: argparse.Namespace) -> None:
    """Rank the molecules of a gallery for a recording, WAV or FLAC, or for a measured spectrum.

    Galleries: amino_acids, molecules (1,157 more), or a CSV table of groups (molecule,group,n_protons,shift_ppm) beside
    a CSV table of couplings (molecule,group_a,group_b,j_hz). "None of these" is among the answers.
    """
    from nmr_speech.inference import Reading
    from nmr_speech.inference.gallery import load_gallery
    from nmr_speech.inference.identify import identify_spectrum
    from nmr_speech.inference.templates import cache_folder

    _check_output(options.plot, PICTURES)
    top = whole("top", options.top, 1, 10**6)
    gallery = load_gallery(options.gallery, options.couplings)
    reading = Reading(**{name: getattr(options, name) for name in READING})
    found = identify_spectrum(options.path, gallery, options.shift_ppm, reading, cache_folder())
    if options.plot:
        from nmr_speech.report.spectra import plot_reconstruction

        axis = found.acquisition.f2
        plot_reconstruction(found.spectra(), axis, axis, options.path.name, options.plot)
    told = found.summary(top)
    told["warnings"] = by_options(told["warnings"], options.names)
    if options.json:
        print(json.dumps(told, indent=1))
    else:
        _say(*found.steps, *(f"warning: {warning}" for warning in told["warnings"]))
        print(f"none of these  {told['none_of_these']:.3f}")
        print(*(f"{row['id']}  {row['name']}  {row['probability']:.3f}" for row in told["ranking"]), sep="\n")


def reconstruct(options: argparse.Namespace) -> None:
    """Fill in the transients that a schedule left out of a Bruker or Varian folder, or an NMRPipe or JEOL file.

    On a fully sampled experiment, or on its NMRPipe or Sparky spectrum, try schedules instead.
    """
    from nmr_speech.picking.compare import compare_picked
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
    write_spectrum(options.out, result.spectra[0], result.plane.f1, result.plane.f2, result.cosines, result.whole)
    if result.reference is not None:
        axes = result.plane.f1, result.plane.f2
        picked = [compare_picked(one, result.reference, axes) for one in result.spectra]
        result = replace(result, figures=[{**a, **b} for a, b in zip(result.figures, picked, strict=True)])
    if options.plot:
        from nmr_speech.report.spectra import plot_reconstruction

        spectra = {} if result.reference is None else {"fully sampled": result.reference}
        spectra[options.method] = result.spectra[0]
        plot_reconstruction(spectra, result.plane.f1, result.plane.f2, options.path.name, options.plot)
    warnings = by_options(result.warnings, options.names)
    if options.json:
        told = {"method": options.method, "schedule": found, "warnings": warnings}
        print(json.dumps(result.summary() | told, indent=1))
    else:
        _say(*result.steps, *(f"warning: {warning}" for warning in warnings))
        print(f"Schedule: {found}", f"{options.method}: {result.seconds[0]:.2f} s", sep="\n")
        figures = run.describe(result.figures) if result.figures else ["no reference"]
        print(*figures, f"written: {options.out}", sep="\n")


def denoise(options: argparse.Namespace) -> None:
    """Take the noise out of a 1D spectrum, or of a 2D one along F2, in Bruker, Varian, NMRPipe or JEOL form.

    Written is what is left, complex and not phased in 1D. Peaks that cannot be seen in the input are called uncertain.
    """
    from nmr_speech.enhancement import run

    _check_output(options.plot, PICTURES)
    result = run.denoise_file(options.path, options.out, options.model, run.Reading.of(options))
    if options.plot:
        from nmr_speech.report.denoised import plot_denoised

        plot_denoised(result, options.path.name, options.plot)
    warnings = by_options(result.warnings, options.names)
    if options.json:
        print(json.dumps(result.summary() | {"warnings": warnings}, indent=1))
    else:
        _say(*result.steps, *(f"warning: {warning}" for warning in warnings))
        print(*result.told(), f"written: {options.out}", sep="\n")


def pick(options: argparse.Namespace) -> None:
    """List the peaks of a spectrum of one or two dimensions: shifts, heights, volumes, widths, probabilities.

    Positions, heights and widths are refined by a fit of Voigt lines. The tallest of the surest peaks are printed.
    """
    from nmr_speech.picking import run
    from nmr_speech.picking.tables import WRITERS

    _check_output(options.out, tuple(WRITERS))
    _check_output(options.plot, PICTURES)
    result = run.pick_file(options.path, options.out, options.method, options.threshold)
    if options.plot:
        from nmr_speech.report.picked import plot_peaks

        spectrum = result.spectrum
        plot_peaks(spectrum.values, spectrum.axes, result.peaks, options.path.name, options.plot)
    warnings = by_options(result.spectrum.warnings, options.names)
    if options.json:
        print(json.dumps(result.summary() | {"warnings": warnings}, indent=1))
    else:
        _say(*result.spectrum.steps, *(f"warning: {warning}" for warning in warnings))
        print(*result.told(), f"written: {options.out}", sep="\n")


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


def _parser() -> argparse.ArgumentParser:
    description = "Amino acids as speakers: TOCSY spectra as audio, simulated, classified, reconstructed and published."
    parser = argparse.ArgumentParser("nmr-speech", description=description, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Command)
    for name, run, add, text in (
        ("simulate", simulate, add_simulate, "simulate one recording, as audio and as a picture"),
        ("classify", classify, add_classify, "classify the amino acid in a recording or a spectrometer's folder"),
        ("identify", identify, add_identify, "rank the molecules of a gallery for a spectrum"),
        ("reconstruct", reconstruct, add_reconstruct, "reconstruct a spectrum from non-uniform sampling"),
        ("denoise", denoise, add_denoise, "take the noise out of a 1D or 2D spectrum"),
        ("pick", pick, add_pick, "list the peaks of a 1D or 2D spectrum"),
        ("shifts", shifts, add_shifts, "predict the chemical shifts of a protein from its sequence"),
        ("demo", demo, add_demo, "serve a web page that classifies simulated or uploaded recordings"),
        ("publish", publish, add_publish_model, "publish a trained model on the Hugging Face Hub"),
        ("publish-data", publish, add_publish, "publish a simulated data set on the Hugging Face Hub"),
    ):
        commands.add_parser(name, help=text, run=run, add=add)
    return parser


def _yaml(text: str | None) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe").load(text or "{}")
    except YAMLError as error:
        raise InputError(
            f"`nuisances` must be YAML, such as '{{white_noise: {{snr: 50}}}}', got {quoted(text)}"
        ) from error


def _say(*lines: str) -> None:
    """Print lines that may hold text of a file: a terminal obeys control characters.

    After all files are written, because a program that reads the output may stop at any time.
    """
    print(*(printable(line, LONGEST_MESSAGE) for line in lines), sep="\n")


def _check_output(path: Path | None, kinds: Sequence[str]) -> None:
    if path is None:
        return
    if path.suffix.lower() not in kinds:
        raise InputError(f"{path}: the file must end in {', '.join(kinds)}")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; create it, or write to another one")


if __name__ == "__main__":
    main()

"""Commands that begin with residues or a sequence: simulate, shifts."""

import argparse
import json
from typing import Any

from nmr_speech.checks import InputError, quoted, whole
from nmr_speech.commands.output import AUDIO, PICTURES, check_output, say
from nmr_speech.options import EXPERIMENT

SHIFT_COLUMNS = ("number", "residue", "atom", "shift_ppm", "std_ppm")


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
    check_output(options.plot, PICTURES)
    seed, index = (whole(name, getattr(options, name), 0, 2**63 - 1) for name in ("seed", "index"))
    settings = {name: getattr(options, name) for name in EXPERIMENT} | {"nuisances": _yaml(options.nuisances)}
    if options.peptide is not None:
        fid, title, lines = _peptide(options, seed, index, settings)
    else:
        check_output(options.out, AUDIO)
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
    say(*lines)


def _peptide(options, seed, index, settings):
    from nmr_speech.corpus.peptide import check_target, write_peptide
    from nmr_speech.shifts.peptide import draw_sequence
    from nmr_speech.simulate.acquisition import CHOICES

    if options.peptide in CHOICES["sequence"]:  # what --sequence was before there were peptides
        raise InputError(f"--sequence is that of a peptide; the mixing is --mixing {options.peptide}")
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

    check_output(options.out, tuple(WRITERS))
    check_output(options.plot, PICTURES)
    settings: dict[str, Any] = {"side_chains": options.side_chains, "source": options.source}
    lines = []
    if options.homologues:
        from nmr_speech.shifts.homology import predict_by_homology

        found, used = predict_by_homology(options.sequence, options.secondary_structure, **settings)
        lines = [f"BMRB {one.protein.id} (PDB {one.protein.pdb}): {100 * one.identity:.0f}% identical" for one in used]
        lines = lines or ["no protein of RefDB is alike: these are the shifts without homologues"]
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
        lines += [f"written: {path}" for path in (options.out, options.plot) if path]
        if not (options.out or options.plot):
            lines += ["{} {} {} {:.3f} {:.3f}".format(*row) for row in found.rows()]
        say(*lines)


def _yaml(text: str | None) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe").load(text or "{}")
    except YAMLError as error:
        raise InputError(
            f"`nuisances` must be YAML, such as '{{white_noise: {{snr: 50}}}}', got {quoted(text)}"
        ) from error

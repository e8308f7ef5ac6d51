"""``nmr-speech``: the package on the command line.

Only the standard library is imported here; PyTorch and SpeechBrain, which take seconds, are imported by the commands
that need them.
"""

import argparse
from collections.abc import Sequence

from nmr_speech.commands.sequences import shifts, simulate
from nmr_speech.commands.sharing import demo, publish
from nmr_speech.commands.spectra import classify, denoise, identify, pick, reconstruct
from nmr_speech.options import (
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
)
from nmr_speech.startup import share_cores
from nmr_speech.trouble import one_sentence


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


if __name__ == "__main__":
    main()

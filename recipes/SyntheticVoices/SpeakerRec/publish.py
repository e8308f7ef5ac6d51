#!/usr/bin/env python3
"""Publish a speaker model of synthetic voices on the Hugging Face Hub, with the file names of SpeechBrain's models.

> python recipes/SyntheticVoices/SpeakerRec/publish.py results/voices/200_1986 user/voices
"""

from nmr_speech.startup import prepare_process

prepare_process()  # before the imports, which take seconds

import argparse
from pathlib import Path

from nmr_speech.publish.speaker_model import publish_speaker_model
from nmr_speech.publish.upload import Target
from nmr_speech.training.script import run_script


def main(argv):
    """Publish, and print the options that select this commit for transfer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="output_folder of the training")
    parser.add_argument("repository", help="user/name")
    parser.add_argument("--private", action="store_true", help="make a new repository private")
    options = parser.parse_args(argv)
    target = Target(options.repository, private=options.private)
    commit = publish_speaker_model(options.results, options.results / "speaker_model", target)
    print(f"--pretrained_source={options.repository} --pretrained_revision={commit}")


if __name__ == "__main__":
    run_script(main)

#!/usr/bin/env python3
"""Pretrain a speaker-embedding model on voices that espeak-ng speaks.

> python recipes/SyntheticVoices/SpeakerRec/train.py hparams/voices.yaml --device=cuda

Once they have spoken, voices are trained on as amino acids are: `recipes/AminoAcidTOCSY/SpeakerRec/train.py`, with all
its options, goes on from here.
"""

import importlib.util
import sys
from pathlib import Path

import speechbrain as sb
from ruamel.yaml import YAML

sys.path.append(str(Path(__file__).resolve().parents[1]))
from synthetic_voices_prepare import prepare_synthetic_voices

from nmr_speech.checks import InputError
from nmr_speech.hub.safe_yaml import children, plain
from nmr_speech.training.hparams import flatten_hparams

RECIPE = Path(__file__).resolve().parents[2] / "AminoAcidTOCSY" / "SpeakerRec" / "train.py"


def main(argv):
    """Let the voices speak, then train."""
    hparams_file, _, overrides = sb.parse_arguments(argv)
    nodes = children(YAML(typ="safe", pure=True).compose(flatten_hparams(hparams_file, overrides)))
    keys = ("data_folder", "seed", "n_speakers", "recordings_per_residue", "simulation_workers")
    if missing := [key for key in keys if key not in nodes]:
        raise InputError(f"{hparams_file}: the key `{missing[0]}` is missing; see hparams/voices.yaml")
    recipe = load_recipe()
    folder, *numbers, workers = (plain(nodes[key], hparams_file, limited=False) for key in keys)
    names = prepare_synthetic_voices(folder, *numbers, recipe.count_workers(workers))
    recipe.main([*argv, f"--residues=[{','.join(names)}]"])


def load_recipe():
    """The training of the other recipe; by its path, since both scripts are called train.py."""
    spec = importlib.util.spec_from_file_location("amino_acid_tocsy_train", RECIPE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except InputError as error:
        sys.exit(f"error: {error}")

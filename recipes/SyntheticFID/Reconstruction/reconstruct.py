#!/usr/bin/env python3
r"""Reconstruct a spectrum from non-uniform sampling: ``nmr-speech reconstruct``, from a clone of the repository.

> python recipes/SyntheticFID/Reconstruction/reconstruct.py INPUT --schedule nuslist --method ist --out spectrum.ft2
> python recipes/SyntheticFID/Reconstruction/reconstruct.py INPUT --rate 0.25 --masks 10 --method modern \
>     --model results/reconstruction/modern_cpu/1986 --out spectrum.ucsf --plot spectrum.png
"""

import sys

from nmr_speech.cli import main

if __name__ == "__main__":
    main(["reconstruct", *sys.argv[1:]])

#!/usr/bin/env python3
"""Draw the README's picture: one recording as waveform, mel spectrogram and 2D spectrum.

> python benchmarks/pictures.py
"""

from pathlib import Path

from nmr_speech.corpus import stack_fid
from nmr_speech.score.figures import plot_recording
from nmr_speech.simulate import draw_recording, ppm_axis

FOLDER = Path(__file__).resolve().parent / "results"


def main():
    """Draw a leucine."""
    recording = draw_recording("LEU", seed=1986, index=0)
    wav, _ = stack_fid(recording.fid)
    FOLDER.mkdir(exist_ok=True)
    plot_recording(wav, "leucine, simulated TOCSY", FOLDER / "recording.png", ppm_axis(256).numpy())


if __name__ == "__main__":
    main()

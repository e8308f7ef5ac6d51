"""Sizes of a recording, fixed for the whole project.

A recording is one 2D TOCSY experiment: two complex channels of ``N_TRANSIENTS`` transients (t1) with ``N_POINTS``
points (t2) each, stacked transient after transient into ``N_CHANNELS`` real channels of ``N_SAMPLES`` samples.
"""

N_TRANSIENTS = 256
N_POINTS = 256
N_CHANNELS = 4
N_SAMPLES = N_TRANSIENTS * N_POINTS  # 65,536

SAMPLE_RATE_HZ = 8000  # what the WAV header says; the true rate in t2 is the spectral width
DURATION_S = N_SAMPLES / SAMPLE_RATE_HZ  # 8.192 s

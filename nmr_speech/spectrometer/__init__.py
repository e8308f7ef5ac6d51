"""Read measured 2D experiments and bring them to the grid of a model.

`read_experiment` takes a Bruker folder, a Varian or Agilent folder, an NMRPipe file, or a JEOL file (docs/formats.md
lists the dialects); `to_grid` brings it to the grid of a model. The steps, in this order, each stated in
``Experiment.steps``; what makes the result doubtful is in ``Experiment.warnings``:

1. Sort rows into States pairs. The file says how t1 was sampled (on Bruker ``FnMODE`` of ``acqu2s``, not of
   ``acqus``). States-TPPI is States with the receiver turned from pair to pair. In TPPI the sine rows stay half a dwell
   late.
2. Locate time zero behind the digital filter. It is at the group delay, a fraction of a point included. No point is
   cut: without the build-up before time zero the filter cannot be undone exactly. Where the file does not mention a
   delay, the build-up shows it.
3. Reference the shifts: add ``shift_ppm`` to all of them; `find_reference` gives it where there is DSS or TSP.
4. Order the channels. F1 may run backwards, by pulse programme or format; the right order is the one that puts the
   diagonal peaks on the diagonal.
5. Find the start of t1, zero or half a dwell, and the phase in F1 in quarter turns (some pulse programmes begin with
   the sine). The right ones leave the least negative energy; the energies of the rows alone do not decide.
6. Find the phase in F2 with them, zero and first order, on the strongest rows without the water.
7. Resample t2: time zero, first-order phase (a shift in time), carrier and width in one product with sinc functions.
   Shifts are mapped in ppm. The build-up is folded onto positive times as its conjugate, which gives the first point
   its full height.
8. Resample t1. The cosine channel is even and the sine channel odd, which continues both to negative times, so sinc
   functions give the transients of the grid. What was not measured is zero.

Phases may be given instead: any zero order in F1 then. Not handled: QF and QSEQ (no quadrature in t1), baseline
correction, water suppression. Non-uniformly sampled experiments are reconstructed by `nmr_speech.reconstruction`.
"""

from nmr_speech.spectrometer.experiment import Experiment
from nmr_speech.spectrometer.grid import to_grid
from nmr_speech.spectrometer.one_dimension import Experiment1D
from nmr_speech.spectrometer.phase import negative_energy
from nmr_speech.spectrometer.read import read_1d, read_experiment
from nmr_speech.spectrometer.reference import find_reference
from nmr_speech.spectrometer.rows import QUADRATURES
from nmr_speech.spectrometer.sampling import Sampling

__all__ = [
    "QUADRATURES",
    "Experiment",
    "Experiment1D",
    "Sampling",
    "find_reference",
    "negative_energy",
    "read_1d",
    "read_experiment",
    "to_grid",
]

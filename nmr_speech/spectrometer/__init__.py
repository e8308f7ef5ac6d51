"""From what a spectrometer wrote to the grid of a model.

`read_experiment` takes a Bruker folder, a Varian or Agilent folder, or an NMRPipe file; `to_grid` brings it to the grid
of a model. In this order, with each step stated in ``Experiment.steps``:

1. Rows become States pairs, as the file says t1 was sampled (on Bruker ``FnMODE`` of ``acqu2s``, not of ``acqus``).
   States-TPPI is States with the receiver turned from pair to pair. In TPPI the sine rows stay half a dwell late.
2. The digital filter: no point is cut. Time zero is at its group delay, a fraction of a point included, and the
   build-up before it stays, because the filter cannot be undone exactly without it.
3. The reference: ``shift_ppm`` is added to all shifts; `find_reference` gives it where there is DSS or TSP.
4. The order of channels: F1 may run backwards, by pulse programme or format. Right is what puts the diagonal on the
   diagonal.
5. The start of t1, zero or half a dwell, and quarter turns of the phase in F1 (some pulse programmes begin with the
   sine): right is what leaves the least energy negative. The energies of rows alone do not tell.
6. The phase in F2, zero and first order, is found with them, on the strongest rows without the water.
7. t2: time zero, first order (a shift of time), carrier and width in one product with sinc functions. Shifts are mapped
   in ppm. The build-up is folded onto positive times as its conjugate, which gives the first point its full height.
8. t1: the cosine channel is even and the sine channel odd, which continues both to negative times, so that sinc
   functions give the transients of the grid. What was not measured is zero.

Left out: QF and QSEQ (no quadrature in t1), phases in F1 other than these, correction of baseline or water, the scale
of Varian's integer blocks. What was sampled non-uniformly is reconstructed by `nmr_speech.reconstruction`.
"""

from nmr_speech.spectrometer.experiment import Experiment
from nmr_speech.spectrometer.grid import to_grid
from nmr_speech.spectrometer.phase import negative_energy
from nmr_speech.spectrometer.read import read_experiment
from nmr_speech.spectrometer.reference import find_reference
from nmr_speech.spectrometer.rows import QUADRATURES
from nmr_speech.spectrometer.sampling import Sampling

__all__ = [
    "QUADRATURES",
    "Experiment",
    "Sampling",
    "find_reference",
    "negative_energy",
    "read_experiment",
    "to_grid",
]

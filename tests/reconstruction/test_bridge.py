"""What the benchmark does to a simulated recording before it is classified."""

import pytest
import torch

from benchmarks.reconstruction.run import reconstruct_pairs
from nmr_speech.reconstruction import ist, poisson_gap
from nmr_speech.simulate import draw_recording, spectrum


@pytest.fixture(scope="module")
def fid():
    return draw_recording("SER", 1986, 0).fid[..., :32]


def test_all_transients_give_the_recording_back(fid):
    back = reconstruct_pairs(lambda signals, _: signals, fid, range(fid.shape[1]))
    torch.testing.assert_close(back, fid, atol=1e-4, rtol=0)


def test_transients_not_measured_are_zero_before_and_filled_after(fid):
    schedule = poisson_gap(fid.shape[1], 100, 0)
    left_out = torch.ones(fid.shape[1], dtype=torch.bool)
    left_out[schedule] = False
    empty = reconstruct_pairs(lambda signals, _: signals, fid, schedule)
    assert empty[:, left_out].abs().max() < 1e-4
    torch.testing.assert_close(empty[:, schedule], fid[:, schedule], atol=1e-4, rtol=0)
    filled = reconstruct_pairs(lambda signals, s: ist(signals, s, echo="even"), fid, schedule)
    true = spectrum(fid).real

    def deviation(of):
        return ((spectrum(of).real - true).norm() / true.norm()).item()

    assert deviation(filled) < 0.1
    assert deviation(empty) > 0.3

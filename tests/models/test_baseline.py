"""The linear baseline learns what it is shown."""

import torch

from nmr_speech.corpus import stack_fid
from nmr_speech.models.baseline import name_by_spectrum, pooled_spectrum
from nmr_speech.simulate import SpinSystem, draw_recording, tocsy


def items(residues, indices):
    return [
        {"sig": stack_fid(draw_recording(residue, 0, i).fid)[0].T, "spk_id_encoded": label}
        for label, residue in enumerate(residues)
        for i in indices
    ]


def test_three_residues_are_told_apart():
    residues = ("ALA", "SER", "GLY")
    true, named = name_by_spectrum(items(residues, range(12)), items(residues, range(12, 16)))
    assert true.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert (true == named).mean() > 0.9


def test_a_single_line_fills_its_cell():
    # 8.1 ppm lies in cell 24 of 32 (-1 to 11 ppm); the peak is the only thing in the spectrum.
    wav, _ = stack_fid(tocsy(SpinSystem({"H": 1}, {}), [8.1]))
    cells = pooled_spectrum(wav[None], exponent=1.0).reshape(32, 32)
    assert divmod(cells.argmax().item(), 32) == (24, 24)


def test_loudness_does_not_matter():
    wav, _ = stack_fid(draw_recording("THR", 0, 0).fid)
    assert torch.allclose(pooled_spectrum(wav[None]), pooled_spectrum(wav[None] / 64), atol=1e-6)

"""The baselines learn what they are shown, and only that."""

import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.corpus import stack_fid, unstack_fid
from nmr_speech.simulate import SpinSystem, draw_recording, tocsy
from nmr_speech.simulate.nuisances import disturb
from nmr_speech.training.baselines import (
    BASELINES,
    classify_by_first_transient,
    classify_by_spectrum,
    classify_by_template,
    pooled_first_transient,
    pooled_spectrum,
)

RESIDUES = ("ALA", "SER", "GLY")


def item(fid, label):
    return {"sig": stack_fid(fid)[0], "spk_id_encoded": label}


def items(residues, indices, **settings):
    return [
        item(draw_recording(residue, 0, i, **settings).fid, label)
        for label, residue in enumerate(residues)
        for i in indices
    ]


@pytest.fixture(scope="module")
def train():
    return items(RESIDUES, range(12))


@pytest.fixture(scope="module")
def test():
    return items(RESIDUES, range(12, 16))


@pytest.fixture(scope="module")
def free():
    return items(RESIDUES, range(4), condition="d2o", shift_source="free")


def moved(recording, offset_ppm):
    fid = disturb(unstack_fid(recording["sig"]), torch.Generator(), {"reference_offset": {"offset_ppm": offset_ppm}})
    return item(fid, recording["spk_id_encoded"])


@pytest.mark.parametrize("name", ["spectrum", "first_transient"])
def test_three_residues_are_told_apart(name, train, test):
    true, predicted = BASELINES[name](train, test)
    assert true.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert (true == predicted).mean() > 0.9


def test_templates_tell_apart_what_hardly_varies(free):
    true, predicted = classify_by_template(free, items(RESIDUES, range(4, 8), condition="d2o", shift_source="free"))
    assert true.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert (true == predicted).all()


@pytest.mark.parametrize("name", BASELINES)
def test_order_does_not_matter(name, train, test):
    order = np.random.default_rng(0).permutation(len(test))
    predicted = BASELINES[name](train, test)[1]
    true_again, again = BASELINES[name](train[::-1], [test[i] for i in order])
    assert (again == predicted[order]).all()
    assert true_again.tolist() == [test[i]["spk_id_encoded"] for i in order]


@pytest.mark.parametrize("name", BASELINES)
def test_loudness_does_not_matter_to_predictions(name, train, test):
    quiet = [one | {"sig": one["sig"] / 64} for one in test]
    assert (BASELINES[name](train, quiet)[1] == BASELINES[name](train, test)[1]).all()


def test_a_single_line_fills_its_cell():
    # 8.1 ppm lies in cell 24 of 32 (-1 to 11 ppm); the peak is the only thing in the spectrum.
    wav, _ = stack_fid(tocsy(SpinSystem({"H": 1}, {}), [8.1]))
    cells = pooled_spectrum(wav[None], exponent=1.0).reshape(32, 32)
    assert divmod(cells.argmax().item(), 32) == (24, 24)


def test_loudness_does_not_matter():
    wav, _ = stack_fid(draw_recording("THR", 0, 0).fid)
    assert torch.allclose(pooled_spectrum(wav[None]), pooled_spectrum(wav[None] / 64), atol=1e-6)


def test_the_first_transient_is_a_magnitude_spectrum():
    # 6.6 ppm lies in cell 20 of 32, and a phase is no matter.
    fid = tocsy(SpinSystem({"H": 1}, {}), [6.6])
    upright, turned = (pooled_first_transient(stack_fid(one)[0][None], exponent=1.0) for one in (fid, 1j * fid))
    assert upright.argmax().item() == 20
    assert torch.allclose(upright, turned, atol=1e-6)


def test_the_first_transient_cannot_tell_what_differs_in_f1_only():
    # Total spin is conserved, so at t1 = 0 there is no trace of the mixing: no cross peaks, or half of all in them.
    pair = SpinSystem({"A": 1, "X": 1}, {("A", "X"): 7.0})
    recordings = []
    for a, x in np.random.default_rng(0).normal([4, 2], 0.2, (12, 2)):
        diagonal, crossed = (tocsy(pair, [a, x], mixing_time_s=time) for time in (0.0, 1 / 28))
        assert torch.allclose(diagonal[:, 0], crossed[:, 0], atol=1e-4)
        assert not torch.allclose(diagonal, crossed, atol=0.5)
        crossed[:, 0] = diagonal[:, 0]  # to the last digit
        recordings += [item(diagonal, 0), item(crossed, 1)]
    true, predicted = classify_by_first_transient(recordings[:16], recordings[16:])
    assert (predicted[::2] == predicted[1::2]).all()
    assert (true == predicted).mean() == 0.5
    true, predicted = classify_by_spectrum(recordings[:16], recordings[16:])
    assert (true == predicted).all()


@pytest.mark.parametrize("offset_ppm", [-0.2, 0.2])
def test_a_template_is_found_at_an_offset(offset_ppm, free):
    true, predicted = classify_by_template(free, [moved(one, offset_ppm) for one in free])
    assert (true == predicted).all()


@pytest.mark.parametrize(("search_ppm", "expected"), [(0.0, 1), (0.2, 1), (0.3, 0)])
def test_an_offset_is_searched_no_further_than_asked(search_ppm, expected):
    # The first system, 6 points of 12 / 256 ppm up, has one line in common with the second as it lies.
    lines = SpinSystem({"A": 1, "B": 1}, {})
    train = [item(tocsy(lines, shifts), label) for label, shifts in enumerate(([3, 4], [3.28125, 6]))]
    moved_up = item(tocsy(lines, [3.28125, 4.28125]), 0)
    assert classify_by_template(train, [moved_up], search_ppm=search_ppm)[1].tolist() == [expected]


def test_an_offset_is_the_same_in_both_dimensions():
    # One line on the diagonal and one beside it: no common offset makes one of the other.
    single = tocsy(SpinSystem({"H": 1}, {}), [5.0])
    t1 = torch.arange(256)[:, None] * 2 * torch.pi * 16 / 256
    cos, sin = single
    beside = torch.stack([cos * t1.cos() - sin * t1.sin(), cos * t1.sin() + sin * t1.cos()])  # 16 points up in F1
    recordings = [item(single, 0), item(beside, 1)]
    true, predicted = classify_by_template(recordings, [moved(one, 0.28125) for one in recordings])
    assert (true == predicted).all()


def test_the_search_has_a_limit():
    with pytest.raises(InputError, match=r"`search_ppm` must be from 0 to 6 ppm, got 7 \(typical: 0.3\)"):
        classify_by_template([], [], search_ppm=7)

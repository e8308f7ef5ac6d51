"""Replay: which batches come, from what, and that a training resumes with the same ones."""

import pytest
import torch
from speechbrain.utils.epoch_loop import EpochCounter

from nmr_speech.checks import InputError
from nmr_speech.training.replay import ReplayLoader


def batches(n=5, size=3):
    """Examples are numbered; ``twice`` is twice the number, so that a mixed-up example shows."""
    numbers = torch.arange(n * size).unflatten(0, (n, size))
    return [{"number": row, "twice": 2 * row} for row in numbers]


def epochs(uses, *numbers, **settings):
    """Batches of epochs of these numbers."""
    counter = EpochCounter(9)
    loader = ReplayLoader(batches(), uses, seed=7, epoch_counter=counter, **settings)
    found = []
    for counter.current in numbers:
        found.append([batch["number"].tolist() for batch in loader])
        assert len(found[-1]) == len(loader)
    return found


def test_new_batches_come_once_in_their_order():
    (found,) = epochs(3, 1)
    assert found[::3] == [batch["number"].tolist() for batch in batches()]


def test_the_others_hold_whole_examples_of_those_seen():
    counter = EpochCounter(9)
    for number, batch in enumerate(ReplayLoader(batches(), 3, seed=7, epoch_counter=counter)):
        assert batch["twice"].tolist() == [2 * value for value in batch["number"].tolist()]
        assert max(batch["number"]) < 3 * (number // 3 + 1)


def test_one_use_replays_nothing():
    assert epochs(1, 1) == [[batch["number"].tolist() for batch in batches()]]


@pytest.mark.parametrize("settings", [{}, {"num_workers": 1}])
def test_a_resumed_training_sees_what_it_would_have_seen(settings):
    _, second = epochs(2, 1, 2)
    (resumed,) = epochs(2, 2, **settings)
    assert resumed == second
    assert epochs(2, 1)[0] != second


def test_uses_are_counted():
    with pytest.raises(InputError, match="`uses` must be a whole number from 1 to 1000"):
        ReplayLoader(batches(), 0, seed=7, epoch_counter=EpochCounter(1))

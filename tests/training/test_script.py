"""Around a script's main function: one sentence for bad input, and the clock."""

import pytest

from nmr_speech.checks import InputError
from nmr_speech.training.script import Clock, run_script


def test_a_lap_begins_where_the_one_before_ended(monkeypatch):
    times = iter([10.0, 12.346, 13.0])
    monkeypatch.setattr("nmr_speech.training.script.time.perf_counter", lambda: next(times))
    clock = Clock()
    clock.lap("simulate")
    clock.lap("train")
    assert clock.seconds == {"simulate": 2.35, "train": 0.65}


def test_bad_input_ends_a_script_with_one_sentence_and_a_fault_with_its_traceback():
    def fail(error):
        raise error

    with pytest.raises(SystemExit, match="error: `seed` must be"):
        run_script(lambda _: fail(InputError("`seed` must be a whole number")), [])
    with pytest.raises(ValueError, match="a fault"):
        run_script(lambda _: fail(ValueError("a fault")), [])
    given = []
    run_script(given.append, ["--seed=1"])
    assert given == [["--seed=1"]]

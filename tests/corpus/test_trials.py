"""Trial lists: what is drawn, what is written, what is refused."""

from collections import Counter
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmr_speech.checks import InputError
from nmr_speech.corpus.trials import SIMILAR, all_pairs, balanced_draw, read_trials, write_trials

SPEAKER = {f"{residue}_{i}": residue for residue in ("ALA", "GLY", "ILE", "LEU", "VAL") for i in range(6)}


def lines(trials):
    return [
        (trials.models[m], trials.tests[t], bool(label))
        for m, t, label in zip(trials.model, trials.test, trials.is_target, strict=True)
    ]


def test_all_pairs():
    trials = all_pairs(SPEAKER)
    assert len(trials) == comb(30, 2)
    assert trials.is_target.sum() == 5 * comb(6, 2)
    assert len({frozenset((m[0], t)) for m, t, _ in lines(trials)}) == len(trials)


@settings(max_examples=30)
@given(n=st.integers(2, 60), seed=st.integers(0, 2**32), enrol=st.integers(1, 5), hard=st.floats(0, 1))
def test_laws_of_the_draw(n, seed, enrol, hard):
    trials = balanced_draw(SPEAKER, n, seed, enrol, hard)
    assert trials.is_target.sum() == (n + 1) // 2
    for model, test, is_target in lines(trials):
        assert len(set(model)) == enrol
        assert test not in model
        assert len({SPEAKER[name] for name in model}) == 1
        assert is_target == (SPEAKER[model[0]] == SPEAKER[test])
    assert lines(balanced_draw(SPEAKER, n, seed, enrol, hard)) == lines(trials)
    assert lines(balanced_draw(dict(reversed(SPEAKER.items())), n, seed, enrol, hard)) == lines(trials)


def test_hard_trials_are_among_residues_that_resemble_one_another():
    trials = balanced_draw(SPEAKER, 400, seed=0, hard_share=1.0)
    for model, test, is_target in lines(trials):
        if not is_target:
            assert any({SPEAKER[model[0]], SPEAKER[test]} <= set(group) for group in SIMILAR)
    easy = Counter(
        any({SPEAKER[m[0]], SPEAKER[t]} <= set(group) for group in SIMILAR)
        for m, t, is_target in lines(balanced_draw(SPEAKER, 4000, seed=0, hard_share=0.0))
        if not is_target
    )
    assert easy[True] / easy.total() == pytest.approx(
        6 / 20, abs=0.04
    )  # of 20 ordered pairs, six are in {ILE, LEU, VAL}


def test_round_trip(tmp_path):
    trials = balanced_draw(SPEAKER, 50, seed=3, enrol_recordings=2)
    write_trials(tmp_path / "trials.txt", trials)
    again = read_trials(tmp_path / "trials.txt", SPEAKER)
    assert lines(again) == lines(trials)
    assert again.model_labels.tolist() == [SPEAKER[model[0]] for model in again.models]
    assert again.test_labels.tolist() == [SPEAKER[test] for test in again.tests]


GOOD = "1 ALA_0 ALA_1\n0 ALA_0 GLY_0\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "1 ALA_0\n", r"trials\.txt, line 3: a trial is `label enrol test`, got 2 columns"),
        (GOOD + "\n", r"line 3: a trial is `label enrol test`, got 0 columns"),
        (GOOD + "2 ALA_0 ALA_1\n", "line 3: the label must be 1 .* got '2'"),
        (GOOD + "1 ALA_0 ALA_99\n", "line 3: ALA_99 is not a recording of the manifests"),
        (GOOD + "1 ALA_0,ALA_98 ALA_1\n", "line 3: ALA_98 is not a recording"),
        (
            GOOD + "1 ALA_0,ALA_1 ALA_1\n",
            "line 3: ALA_1 is tested against itself; remove the line, or set `allow_self: True`",
        ),
        (GOOD + "0 ALA_0,GLY_0 VAL_1\n", "line 3: recordings that enrol together must be of one residue, got ALA, GLY"),
        (GOOD + "1 ALA_0 GLY_1\n", "line 3: the label says 1, but the manifests have GLY_1 as GLY"),
        ("1 ALA_0 ALA_1\n", r"trials\.txt: the list has no non-target trial"),
        ("0 ALA_0 GLY_1\n", r"trials\.txt: the list has no target trial"),
        ("", r"trials\.txt: the list has no target trial"),
    ],
)
def test_bad_lists(tmp_path, text, message):
    (tmp_path / "trials.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        read_trials(tmp_path / "trials.txt", SPEAKER)


def test_a_recording_against_itself_where_asked_for(tmp_path):
    (tmp_path / "trials.txt").write_text(GOOD + "1 ALA_1 ALA_1\n")
    assert len(read_trials(tmp_path / "trials.txt", SPEAKER, allow_self=True)) == 3


def test_bad_draws(tmp_path):
    with pytest.raises(InputError, match="`enrol_recordings` must leave one to test, ALA has 6, got 6"):
        balanced_draw(SPEAKER, 10, 0, enrol_recordings=6)
    with pytest.raises(InputError, match="two residues or more, got ALA"):
        balanced_draw({"ALA_0": "ALA", "ALA_1": "ALA"}, 10, 0)
    with pytest.raises(InputError, match="no such trial list; `trials` must be `all`, `balanced` or a file"):
        read_trials(tmp_path / "none.txt", SPEAKER)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD.encode() + b"\xff\n", "must be UTF-8; save it as UTF-8"),
        (GOOD.encode("utf-16"), "must be UTF-8"),
        (GOOD.encode() + b"1 " + b"A" * 70_000, "line 3: must have at most 65536 characters"),
        (GOOD.encode() + b"1 " + b"A" * 5000 + b" ALA_1", "line 3: A{197}... is not a recording of the manifests"),
        (GOOD.encode() + b"1\x1b[2J ALA_0 ALA_1", r"line 3: the label must be 1 .* got '1\\x1b\[2J'"),
    ],
)
def test_hostile_lists_are_refused_in_one_short_line(tmp_path, content, message):
    (tmp_path / "trials.txt").write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_trials(tmp_path / "trials.txt", SPEAKER)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500 + len(str(tmp_path))


def test_a_byte_order_mark_is_no_part_of_the_first_label(tmp_path):
    (tmp_path / "trials.txt").write_bytes(("\ufeff" + GOOD).encode())
    assert len(read_trials(tmp_path / "trials.txt", SPEAKER)) == 2

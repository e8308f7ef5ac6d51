"""Verification trials, which ask whether a test recording is of the residue that others enrolled.

In text, VoxCeleb's form: ``1 VAL_00003 VAL_00007``, a line a trial, 1 for the same residue. Several recordings enrol
together if a comma joins them: ``0 VAL_00003,VAL_00004 LEU_00001``.
"""

import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from nmr_speech.checks import InputError, in_range, printable, quoted, whole
from nmr_speech.files import write_whole

LONGEST_LINE = 2**16
SIMILAR = (("ILE", "LEU", "VAL"), ("ASN", "ASP"), ("GLN", "GLU", "MET"), ("HIS", "PHE", "TRP", "TYR"))
"""Residues that resemble one another: non-target trials among them are hard."""


@dataclass(frozen=True, eq=False)
class Trials:
    """A list of trials.

    Arguments
    ---------
    models : Sequence[tuple[str, ...]]
        Enrolled models, each the IDs of its recordings, (models,).
    tests : Sequence[str]
        IDs of the test recordings, (tests,).
    model_labels : np.ndarray
        Residue of each model, (models,).
    test_labels : np.ndarray
        Residue of each test recording, (tests,).
    model : np.ndarray
        For each trial, the position of its model, (trials,).
    test : np.ndarray
        For each trial, the position of its test recording, (trials,).

    Example
    -------
    >>> speaker = {"GLY_0": "GLY", "GLY_1": "GLY", "VAL_0": "VAL"}
    >>> trials = Trials.of([(("GLY_0",), "GLY_1"), (("GLY_0",), "VAL_0")], speaker)
    >>> trials.is_target.tolist(), trials.model.tolist(), trials.test.tolist()
    ([True, False], [0, 0], [0, 1])
    >>> trials.split(np.array([0.9, 0.1]))
    (array([0.9]), array([0.1]))
    """

    models: Sequence[tuple[str, ...]]
    tests: Sequence[str]
    model_labels: np.ndarray
    test_labels: np.ndarray
    model: np.ndarray
    test: np.ndarray

    def __len__(self) -> int:
        return len(self.model)

    @cached_property
    def is_target(self) -> np.ndarray:
        """Whether model and test recording are of the same residue, (trials,)."""
        # Numbers, for a comparison of millions of strings takes as many bytes as all their letters.
        labels = np.unique(np.concatenate([self.model_labels, self.test_labels]), return_inverse=True)[1]
        return labels[: len(self.models)][self.model] == labels[len(self.models) :][self.test]

    def split(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Split what belongs to each trial, (trials,), into that of target and of non-target trials."""
        return values[self.is_target], values[~self.is_target]

    def name(self, number: int) -> str:
        """IDs of model and test recording of the trial at a position, as a line of text has them."""
        return f"{','.join(self.models[self.model[number]])} {self.tests[self.test[number]]}"

    @classmethod
    def of(cls, pairs: Sequence[tuple[tuple[str, ...], str]], speaker: Mapping[str, str]) -> "Trials":
        """Make a list from (model, test) pairs, one a trial, and the residue of each recording by ID."""
        models = list(dict.fromkeys(model for model, _ in pairs))
        tests = list(dict.fromkeys(test for _, test in pairs))
        model_at, test_at = ({name: i for i, name in enumerate(names)} for names in (models, tests))
        return cls(
            models,
            tests,
            np.array([speaker[model[0]] for model in models], dtype=str),
            np.array([speaker[test] for test in tests], dtype=str),
            np.array([model_at[model] for model, _ in pairs], dtype=np.int64),
            np.array([test_at[test] for _, test in pairs], dtype=np.int64),
        )


def all_pairs(speaker: Mapping[str, str]) -> Trials:
    """Pair every two recordings once, the earlier ID enrolled.

    Arguments
    ---------
    speaker : Mapping[str, str]
        Residue of each recording, by ID.

    Returns
    -------
    Trials
        The number of trials is n (n - 1) / 2 for n recordings.

    Example
    -------
    >>> trials = all_pairs({"GLY_0": "GLY", "GLY_1": "GLY", "VAL_0": "VAL"})
    >>> len(trials), trials.is_target.tolist()
    (3, [True, False, False])
    """
    names = sorted(speaker)
    labels = np.array([speaker[name] for name in names], dtype=str)  # dtype: an empty list would give floats
    first, second = np.triu_indices(len(names), k=1)
    # The last recording enrols nothing and the first is never tested, so tests count from the second name on.
    return Trials([(name,) for name in names[:-1]], names[1:], labels[:-1], labels[1:], model=first, test=second - 1)


def balanced_draw(
    speaker: Mapping[str, str], n_trials: int, seed: int, enrol_recordings: int = 1, hard_share: float = 0.5
) -> Trials:
    """Draw as many target as non-target trials; the same arguments give the same list.

    Arguments
    ---------
    speaker : Mapping[str, str]
        Residue of each recording, by ID.
    n_trials : int
        Number of trials.
    seed : int
        Seed of the draw.
    enrol_recordings : int
        Number of recordings that enrol a model together; the test recording is never among them.
    hard_share : float
        Share of the non-target trials that are drawn among residues that resemble one another (`SIMILAR`), as far as
        there are any.

    Returns
    -------
    Trials
        (n_trials,).

    Example
    -------
    >>> speaker = {f"{residue}_{i}": residue for residue in ("ILE", "LEU", "GLY") for i in range(5)}
    >>> trials = balanced_draw(speaker, 10, seed=0, enrol_recordings=3)
    >>> trials.is_target.sum(), len(trials.models[0])
    (np.int64(5), 3)
    """
    whole("n_trials", n_trials, 2, 10**9)
    in_range("hard_share", hard_share, 0, 1, "of the non-target trials")
    whole("enrol_recordings", enrol_recordings, 1, 1000)
    recordings = _by_residue(speaker, enrol_recordings)
    residues = sorted(recordings)
    # Of the residues that are there, for each those that resemble it.
    alike = {a: [b for group in SIMILAR if a in group for b in group if b != a and b in recordings] for a in residues}
    with_alike = [residue for residue in residues if alike[residue]]
    rng = np.random.default_rng(seed)
    pairs = []
    for number in range(n_trials):
        is_target = number % 2 == 0
        # In this order: no number is drawn for a target trial, and lists of earlier versions stay as they were.
        hard = not is_target and rng.random() < hard_share and bool(with_alike)
        enrolled = rng.choice(with_alike if hard else residues)
        others = alike[enrolled] if hard else [residue for residue in residues if residue != enrolled]
        picked = rng.permutation(recordings[enrolled])
        # The first ones enrol; a target trial tests the next, which is none of them.
        test = picked[enrol_recordings] if is_target else rng.choice(recordings[rng.choice(others)])
        pairs.append((tuple(sorted(map(str, picked[:enrol_recordings]))), str(test)))
    return Trials.of(pairs, speaker)


def _by_residue(speaker: Mapping[str, str], enrol_recordings: int) -> dict[str, list[str]]:
    """IDs of each residue, sorted; enough to enrol and to test."""
    recordings = defaultdict(list)
    for name in sorted(speaker):
        recordings[speaker[name]].append(name)
    for residue, names in recordings.items():
        if len(names) <= enrol_recordings:
            raise InputError(
                f"`enrol_recordings` must leave one to test, {residue} has {len(names)}, got {enrol_recordings}"
            )
    if len(recordings) < 2:
        raise InputError(f"non-target trials need two residues or more, got {', '.join(recordings)}")
    return recordings


def write_trials(path: str | Path, trials: Trials) -> None:
    """Write a list in VoxCeleb's form.

    Arguments
    ---------
    path : str | Path
        Text file to write.
    trials : Trials
        The list, (lines,).

    Example
    -------
    >>> path = getfixture("tmp_path") / "trials.txt"
    >>> write_trials(path, all_pairs({"GLY_0": "GLY", "VAL_0": "VAL"}))
    >>> path.read_text().split()
    ['0', 'GLY_0', 'VAL_0']
    """
    lines = (f"{int(is_target)} {trials.name(number)}\n" for number, is_target in enumerate(trials.is_target))
    write_whole(path, "".join(lines).encode())


def read_trials(path: str | Path, speaker: Mapping[str, str], allow_self: bool = False) -> Trials:
    r"""Read and check a list.

    Arguments
    ---------
    path : str | Path
        Text file, a line a trial.
    speaker : Mapping[str, str]
        Residue of each recording that may occur, by ID.
    allow_self : bool
        Whether a recording may be tested against itself.

    Returns
    -------
    Trials
        In the order of the lines, (lines,).

    Example
    -------
    >>> path = getfixture("tmp_path") / "trials.txt"
    >>> _ = path.write_text("1 GLY_0 GLY_1\n0 GLY_0 VAL_0\n")
    >>> read_trials(path, {"GLY_0": "GLY", "GLY_1": "GLY", "VAL_0": "VAL"}).is_target.tolist()
    [True, False]
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such trial list; `trials` must be `all`, `balanced` or a file")
    models: dict[tuple[str, ...], int] = {}
    tests: dict[str, int] = {}
    # Numbers, eight bytes a trial: a list may have millions of lines.
    model_at, test_at, labels = array.array("q"), array.array("q"), set()
    for number, line in enumerate(_lines(path), start=1):
        model, test = _pair(line.split(), f"{path}, line {number}", speaker, allow_self)
        model_at.append(models.setdefault(model, len(models)))
        test_at.append(tests.setdefault(test, len(tests)))
        labels.add(line.split()[0])
    for label, kind in (("1", "target"), ("0", "non-target")):
        if label not in labels:
            raise InputError(f"{path}: the list has no {kind} trial; error rates need both kinds")
    return Trials(
        list(models),
        list(tests),
        np.array([speaker[model[0]] for model in models], dtype=str),
        np.array([speaker[test] for test in tests], dtype=str),
        np.frombuffer(model_at, dtype=np.int64),
        np.frombuffer(test_at, dtype=np.int64),
    )


def _lines(path: Path) -> Iterator[str]:
    """Lines of a text in UTF-8, with or without a byte-order mark."""
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    raise InputError(f"{path}, line {number}: must have at most {LONGEST_LINE} characters")
                yield line
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: a trial list must be UTF-8; save it as UTF-8 ({printable(error)})") from error


def _pair(fields: list[str], where: str, speaker: Mapping[str, str], allow_self: bool) -> tuple[tuple[str, ...], str]:
    if len(fields) != 3:
        raise InputError(f"{where}: a trial is `label enrol test`, got {len(fields)} columns")
    label, enrolled, test = fields
    if label not in ("0", "1"):
        raise InputError(f"{where}: the label must be 1 (same residue) or 0, got {quoted(label)}")
    model = tuple(enrolled.split(","))
    for name in (*model, test):
        if name not in speaker:
            raise InputError(
                f"{where}: {printable(name)} is not a recording of the manifests; check the ID and `splits`"
            )
    if test in model and not allow_self:
        raise InputError(f"{where}: {test} is tested against itself; remove the line, or set `allow_self: True`")
    residues = sorted({speaker[name] for name in model})
    if len(residues) > 1:
        raise InputError(f"{where}: recordings that enrol together must be of one residue, got {', '.join(residues)}")
    if (label == "1") != (residues[0] == speaker[test]):
        raise InputError(
            f"{where}: the label says {label}, but the manifests have {test} as {speaker[test]}; correct one of them"
        )
    return model, test

"""Verification trials, which ask whether a test recording is of the residue that others enrolled.

In text, VoxCeleb's form: ``1 VAL_00003 VAL_00007``, a line a trial, 1 for the same residue. Several recordings enrol
together if a comma joins them: ``0 VAL_00003,VAL_00004 LEU_00001``.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nmr_speech.checks import InputError, in_range, whole
from nmr_speech.files import write_whole

SIMILAR = (("ILE", "LEU", "VAL"), ("ASN", "ASP"), ("GLN", "GLU", "MET"), ("HIS", "PHE", "TRP", "TYR"))
"""Residues that resemble one another: non-target trials among them are hard."""


@dataclass(frozen=True, eq=False)
class Trials:
    """A list of trials.

    Arguments
    ---------
    models : Sequence[tuple[str, ...]]
        Enrolled models, each the IDs of its recordings.
    tests : Sequence[str]
        IDs of the test recordings.
    model : np.ndarray
        For each trial, the position of its model, (trials,).
    test : np.ndarray
        For each trial, the position of its test recording, (trials,).
    is_target : np.ndarray
        Whether both are of the same residue, (trials,).
    """

    models: Sequence[tuple[str, ...]]
    tests: Sequence[str]
    model: np.ndarray
    test: np.ndarray
    is_target: np.ndarray

    def __len__(self):
        return len(self.is_target)

    @classmethod
    def of(cls, lines: Sequence[tuple[tuple[str, ...], str, bool]]) -> "Trials":
        """Make a list from (model, test, is_target), one a trial."""
        models = list(dict.fromkeys(model for model, _, _ in lines))
        tests = list(dict.fromkeys(test for _, test, _ in lines))
        model_at, test_at = ({name: i for i, name in enumerate(names)} for names in (models, tests))
        return cls(
            models,
            tests,
            np.array([model_at[model] for model, _, _ in lines], dtype=np.int64),
            np.array([test_at[test] for _, test, _ in lines], dtype=np.int64),
            np.array([is_target for _, _, is_target in lines], dtype=bool),
        )


def all_pairs(speaker: Mapping[str, str]) -> Trials:
    """Try every pair of recordings once, the earlier ID enrolled.

    Arguments
    ---------
    speaker : Mapping[str, str]
        Residue of each recording, by ID.

    Returns
    -------
    Trials

    Example
    -------
    >>> trials = all_pairs({"GLY_0": "GLY", "GLY_1": "GLY", "VAL_0": "VAL"})
    >>> len(trials), trials.is_target.tolist()
    (3, [True, False, False])
    """
    names = sorted(speaker)
    label = np.unique([speaker[name] for name in names], return_inverse=True)[1]
    first, second = np.triu_indices(len(names), k=1)
    models, tests = [(name,) for name in names[:-1]], names[1:]
    return Trials(models, tests, model=first, test=second - 1, is_target=label[first] == label[second])


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
        Recordings that enrol a model together; the test recording is never among them.
    hard_share : float
        Share of the non-target trials that are drawn among residues that resemble one another (`SIMILAR`), as far as
        there are any.

    Returns
    -------
    Trials

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
    recordings = defaultdict(list)
    for name in sorted(speaker):
        recordings[speaker[name]].append(name)
    for residue, names in recordings.items():
        if len(names) <= enrol_recordings:
            raise InputError(
                f"`enrol_recordings` must leave one to test, {residue} has {len(names)}, got {enrol_recordings}"
            )
    residues = sorted(recordings)
    if len(residues) < 2:
        raise InputError(f"non-target trials need two residues or more, got {', '.join(residues)}")
    alike = {a: [b for group in SIMILAR if a in group for b in group if b != a and b in recordings] for a in residues}
    rng = np.random.default_rng(seed)
    lines = []
    for number in range(n_trials):
        is_target = number % 2 == 0
        hard = not is_target and rng.random() < hard_share and any(alike.values())
        enrolled = rng.choice([residue for residue in residues if alike[residue]] if hard else residues)
        others = alike[enrolled] if hard else [residue for residue in residues if residue != enrolled]
        picked = rng.permutation(recordings[enrolled])
        test = picked[enrol_recordings] if is_target else rng.choice(recordings[rng.choice(others)])
        lines.append((tuple(sorted(map(str, picked[:enrol_recordings]))), str(test), is_target))
    return Trials.of(lines)


def write_trials(path: str | Path, trials: Trials):
    """Write a list in VoxCeleb's form.

    Example
    -------
    >>> path = getfixture("tmp_path") / "trials.txt"
    >>> write_trials(path, all_pairs({"GLY_0": "GLY", "VAL_0": "VAL"}))
    >>> path.read_text().split()
    ['0', 'GLY_0', 'VAL_0']
    """
    lines = (
        f"{int(label)} {','.join(trials.models[m])} {trials.tests[t]}\n"
        for label, m, t in zip(trials.is_target, trials.model, trials.test, strict=True)
    )
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
    lines = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        lines.append(_trial(line.split(), f"{path}, line {number}", speaker, allow_self))
    kinds = {is_target for _, _, is_target in lines}
    for is_target, kind in ((True, "target"), (False, "non-target")):
        if is_target not in kinds:
            raise InputError(f"{path}: the list has no {kind} trial; error rates need both kinds")
    return Trials.of(lines)


def _trial(fields, where, speaker, allow_self):
    if len(fields) != 3:
        raise InputError(f"{where}: a trial is `label enrol test`, got {len(fields)} columns")
    label, enrolled, test = fields
    if label not in ("0", "1"):
        raise InputError(f"{where}: the label must be 1 (same residue) or 0, got {label!r}")
    model = tuple(enrolled.split(","))
    for name in (*model, test):
        if name not in speaker:
            raise InputError(f"{where}: {name} is not a recording of the manifests; check the ID and `splits`")
    if test in model and not allow_self:
        raise InputError(f"{where}: {test} is tested against itself; remove the line, or set `allow_self: True`")
    if (label == "1") != all(speaker[name] == speaker[test] for name in model):
        raise InputError(
            f"{where}: the label says {label}, but the manifests have {test} as {speaker[test]}; correct one of them"
        )
    return model, test, label == "1"

"""The parameters of a data set, and their description in its folder."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nmr_speech import __version__
from nmr_speech.checks import InputError, one_of, quoted, whole
from nmr_speech.corpus.splits import SPLITS, stratified_split
from nmr_speech.corpus.wav import FORMATS
from nmr_speech.files import write_whole
from nmr_speech.reading import LONGEST_TABLE, read_bytes, read_json, text
from nmr_speech.simulate import RESIDUES, Acquisition
from nmr_speech.simulate.conditions import FIXED, SAMPLE, WIDTH_PPM, check_conditions
from nmr_speech.simulate.nuisances import check_settings
from nmr_speech.simulate.residues import table_bytes
from nmr_speech.simulate.sample import FREE_SHIFT_STD_PPM
from nmr_speech.simulate.titration import TABLE_PH, titration_table_bytes

SIMULATION = 2
"""Version of the simulation; a change of the simulator or the layout that changes data sets raises it."""

SHARD = 1000  # recordings in one folder
MAX_RECORDINGS = 10**7  # of a residue in a written data set; those simulated on the fly have higher indices
# Sizes and channels of a recording are fixed.
DEFAULTS = {name: value for name, value in asdict(Acquisition()).items() if name not in FIXED}


def _anything(_: Any) -> None:
    return None


DESCRIPTION = {"parameters": {str: _anything}, "share": text, "content_hash": text}


@dataclass(frozen=True)
class DatasetPlan:
    """All parameters that decide what a data set holds.

    Arguments
    ---------
    seed : int
        Seed of the draws and of the split, 0 or more.
    residues : Sequence[str]
        Three-letter codes.
    recordings_per_residue : int
        Number of recordings of each residue; at least 3, one per split.
    condition : str | Sequence[str]
        "h2o" or "d2o"; see `nmr_speech.simulate.Sample`. A list is drawn from.
    shift_source : str
        "protein", "free" or "predicted".
    free_shift_std_ppm : float
        Standard deviation of every shift of source "free", in ppm.
    shift_table : str | None
        CSV table of source "predicted". Data sets depend on what it holds, not on where it lies.
    ph : float | Sequence[float]
        pH of source "free", or the pair [low, high] within which it is drawn.
    nuisances : Mapping[str, Mapping] | None
        Artefacts of a spectrometer in the data; see `nmr_speech.simulate.nuisances.disturb`.
    experiment : Mapping
        Parameters of `nmr_speech.simulate.Acquisition` by keyword, and ``spectral_width_ppm`` in place of both widths;
        what is a pair or a list is drawn, see `nmr_speech.simulate.conditions.draw_conditions`.
    audio_format : str
        "wav" (float32, exact) or "flac" (16 bits, a third of the size).

    Example
    -------
    >>> DatasetPlan(1986, ["VAL", "GLY"], 10).residues
    ('GLY', 'VAL')
    """

    seed: int
    residues: Sequence[str] = RESIDUES
    recordings_per_residue: int = 100
    condition: str | Sequence[str] = "h2o"
    shift_source: str = "protein"
    free_shift_std_ppm: float = FREE_SHIFT_STD_PPM
    shift_table: str | None = None
    ph: float | Sequence[float] = TABLE_PH
    nuisances: Mapping[str, Mapping] | None = None
    experiment: Mapping = field(default_factory=dict)
    audio_format: str = "wav"

    def __post_init__(self) -> None:
        whole("seed", self.seed, 0, 2**63 - 1)
        whole("recordings_per_residue", self.recordings_per_residue, len(SPLITS), MAX_RECORDINGS)
        one_of("audio_format", self.audio_format, FORMATS)
        if not isinstance(self.residues, list | tuple) or not self.residues:
            raise InputError(f"`residues` must be a list such as [VAL, GLY], got {quoted(self.residues)}")
        if not isinstance(self.experiment, Mapping):
            raise InputError(f"`experiment` must hold parameters by name, got {quoted(self.experiment)}")
        for residue in self.residues:
            one_of("residues", residue, RESIDUES)
        if len(set(self.residues)) < len(self.residues):
            raise InputError(f"`residues` must name each residue once, got {quoted(list(self.residues))}")
        object.__setattr__(self, "residues", tuple(sorted(self.residues)))
        nuisances = self.nuisances or {}
        object.__setattr__(self, "nuisances", nuisances)
        for name in self.experiment:
            one_of("experiment", name, (*DEFAULTS, WIDTH_PPM))
        check_conditions({name: getattr(self, name) for name in SAMPLE} | dict(self.experiment))
        check_settings(nuisances)

    @property
    def draw_settings(self) -> dict:
        """Keywords for `nmr_speech.simulate.draw_recordings`."""
        sample = {name: getattr(self, name) for name in SAMPLE}
        return sample | {"nuisances": self.nuisances} | dict(self.experiment)

    @property
    def parameters(self) -> dict:
        """Every parameter that is set, with the defaults of the experiment."""
        own = asdict(self) | {"experiment": DEFAULTS | dict(self.experiment), "shares": SPLITS}
        # Data sets are older than some parameters, and their hash is over what they had.
        for parameters, name, usual in (
            (own, "shift_table", None),
            (own, "ph", TABLE_PH),
            (own["experiment"], "trim_s", 0),
        ):
            if parameters[name] == usual:
                del parameters[name]
        return json.loads(json.dumps(own))

    @property
    def content_hash(self) -> str:
        """SHA-256 over the parameters, the data tables and the version of the simulation."""
        parameters = {name: value for name, value in self.parameters.items() if name != "shift_table"}
        identity = json.dumps([SIMULATION, parameters], sort_keys=True).encode()
        own_table = b"" if self.shift_table is None else read_bytes(self.shift_table, LONGEST_TABLE)
        titration_table = b"" if self.ph == TABLE_PH else titration_table_bytes()
        return hashlib.sha256(identity + table_bytes() + own_table + titration_table).hexdigest()

    @property
    def n_recordings(self) -> int:
        """Number of all recordings."""
        return len(self.residues) * self.recordings_per_residue

    def recording_id(self, residue: str, index: int) -> str:
        """Return the name of a recording, of residue and index: enough to draw it again."""
        return f"{residue}_{index:0{max(5, len(str(self.recordings_per_residue - 1)))}d}"

    def audio_path(self, residue: str, index: int) -> str:
        """Return the path of a recording for its manifest; at most `SHARD` recordings share a folder."""
        return f"$data_root/wav/{residue}/{index // SHARD:04d}/{self.recording_id(residue, index)}.{self.audio_format}"

    def split(self) -> dict[str, list[str]]:
        """Divide the IDs among the splits; the division follows from the plan alone."""
        ids = {self.recording_id(name, i): name for name in self.residues for i in range(self.recordings_per_residue)}
        return stratified_split(ids, self.seed)


def write_description(path: Path, plan: DatasetPlan, share: str = "1/1") -> None:
    """Write the description of what a folder holds, or will hold.

    Example
    -------
    >>> path = getfixture("tmp_path") / "dataset.json"
    >>> write_description(path, DatasetPlan(1986, ["GLY"]))
    >>> refuse_other_plan(path, DatasetPlan(1986, ["GLY"]))
    >>> refuse_other_plan(path, DatasetPlan(1987, ["GLY"]))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...: the folder was written with other parameters: `seed` is 1986 there, 1987 here...
    """
    content = {
        "parameters": plan.parameters,
        "share": share,
        "content_hash": plan.content_hash,
        "simulation": SIMULATION,
        "nmr_speech": __version__,
    }
    write_whole(path, (json.dumps(content, indent=2) + "\n").encode())


def refuse_other_plan(path: Path, plan: DatasetPlan, share: str = "1/1") -> None:
    """Refuse a folder whose description is not that of the plan; see `write_description`.

    Example
    -------
    >>> path = getfixture("tmp_path") / "dataset.json"
    >>> write_description(path, DatasetPlan(1986, ["GLY"]), share="1/2")
    >>> refuse_other_plan(path, DatasetPlan(1986, ["GLY"]), share="2/2")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...: the folder was written with other parameters: `share` is '1/2' there...
    """
    try:
        found = read_json(path, DESCRIPTION)
    except InputError as error:
        raise InputError(f"{path}: cannot be read ({error}); remove {path.parent} and rerun the command") from error
    there, here = found["parameters"] | {"share": found["share"]}, plan.parameters | {"share": share}
    if found["content_hash"] == plan.content_hash and there["share"] == share:
        return
    pairs = {name: _different(there.get(name), here.get(name)) for name in here | there}
    differences = [f"`{name}` is {quoted(a)} there, {quoted(b)} here" for name, (a, b) in pairs.items() if a != b] or [
        "the tables or the version of the simulator have changed"
    ]
    raise InputError(
        f"{path}: the folder was written with other parameters: {'; '.join(differences)}. "
        f"Set another `data_folder`, or remove this one"
    )


def _different(one: Any, other: Any) -> tuple[Any, Any]:
    """Leave of two mappings what differs."""
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return one, other
    differing = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    left, right = ({key: some[key] for key in differing if key in some} for some in (one, other))
    return left, right

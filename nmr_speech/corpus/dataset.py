"""A data set of simulated recordings on disk: WAV files, manifests and ``dataset.json``.

Work is done in batches of recordings of one residue. A batch leaves its WAV files and then one small CSV file in
``parts/``; what is there is never made again, so a killed run goes on where it was. The manifests follow when all
batches are there, and ``dataset.json`` comes last: a folder that holds it is complete.
"""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from tqdm import tqdm

from nmr_speech import __version__
from nmr_speech.checks import InputError, one_of, whole
from nmr_speech.corpus.files import remove_unfinished, write_whole
from nmr_speech.corpus.manifest import Row, audio_path, read_manifest, write_manifest
from nmr_speech.corpus.pseudo_audio import stack_fid
from nmr_speech.corpus.splits import SPLITS, stratified_split
from nmr_speech.corpus.wav import write_wav
from nmr_speech.simulate import EXPERIMENT, RESIDUES, draw_recording
from nmr_speech.simulate.residues import table_bytes

SIMULATION = 1
"""Raised when the simulator or the layout changes what a data set holds."""

BATCH = 25  # recordings that a kill may cost
COMPLETE, UNDER_WAY = "dataset.json", "dataset.under_way.json"
DEFAULTS = {
    name: value for name, value in EXPERIMENT.items() if name not in ("n_transients", "n_points")
}  # sizes are fixed


@dataclass(frozen=True)
class DatasetPlan:
    """All that decides what a data set holds.

    Arguments
    ---------
    seed : int
        Seed of the draws and of the split.
    residues : Sequence[str]
        Three-letter codes.
    recordings_per_residue : int
        How many of each; at least 3, one a split.
    condition : str
        "h2o" or "d2o".
    experiment : dict
        Parameters of `nmr_speech.simulate.tocsy`, by keyword.

    Example
    -------
    >>> DatasetPlan(1986, ["VAL", "GLY"], 10).residues
    ('GLY', 'VAL')
    """

    seed: int
    residues: Sequence[str] = RESIDUES
    recordings_per_residue: int = 100
    condition: str = "h2o"
    experiment: dict = field(default_factory=dict)

    def __post_init__(self):
        whole("seed", self.seed, 0, 2**63 - 1)
        whole("recordings_per_residue", self.recordings_per_residue, len(SPLITS), 10**7)
        if isinstance(self.residues, str) or not self.residues:
            raise InputError(f"`residues` must be a list such as [VAL, GLY], got {self.residues!r}")
        for residue in self.residues:
            one_of("residues", residue, RESIDUES)
        if len(set(self.residues)) < len(self.residues):
            raise InputError(f"`residues` must name each residue once, got {list(self.residues)}")
        object.__setattr__(self, "residues", tuple(sorted(self.residues)))
        for name in self.experiment:
            one_of("experiment", name, tuple(DEFAULTS))
        # A single point runs every check of the experiment.
        draw_recording(
            self.residues[0], self.seed, 0, condition=self.condition, n_transients=1, n_points=1, **self.experiment
        )

    @property
    def parameters(self) -> dict:
        """Every parameter, defaults of the experiment written out."""
        return json.loads(json.dumps(asdict(self) | {"experiment": DEFAULTS | self.experiment, "shares": SPLITS}))

    @property
    def content_hash(self) -> str:
        """SHA-256 over the parameters, the data tables and the version of the simulation."""
        identity = json.dumps([SIMULATION, self.parameters], sort_keys=True).encode()
        return hashlib.sha256(identity + table_bytes()).hexdigest()

    def recording_id(self, residue: str, index: int) -> str:
        """Name of a recording, from which it can be drawn again."""
        return f"{residue}_{index:0{max(5, len(str(self.recordings_per_residue - 1)))}d}"


def build_dataset(folder: str | Path, plan: DatasetPlan, workers: int = 0) -> bool:
    """Simulate a data set, or go on with it, or find it done.

    Arguments
    ---------
    folder : str | Path
        Data folder. Afterwards it holds ``wav/``, ``train.csv``, ``valid.csv``, ``test.csv`` and ``dataset.json``.
    plan : DatasetPlan
        What to simulate. A folder written with another plan is refused and left as it is.
    workers : int
        Processes that simulate beside this one; 0 simulates in this one. The files do not depend on it.

    Returns
    -------
    bool
        Whether there was something to do.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> plan = DatasetPlan(seed=1986, residues=["GLY"], recordings_per_residue=3)
    >>> build_dataset(folder, plan), build_dataset(folder, plan)
    (True, False)
    >>> sorted(path.name for path in folder.iterdir())
    ['dataset.json', 'test.csv', 'train.csv', 'valid.csv', 'wav']
    """
    folder = Path(folder)
    if (folder / COMPLETE).exists():
        _refuse_other_plan(folder / COMPLETE, plan)
        _refuse_damage(folder)
        return False
    if (folder / UNDER_WAY).exists():
        _refuse_other_plan(folder / UNDER_WAY, plan)
    elif folder.exists() and any(folder.iterdir()):
        raise InputError(
            f"{folder}: holds files but no {COMPLETE}; give `data_folder` an empty or new folder, or set `skip_prep`"
        )
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    write_whole(folder / UNDER_WAY, _description(plan))

    _simulate(folder, plan, workers)
    remove_unfinished(folder)
    rows = {row.ID: row for part in sorted((folder / "parts").glob("*.csv")) for row in read_manifest(part)}
    split = stratified_split({name: row.spk_id for name, row in rows.items()}, plan.seed)
    for name, ids in split.items():
        write_manifest(folder / f"{name}.csv", [rows[i] for i in ids])
    write_whole(folder / COMPLETE, _description(plan))
    (folder / UNDER_WAY).unlink()
    shutil.rmtree(folder / "parts")
    return True


class _Batches(torch.utils.data.Dataset):
    """Each item simulates one batch, writes it, and is the number of its recordings."""

    def __init__(self, folder, plan):
        self.folder, self.plan = folder, plan
        n = plan.recordings_per_residue
        self.batches = [
            (residue, start, min(start + BATCH, n)) for residue in plan.residues for start in range(0, n, BATCH)
        ]
        self.batches = [batch for batch in self.batches if not self.part(batch).exists()]

    def part(self, batch):
        return self.folder / "parts" / f"{self.plan.recording_id(*batch[:2])}.csv"

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, number):
        residue, start, stop = self.batches[number]
        plan, rows = self.plan, []
        (self.folder / "wav" / residue).mkdir(parents=True, exist_ok=True)
        for index in range(start, stop):
            recording = draw_recording(residue, plan.seed, index, condition=plan.condition, **plan.experiment)
            wav, scale = stack_fid(recording.fid)
            name = plan.recording_id(residue, index)
            row = Row(ID=name, wav=f"$data_root/wav/{residue}/{name}.wav", spk_id=residue, scale=scale)
            write_wav(audio_path(row.wav, self.folder), wav)
            rows.append(row)
        write_manifest(self.part(self.batches[number]), rows)
        return len(rows)


def _simulate(folder, plan, workers):
    batches = _Batches(folder, plan)
    total = len(plan.residues) * plan.recordings_per_residue
    to_do = sum(stop - start for _, start, stop in batches.batches)
    # Batches of LYS take a hundred times as long as those of GLY: shuffled, they keep all workers busy to the end.
    shuffle = torch.Generator().manual_seed(0)
    order = torch.randperm(len(batches), generator=shuffle).tolist()
    loader = torch.utils.data.DataLoader(batches, batch_size=None, sampler=order, num_workers=workers)
    with (
        _one_thread(),
        tqdm(total=total, initial=total - to_do, unit="recording", desc="simulating", disable=not to_do) as progress,
    ):
        for done in loader:
            progress.update(int(done))


@contextlib.contextmanager
def _one_thread():
    # As in the loader's workers: sums in another order would give other last bits.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _description(plan):
    content = {
        "parameters": plan.parameters,
        "content_hash": plan.content_hash,
        "simulation": SIMULATION,
        "nmr_speech": __version__,
    }
    return (json.dumps(content, indent=2) + "\n").encode()


def _refuse_other_plan(path, plan):
    try:
        found = json.loads(path.read_text())
        parameters, content_hash = found["parameters"], found["content_hash"]
    except (json.JSONDecodeError, KeyError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot be read ({error!r}); remove {path.parent} and run the same command again"
        ) from error
    if content_hash == plan.content_hash:
        return
    wanted = plan.parameters
    differences = [
        f"`{name}` is {parameters.get(name)!r} there, {wanted.get(name)!r} here"
        for name in wanted | parameters
        if wanted.get(name) != parameters.get(name)
    ] or ["the simulator's tables or version are not those of then"]
    raise InputError(
        f"{path}: the folder was written with other parameters: {'; '.join(differences)}. "
        f"Give another `data_folder`, or remove this one"
    )


def _refuse_damage(folder):
    for name in SPLITS:
        for number, row in enumerate(read_manifest(folder / f"{name}.csv"), start=2):
            if not Path(audio_path(row.wav, folder)).is_file():
                raise InputError(
                    f"{folder / name}.csv, row {number} ({row.ID}): {audio_path(row.wav, folder)} is missing; "
                    f"remove {folder} and run the same command again"
                )

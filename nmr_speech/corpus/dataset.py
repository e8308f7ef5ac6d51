"""A data set of simulated recordings on disk: audio files, manifests and ``dataset.json``.

Work is done in batches of recordings of one residue that begin at multiples of the batch size, whoever does them. A
batch leaves its audio files and then one small CSV file in ``parts/``; what is there is never made again, so a killed
run goes on where it was. The manifests follow when all batches are there, and ``dataset.json`` comes last: a folder
that holds it is complete.
"""

import contextlib
import shutil
from pathlib import Path

import filelock
import torch
from tqdm import tqdm

from nmr_speech.checks import InputError, in_range
from nmr_speech.corpus.distributed import Team, share
from nmr_speech.corpus.manifest import Row, audio_path, read_manifest, write_manifest
from nmr_speech.corpus.plan import SHARD, DatasetPlan, refuse_other_plan, write_description
from nmr_speech.corpus.pseudo_audio import stack_fid
from nmr_speech.corpus.splits import SPLITS
from nmr_speech.corpus.wav import write_wav
from nmr_speech.files import remove_unfinished
from nmr_speech.simulate import draw_recordings

BATCH = {"cpu": 25, "cuda": 500}  # recordings that a kill may cost; divides SHARD
COMPLETE, UNDER_WAY, LOCK = "dataset.json", "dataset.under_way.json", ".lock"


def build_dataset(
    folder: str | Path,
    plan: DatasetPlan,
    workers: int = 0,
    device: str = "cpu",
    memory_gb: float | None = None,
    of: str = "1/1",
    team: Team | None = None,
) -> int:
    """Simulate a data set, or go on with it, or find it done.

    Arguments
    ---------
    folder : str | Path
        Data folder. Afterwards it holds ``wav/``, ``train.csv``, ``valid.csv``, ``test.csv`` and ``dataset.json``.
    plan : DatasetPlan
        What to simulate. A folder written with another plan is refused and left as it is, and so is one in which
        another run is at work.
    workers : int
        Processes that simulate beside this one; 0 simulates in this one. The files do not depend on it.
    device : str
        Where to simulate: "cpu" or "cuda". Workers are for the former.
    memory_gb : float | None
        Working memory of each process; see `nmr_speech.simulate.tocsy`.
    of : str
        The part to make here, such as "2/8" for the second of eight, whose manifests then list that part alone.
    team : Team | None
        The processes that share the work; None for this one alone. Files depend neither on their number nor on which
        made what.

    Returns
    -------
    int
        Number of recordings that were made.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> plan = DatasetPlan(seed=1986, residues=["GLY"], recordings_per_residue=3)
    >>> build_dataset(folder, plan), build_dataset(folder, plan)
    (3, 0)
    >>> sorted(path.name for path in folder.iterdir())
    ['dataset.json', 'test.csv', 'train.csv', 'valid.csv', 'wav']
    """
    folder, team = Path(folder), team or Team()
    batches = _Batches(folder, plan, torch.device(device), memory_gb, share(of))
    with _locked(folder) if team.rank == 0 else contextlib.nullcontext():
        if team.first(lambda: _is_complete(folder, plan, of)):
            return 0
        made = _simulate(batches, workers, team)
        team.wait()
        team.first(lambda: _complete(batches, of))
    return team.total(made)


@contextlib.contextmanager
def _locked(folder):
    # The system frees the lock of a killed run.
    lock = filelock.FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout as error:  # which is an OSError too
        raise InputError(
            f"{folder}: another run is at work here; wait for it, or give another `data_folder`"
        ) from error
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); give another `data_folder`") from error
    try:
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)
        lock.release()
        if not any(folder.iterdir()):
            folder.rmdir()


def _is_complete(folder, plan, of):
    if (folder / COMPLETE).exists():
        refuse_other_plan(folder / COMPLETE, plan, of)
        _refuse_damage(folder)
        return True
    if (folder / UNDER_WAY).exists():
        refuse_other_plan(folder / UNDER_WAY, plan, of)
    elif any(path.name != LOCK for path in folder.iterdir()):
        raise InputError(
            f"{folder}: holds files but no {COMPLETE}; give `data_folder` an empty or new folder, or set `skip_prep`"
        )
    (folder / "parts").mkdir(exist_ok=True)
    write_description(folder / UNDER_WAY, plan, of)
    return False


def _complete(batches, of):
    folder = batches.folder
    remove_unfinished(folder)
    rows = {row.ID: row for number in range(len(batches)) for row in read_manifest(batches.part(number))}
    for name, ids in batches.plan.split().items():
        write_manifest(folder / f"{name}.csv", [rows[i] for i in ids if i in rows])
    write_description(folder / COMPLETE, batches.plan, of)
    (folder / UNDER_WAY).unlink()
    shutil.rmtree(folder / "parts")


class _Batches(torch.utils.data.Dataset):
    """Each item simulates one batch, writes it, and is the number of its recordings."""

    def __init__(self, folder, plan, device, memory_gb, share_of):
        self.folder, self.plan = folder, plan
        if memory_gb is not None:
            in_range("memory_gb", memory_gb, 0, 1e6, "GB", "0.06 on a CPU, 16 on a GPU")
        self.settings = plan.draw_settings | {"device": str(device), "memory_gb": memory_gb}
        n, size, (this, parts) = plan.recordings_per_residue, BATCH[device.type], share_of
        shards = [(residue, start) for residue in plan.residues for start in range(0, n, SHARD)]
        self.batches = [
            (residue, first, min(first + size, n))
            for residue, start in shards[this::parts]
            for first in range(start, min(start + SHARD, n), size)
        ]
        ids = {plan.recording_id(residue, i) for residue, start, stop in self.batches for i in range(start, stop)}
        for name, members in plan.split().items():
            if ids.isdisjoint(members):
                raise InputError(f"`share` must leave recordings of each split, got none of {name}; make fewer parts")

    def part(self, number):
        # The number of recordings tells it from the part of a run on another kind of device.
        residue, start, stop = self.batches[number]
        return self.folder / "parts" / f"{self.plan.recording_id(residue, start)}_{stop - start}.csv"

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, number):
        residue, start, stop = self.batches[number]
        rows = []
        for recording in draw_recordings(residue, self.plan.seed, range(start, stop), **self.settings):
            wav, scale = stack_fid(recording.fid.cpu())
            name = self.plan.recording_id(residue, recording.index)
            row = Row(ID=name, wav=self.plan.audio_path(residue, recording.index), spk_id=residue, scale=scale)
            path = Path(audio_path(row.wav, self.folder))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_wav(path, wav)
            rows.append(row)
        write_manifest(self.part(number), rows)
        return len(rows)


def _simulate(batches, workers, team):
    # Batches of LYS take a hundred times as long as those of GLY: shuffled, they keep all busy to the end.
    order = torch.randperm(len(batches), generator=torch.Generator().manual_seed(0)).tolist()
    sizes = [stop - start for _, start, stop in batches.batches]
    mine = order[team.rank :: team.size]
    to_do = [number for number in mine if not batches.part(number).exists()]
    total, n_to_do = (sum(sizes[number] for number in numbers) for numbers in (mine, to_do))
    if batches.settings["device"] != "cpu":
        workers = 0  # a process that uses a GPU cannot be forked
    loader = torch.utils.data.DataLoader(batches, batch_size=None, sampler=to_do, num_workers=workers)
    name = "simulating" if team.size == 1 else f"simulating, share of the first of {team.size} processes"
    hidden = not to_do or team.rank > 0
    with _one_thread(), tqdm(total=total, initial=total - n_to_do, unit="recording", desc=name, disable=hidden) as bar:
        for done in loader:
            bar.update(int(done))
    return n_to_do


@contextlib.contextmanager
def _one_thread():
    # As in the loader's workers: sums in another order would give other last bits.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _refuse_damage(folder):
    for name in SPLITS:
        for number, row in enumerate(read_manifest(folder / f"{name}.csv"), start=2):
            if not Path(audio_path(row.wav, folder)).is_file():
                raise InputError(
                    f"{folder / name}.csv, row {number} ({row.ID}): {audio_path(row.wav, folder)} is missing; "
                    f"remove {folder} and run the same command again"
                )

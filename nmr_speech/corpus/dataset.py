"""A data set of simulated recordings on disk: audio files, manifests and ``dataset.json``.

The work is divided into batches of recordings of one residue, which start at multiples of the batch size in every
process. A batch writes its audio files and then one small CSV file in ``parts/``. Finished batches are skipped, so
rerunning the command resumes a killed run. The manifests follow when all batches are there, and ``dataset.json`` comes
last: a folder that holds it is complete.
"""

import contextlib
import shutil
from pathlib import Path

import filelock
import torch
from tqdm import tqdm

from nmr_speech.checks import InputError, in_range
from nmr_speech.corpus.distributed import ProcessGroup, parse_share
from nmr_speech.corpus.manifest import Row, audio_path, read_manifest, write_manifest
from nmr_speech.corpus.plan import SHARD, DatasetPlan, refuse_other_plan, write_description
from nmr_speech.corpus.pseudo_audio import stack_fid
from nmr_speech.corpus.splits import SPLITS
from nmr_speech.corpus.wav import write_wav
from nmr_speech.files import remove_unfinished
from nmr_speech.simulate import draw_recordings

BATCH = {"cpu": 25, "cuda": 500}  # recordings that a kill may lose; divides SHARD
COMPLETE, UNDER_WAY, LOCK = "dataset.json", "dataset.under_way.json", ".lock"


def build_dataset(
    folder: str | Path,
    plan: DatasetPlan,
    workers: int = 0,
    device: str = "cpu",
    memory_gb: float | None = None,
    share: str = "1/1",
    processes: ProcessGroup | None = None,
) -> int:
    """Simulate a data set; a folder that holds part of it is completed, and one that holds all of it is left as it is.

    Arguments
    ---------
    folder : str | Path
        Data folder. Afterwards it holds ``wav/``, ``train.csv``, ``valid.csv``, ``test.csv`` and ``dataset.json``.
    plan : DatasetPlan
        What to simulate. A folder written with another plan is refused and left as it is, and so is one that another
        run is writing to.
    workers : int
        Number of worker processes; 0 simulates in this process. The files do not depend on it.
    device : str
        Where to simulate, "cpu" or "cuda"; workers are used on a CPU only.
    memory_gb : float | None
        Working memory of each process in GB; see `nmr_speech.simulate.tocsy`.
    share : str
        The part to simulate here, such as "2/8" for the second of eight; the manifests then list only that part.
    processes : ProcessGroup | None
        The processes that divide the work; None for this one alone. The files do not depend on their number.

    Returns
    -------
    int
        Number of recordings that were simulated.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> plan = DatasetPlan(seed=1986, residues=["GLY"], recordings_per_residue=3)
    >>> build_dataset(folder, plan), build_dataset(folder, plan)
    (3, 0)
    >>> sorted(path.name for path in folder.iterdir())
    ['dataset.json', 'test.csv', 'train.csv', 'valid.csv', 'wav']
    """
    folder, processes = Path(folder), processes or ProcessGroup()
    batches = _Batches(folder, plan, torch.device(device), memory_gb, parse_share(share))
    with _locked(folder) if processes.rank == 0 else contextlib.nullcontext():
        if processes.run_on_first(lambda: _is_complete(folder, plan, share)):
            return 0
        made = _simulate(batches, workers, processes)
        processes.barrier()
        processes.run_on_first(lambda: _complete(batches, share))
    return processes.total(made)


@contextlib.contextmanager
def _locked(folder):
    # The operating system frees the lock of a killed run.
    lock = filelock.FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout as error:  # which is an OSError too
        raise InputError(
            f"{folder}: another run is writing to this folder; wait for it, or set another `data_folder`"
        ) from error
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); set another `data_folder`") from error
    try:
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)
        lock.release()
        if not any(folder.iterdir()):
            folder.rmdir()


def _is_complete(folder, plan, share):
    if (folder / COMPLETE).exists():
        refuse_other_plan(folder / COMPLETE, plan, share)
        _refuse_damage(folder)
        return True
    if (folder / UNDER_WAY).exists():
        refuse_other_plan(folder / UNDER_WAY, plan, share)
    elif any(path.name != LOCK for path in folder.iterdir()):
        raise InputError(
            f"{folder}: holds files but no {COMPLETE}; set `data_folder` to an empty or new folder, or set `skip_prep`"
        )
    (folder / "parts").mkdir(exist_ok=True)
    write_description(folder / UNDER_WAY, plan, share)
    return False


def _complete(batches, share):
    folder = batches.folder
    remove_unfinished(folder)
    rows = {row.ID: row for number in range(len(batches)) for row in read_manifest(batches.part(number))}
    for name, ids in batches.plan.split().items():
        write_manifest(folder / f"{name}.csv", [rows[i] for i in ids if i in rows])
    write_description(folder / COMPLETE, batches.plan, share)
    (folder / UNDER_WAY).unlink()
    shutil.rmtree(folder / "parts")


class _Batches(torch.utils.data.Dataset):
    """Each item simulates one batch, writes it, and gives the number of its recordings."""

    def __init__(self, folder, plan, device, memory_gb, part_of):
        self.folder, self.plan = folder, plan
        if memory_gb is not None:
            in_range("memory_gb", memory_gb, 0, 1e6, "GB", "0.06 on a CPU, 16 on a GPU")
        self.settings = plan.draw_settings | {"device": str(device), "memory_gb": memory_gb}
        n, size, (this, parts) = plan.recordings_per_residue, BATCH[device.type], part_of
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
        # The number of recordings distinguishes it from the part of a run with batches of another size: on a GPU, say.
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


def _simulate(batches, workers, processes):
    # Batches of LYS take a hundred times as long as those of GLY: shuffled, they keep all processes busy to the end.
    order = torch.randperm(len(batches), generator=torch.Generator().manual_seed(0)).tolist()
    sizes = [stop - start for _, start, stop in batches.batches]
    mine = order[processes.rank :: processes.size]
    to_do = [number for number in mine if not batches.part(number).exists()]
    total, n_to_do = (sum(sizes[number] for number in numbers) for numbers in (mine, to_do))
    if batches.settings["device"] != "cpu":
        workers = 0  # a process that uses a GPU cannot be forked
    loader = torch.utils.data.DataLoader(batches, batch_size=None, sampler=to_do, num_workers=workers)
    name = "simulating" if processes.size == 1 else f"simulating, share of the first of {processes.size} processes"
    hidden = not to_do or processes.rank > 0
    with _one_thread(), tqdm(total=total, initial=total - n_to_do, unit="recording", desc=name, disable=hidden) as bar:
        for done in loader:
            bar.update(int(done))
    return n_to_do


@contextlib.contextmanager
def _one_thread():
    # As in the loader's workers: sums in another order would change the last bits.
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
                    f"remove {folder} and rerun the command"
                )

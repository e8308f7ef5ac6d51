"""A data set of simulated recordings on disk: audio files, manifests and ``dataset.json``.

The work is divided into batches of recordings of one residue, which start at multiples of the batch size in every
process. A batch writes its audio files and then one small CSV file in ``parts/``. Finished batches are skipped, so
rerunning the command resumes a killed run. The manifests follow when all batches are there, and ``dataset.json`` comes
last: a folder that holds it is complete.
"""

import contextlib
import shutil
from pathlib import Path

import torch
from tqdm import tqdm

from nmr_speech.checks import InputError, in_range
from nmr_speech.corpus.distributed import ProcessGroup, parse_share
from nmr_speech.corpus.manifest import Row, audio_path, read_manifest, write_manifest
from nmr_speech.corpus.plan import SHARD, DatasetPlan, refuse_other_plan, write_description
from nmr_speech.corpus.pseudo_audio import stack_fid
from nmr_speech.corpus.wav import is_whole, read_wav, write_wav
from nmr_speech.files import LOCK, UNFINISHED, locked, remove_unfinished
from nmr_speech.simulate import draw_recordings

BATCH = {"cpu": 25, "cuda": 500}  # recordings that a kill may lose; divides SHARD
COMPLETE, UNDER_WAY, PARTS = "dataset.json", "dataset.under_way.json", "parts"


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
    # First without a lock: a complete data set may lie on a medium that cannot be written.
    if processes.run_on_first(lambda: _is_complete(batches, share)):
        return 0
    with locked(folder, "data_folder") if processes.rank == 0 else contextlib.nullcontext():
        if processes.run_on_first(lambda: _is_complete(batches, share) or _claim(batches, share)):
            return 0
        made = _simulate(batches, workers, processes)
        processes.barrier()
        processes.run_on_first(lambda: _complete(batches, share))
    return processes.total(made)


def _is_complete(batches, share):
    folder = batches.folder
    if not (folder / COMPLETE).exists():
        return False
    refuse_other_plan(folder / COMPLETE, batches.plan, share)
    _refuse_damage(batches)
    if any((folder / name).exists() for name in (UNDER_WAY, PARTS, LOCK)):  # a run was killed after its last file
        with contextlib.suppress(OSError, InputError), locked(folder, "data_folder"):
            _tidy(folder)
    return True


def _claim(batches, share):
    """Make the folder that of this plan; return False, for it is not complete."""
    folder = batches.folder
    if (folder / UNDER_WAY).exists():
        refuse_other_plan(folder / UNDER_WAY, batches.plan, share)
    elif any(path.name != LOCK for path in folder.iterdir() if not path.name.endswith(UNFINISHED)):
        raise InputError(
            f"{folder}: holds files but no {COMPLETE}; set `data_folder` to an empty or new folder, or set `skip_prep`"
        )
    write_description(folder / UNDER_WAY, batches.plan, share)
    (folder / PARTS).mkdir(exist_ok=True)
    return False


def _complete(batches, share):
    folder = batches.folder
    remove_unfinished(folder)
    rows = {}
    for number in range(len(batches)):
        part = batches.finished(number)
        if part is None:
            raise InputError(
                f"{batches.part(number)}: lacks recordings, or their files do; rerun the command to make them again"
            )
        rows |= {row.ID: row for row in part}
    for name, ids in batches.split.items():
        write_manifest(folder / f"{name}.csv", [rows[i] for i in ids])
    write_description(folder / COMPLETE, batches.plan, share)
    _tidy(folder)


def _tidy(folder):
    remove_unfinished(folder)
    shutil.rmtree(folder / PARTS, ignore_errors=True)
    (folder / UNDER_WAY).unlink(missing_ok=True)


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
        ids = {name for number in range(len(self.batches)) for name in self.ids(number)}
        self.split = {name: [i for i in members if i in ids] for name, members in plan.split().items()}
        for name, members in self.split.items():
            if not members:
                raise InputError(f"`share` must leave recordings of each split, got none of {name}; make fewer parts")

    def ids(self, number):
        residue, start, stop = self.batches[number]
        return [self.plan.recording_id(residue, index) for index in range(start, stop)]

    def part(self, number):
        # The number of recordings distinguishes it from the part of a run with batches of another size: on a GPU, say.
        residue, start, stop = self.batches[number]
        return self.folder / PARTS / f"{self.plan.recording_id(residue, start)}_{stop - start}.csv"

    def finished(self, number):
        """Rows of a batch that is all there, the audio as well; None for another, which is made again."""
        if not self.part(number).exists():
            return None
        try:
            rows = read_manifest(self.part(number))
        except InputError:
            return None
        residue, start, stop = self.batches[number]
        wanted = [
            (name, self.plan.audio_path(residue, index), residue)
            for name, index in zip(self.ids(number), range(start, stop), strict=True)
        ]
        there = [(row.ID, row.wav, row.spk_id) for row in rows] == wanted
        return rows if there and all(is_whole(audio_path(row.wav, self.folder)) for row in rows) else None

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, number):
        # Returned, not raised: a loader's worker would put its traceback into the message.
        try:
            return self._write(number)
        except (OSError, InputError) as error:
            return error

    def _write(self, number):
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
    to_do = [number for number in mine if batches.finished(number) is None]
    total, n_to_do = (sum(sizes[number] for number in numbers) for numbers in (mine, to_do))
    if batches.settings["device"] != "cpu":
        workers = 0  # a process that uses a GPU cannot be forked
    loader = torch.utils.data.DataLoader(batches, batch_size=None, sampler=to_do, num_workers=workers)
    name = "simulating" if processes.size == 1 else f"simulating, share of the first of {processes.size} processes"
    hidden = not to_do or processes.rank > 0
    with _one_thread(), tqdm(total=total, initial=total - n_to_do, unit="recording", desc=name, disable=hidden) as bar:
        for done in loader:
            if isinstance(done, Exception):
                raise done
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


def _refuse_damage(batches):
    """Refuse a complete data set that has lost something since it was written."""
    folder = batches.folder
    again = f"remove {folder} and rerun the command"
    for name, ids in batches.split.items():
        path = folder / f"{name}.csv"
        rows = read_manifest(path)
        if lost := set(ids) - {row.ID for row in rows}:
            raise InputError(f"{path}: lacks {len(lost)} of {len(ids)} recordings, such as {min(lost)}; {again}")
        if len(rows) > len(ids):
            raise InputError(f"{path}: lists {len(rows)} recordings instead of {len(ids)}; {again}")
        for number, row in enumerate(rows, start=2):
            audio = audio_path(row.wav, folder)
            where = f"{path}, row {number} ({row.ID})"
            if not Path(audio).is_file():
                raise InputError(f"{where}: {audio} is missing; {again}")
            if not is_whole(audio):
                try:
                    read_wav(audio)  # another program may have written it anew, with a header of another size
                except InputError as error:
                    raise InputError(f"{where}: {error}; {again}") from error

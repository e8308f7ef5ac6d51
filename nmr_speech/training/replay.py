"""Replay: batches of what was seen before, where a batch takes longer to make than to train on."""

from collections.abc import Iterator
from typing import Any

import torch
from speechbrain.utils.epoch_loop import EpochCounter
from torch.utils.data import DataLoader, Dataset

from nmr_speech.checks import whole
from nmr_speech.training.dataio import generator_of

Batch = dict[str, torch.Tensor]

MOST_USES = 1000


class ReplayLoader(DataLoader):
    """Loads the batches of a data set; after each come others, of examples drawn from all those of the epoch so far.

    An epoch begins without memories, so a training that is resumed there continues as it would have.

    Arguments
    ---------
    dataset : Dataset
        Its items are batches: tensors of equal length by name.
    uses : int
        How many batches there are for each of the data set; 1 for no replay.
    seed : int
        Seed of the draws.
    epoch_counter : EpochCounter
        Its ``current`` is the epoch.
    **settings : Any
        Arguments of `torch.utils.data.DataLoader`, such as ``num_workers``.

    Example
    -------
    >>> batches = [{"x": torch.tensor([0, 1])}, {"x": torch.tensor([2, 3])}]
    >>> loader = ReplayLoader(batches, uses=2, seed=0, epoch_counter=EpochCounter(1))
    >>> [batch["x"].tolist() for batch in loader][::2], len(loader)  # the new ones; after each comes one of those seen
    ([[0, 1], [2, 3]], 4)
    """

    def __init__(self, dataset: Dataset, uses: int, seed: int, epoch_counter: EpochCounter, **settings: Any) -> None:
        self.uses, self.seed, self.epoch_counter = whole("uses", uses, 1, MOST_USES), seed, epoch_counter
        super().__init__(dataset, batch_size=None, **settings)

    def __len__(self) -> int:
        return self.uses * super().__len__()

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # PyTorch names a private class
        generator = generator_of(self.seed, self.epoch_counter.current)
        seen: list[Batch] = []
        for batch in super().__iter__():
            yield batch
            seen.append(batch)
            for _ in range(self.uses - 1):
                yield _draw(seen, generator)


def _draw(seen, generator):
    """As many examples as the last batch holds, each from any batch."""
    size = len(next(iter(seen[-1].values())))
    places = torch.randint(len(seen) * size, (size,), generator=generator).tolist()
    return {name: torch.stack([seen[k // size][name][k % size] for k in places]) for name in seen[-1]}

"""Transfer: an embedding model with weights from elsewhere, frozen as a whole, in part, or for some epochs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch
from speechbrain.utils.checkpoints import mark_as_loader, mark_as_saver, register_checkpoint_hooks
from torch import nn

from nmr_speech.checks import InputError, one_of, positive, quoted, whole
from nmr_speech.hub.tensors import BUNDLED, Saved, fill, find_weights


@register_checkpoint_hooks
class Pretrained(nn.Module):
    """An embedding model initialised from a Hub repository or a folder, of which all, some or no weights are trained.

    Frozen parts do not change by a bit. Their parameters need no gradient, and their modules stay in evaluation mode
    even after `train()`, which `Brain.fit` calls after `on_stage_start`: the statistics of a batch normalisation stay
    as they are. Gradients still flow through them to a front end.

    A checkpoint holds the trained weights, and the source of the others: repository, commit and hash. A checkpoint
    initialised from another source is refused.

    Arguments
    ---------
    module : nn.Module
        The embedding model; the weights must match its names and shapes. A speech model expects features without their
        mean over the frames: see `expects_centred`.
    source : str | None
        See `nmr_speech.hub.tensors.find_weights`: "molecules" and "ge2e" are names of packaged models. None keeps the
        random weights, for comparison.
    revision : str | None
        Commit, tag or branch of a repository.
    freeze : bool
        Whether its weights are frozen; otherwise all are trained.
    unfreeze : Mapping[int, str] | None
        With ``freeze``: epoch to the name of a block, such as "mfa" or "blocks.2". From that epoch on, this block and
        all after it are trained, in the order of registration, which in SpeechBrain's models is that of the
        computation. ``{1: mfa}`` trains the last blocks from the start, ``{3: mfa, 5: blocks.0}`` unfreezes gradually.
    learning_rate : float | None
        Learning rate of this part; None for that of the rest.
    store_frozen : bool
        Whether checkpoints hold frozen weights too.

    Example
    -------
    >>> model = Pretrained(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1)), None, unfreeze={2: "1"})
    >>> model.set_epoch(2)
    >>> [name for name, weight in model.named_parameters() if weight.requires_grad]
    ['module.1.weight', 'module.1.bias']
    """

    def __init__(
        self,
        module: nn.Module,
        source: str | None,
        revision: str | None = None,
        freeze: bool = True,
        unfreeze: Mapping[int, str] | None = None,
        learning_rate: float | None = None,
        store_frozen: bool = False,
    ):
        super().__init__()
        self.module = module
        self.store_frozen = one_of("store_frozen", store_frozen, (True, False))
        self.schedule = self._schedule(one_of("freeze", freeze, (True, False)), unfreeze)
        self.learning_rate = learning_rate
        if learning_rate is not None:
            positive("learning_rate", learning_rate, "of the pretrained part, typical 0.0001")
            if not self.schedule:
                raise InputError("a learning rate for the pretrained part needs a part of it that is trained")
        self.origin = None
        if source is not None:
            self.origin = find_weights(source, revision)
            fill(module, self.origin.load(), f"{source}: {self.origin.file}")
        self.set_epoch(1)

    def forward(self, feats: torch.Tensor) -> torch.Tensor:
        """Map features (N, L, F) to embeddings (N, 1, D)."""
        return self.module(feats)

    def set_epoch(self, epoch: int) -> None:
        """Freeze and unfreeze blocks for an epoch, from 1, before it begins."""
        due = [start for start in self.schedule if start <= epoch]
        names = [name for name, _ in self.module.named_modules()]
        # By names, not by modules: SyncBatchNorm takes the place of some in distributed training.
        self.trained = set(names[names.index(self.schedule[max(due)]) :]) if due else set()
        for name, part in self.module.named_modules():
            for weight in part.parameters(recurse=False):
                weight.requires_grad_(name in self.trained)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set the mode of the trained parts; the others stay in evaluation mode."""
        super().train(mode)
        for name, part in self.module.named_modules():
            part.training = mode and name in self.trained
        return self

    @property
    def always_frozen(self) -> bool:
        """Whether no part of it is trained in any epoch."""
        return not self.schedule

    @property
    def expects_centred(self) -> bool:
        """Whether it expects the mean of each feature over the frames removed, as speech models do.

        A bundle of this project expects the features of the front end that it was trained behind, and random weights
        expect nothing.
        """
        return self.origin is not None and self.origin.file != BUNDLED

    def check(self, number_of_epochs: int, processes: int) -> None:
        """Refuse a schedule that a training of so many epochs and processes cannot follow."""
        if late := [epoch for epoch in self.schedule if epoch > number_of_epochs]:
            raise InputError(f"`unfreeze` must name epochs up to {number_of_epochs}, got {late[0]}")
        if processes > 1 and set(self.schedule) - {1}:
            # DistributedDataParallel asks once which gradients to average.
            raise InputError("`unfreeze` after the first epoch works with one process only; start without torchrun")

    def report(self) -> dict[str, Any]:
        """Return the source of the weights and what is trained, ready for JSON; a local folder by its name only."""
        origin = vars(self.origin) | {"source": self._shown_source(self.origin)} if self.origin else None
        return {"origin": origin, "trained_from_epoch": {str(e): name or "all" for e, name in self.schedule.items()}}

    @staticmethod
    def _shown_source(origin):
        return origin.source if origin.commit else Path(origin.source).name  # no local paths

    @mark_as_saver
    def _save(self, path):
        state = self.module.state_dict()
        complete = self.store_frozen or self.origin is None or "" in self.trained
        kept = {name: tensor for name, tensor in state.items() if complete or name.rpartition(".")[0] in self.trained}
        Saved(self.origin, complete, kept).save(path)

    @mark_as_loader
    def _load(self, path, end_of_epoch):
        saved = Saved.load(Path(path))
        if _hash(saved.origin) != _hash(self.origin):
            raise InputError(
                f"{path}: initialised from {saved.origin or 'random weights'}, but now the source is "
                f"{self.origin or 'null'}; give another `output_folder`"
            )
        # Weights that were frozen then are read from the source again: a later epoch may have changed them.
        fill(self.module, Saved(self.origin, saved.complete, saved.tensors).state(), str(path))

    def _schedule(self, freeze, unfreeze):
        if not freeze:
            if unfreeze:
                raise InputError("`unfreeze` needs `freeze: True`; leave one of them out")
            return {1: ""}
        if unfreeze is not None and not isinstance(unfreeze, Mapping):
            raise InputError(f"`unfreeze` must map epochs to blocks, such as {{3: mfa}}, got {quoted(unfreeze)}")
        schedule = {whole("unfreeze", epoch, 1, 10**6): str(name) for epoch, name in (unfreeze or {}).items()}
        names = [name for name, _ in self.module.named_modules() if name]
        places = [names.index(one_of("unfreeze", schedule[epoch], names)) for epoch in sorted(schedule)]
        if places != sorted(set(places), reverse=True):
            raise InputError(f"`unfreeze` must go from the end of the model to its beginning, got {unfreeze}")
        return schedule


def _hash(origin):
    return origin and origin.sha256


def reason_against_caching(pretrained: Pretrained, frontend: nn.Module, augmented: bool, fresh: bool) -> str | None:
    """Say why embeddings cannot be computed once for the whole training; None if they can.

    Arguments
    ---------
    pretrained : Pretrained
        The embedding model.
    frontend : nn.Module
        The front end before it.
    augmented : bool
        Whether recordings are augmented, drawn anew every time.
    fresh : bool
        Whether every epoch has new recordings.

    Returns
    -------
    str | None

    Example
    -------
    >>> reason_against_caching(Pretrained(nn.Linear(1, 1), None), nn.Conv1d(1, 1, 1), augmented=False, fresh=False)
    'the front end is trained'
    """
    reasons = {
        "the embedding model is trained": not pretrained.always_frozen,
        "the front end is trained": any(weight.requires_grad for weight in frontend.parameters()),
        "augmentation changes the recordings every time": augmented,
        "every epoch has new recordings": fresh,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)

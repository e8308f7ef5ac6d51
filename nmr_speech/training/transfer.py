"""Transfer: an embedding model with weights from elsewhere, frozen truly, in part, or for some epochs."""

from collections.abc import Mapping
from pathlib import Path

from speechbrain.utils.checkpoints import mark_as_loader, mark_as_saver, register_checkpoint_hooks
from torch import nn

from nmr_speech.checks import InputError, one_of, positive, whole
from nmr_speech.hub.tensors import Saved, fill, find_weights


@register_checkpoint_hooks
class Pretrained(nn.Module):
    """An embedding model, filled from a Hub repository or a folder, of which all, some or nothing is trained.

    What is frozen does not change by a bit: its parameters ask for no gradient, and its modules stay in evaluation mode
    whoever calls `train()`, as `Brain.fit` does after `on_stage_start`, so that the statistics of a batch normalisation
    stand still. Gradients flow through it to a front end.

    A checkpoint holds what is trained, and says for the rest where it comes from: repository, commit and hash. One
    that was begun with other weights is refused.

    Arguments
    ---------
    module : nn.Module
        The embedding model; its own names and shapes decide what must be there. The sentence mean must be removed from
        its features, as SpeechBrain's speaker models expect: see `nmr_speech.models.frontends`.
    source : str | None
        See `nmr_speech.hub.tensors.find_weights`; None keeps the weights that it has, for comparison.
    revision : str | None
        Commit, tag or branch of a repository.
    freeze : bool
        Whether its weights stay what they are; else all are trained.
    unfreeze : Mapping[int, str] | None
        With ``freeze``: epoch to the name of a block, such as "mfa" or "blocks.2". From that epoch on this block is
        trained with all after it, in the order in which they are registered, which in SpeechBrain's models is that of
        the computation. ``{1: mfa}`` trains the end from the start, ``{3: mfa, 5: blocks.0}`` goes on step by step.
    learning_rate : float | None
        A rate of its own; None for that of the rest.
    store_frozen : bool
        Whether checkpoints hold what is frozen too.

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
                raise InputError("a learning rate for the pretrained part needs something of it that is trained")
        self.origin = None
        if source is not None:
            self.origin = find_weights(source, revision)
            fill(module, self.origin.load(), f"{source}: {self.origin.file}")
        self.set_epoch(1)

    def forward(self, feats):
        """Map features (N, L, F) to embeddings (N, 1, D)."""
        return self.module(feats)

    def set_epoch(self, epoch: int):
        """Freeze what is frozen in an epoch, before it begins."""
        begun = [start for start in self.schedule if start <= epoch]
        names = [name for name, _ in self.module.named_modules()]
        # By names, not by modules: SyncBatchNorm takes the place of some in distributed training.
        self.trained = set(names[names.index(self.schedule[max(begun)]) :]) if begun else set()
        for name, part in self.module.named_modules():
            for weight in part.parameters(recurse=False):
                weight.requires_grad_(name in self.trained)
        self.train(self.training)

    def train(self, mode: bool = True):
        """Set the mode of what is trained; the rest stays in evaluation mode."""
        super().train(mode)
        for name, part in self.module.named_modules():
            part.training = mode and name in self.trained
        return self

    @property
    def always_frozen(self) -> bool:
        """Whether nothing of it is trained in any epoch."""
        return not self.schedule

    def check(self, number_of_epochs: int, processes: int):
        """Refuse a schedule that a training could not keep."""
        if late := [epoch for epoch in self.schedule if epoch > number_of_epochs]:
            raise InputError(f"`unfreeze` must name epochs up to {number_of_epochs}, got {late[0]}")
        if processes > 1 and set(self.schedule) - {1}:
            # DistributedDataParallel asks once which gradients to average.
            raise InputError("`unfreeze` after the first epoch works on one process alone; start without torchrun")

    def report(self) -> dict:
        """Where the weights come from and what is trained, ready for JSON; of a folder its name alone."""
        origin = vars(self.origin) | {"source": self.shown_source} if self.origin else None
        return {"origin": origin, "trained_from_epoch": {str(e): name or "all" for e, name in self.schedule.items()}}

    @property
    def shown_source(self) -> str:
        """The source without a path of this machine."""
        return self.origin.source if self.origin.commit else Path(self.origin.source).name

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
                f"{path}: began with {saved.origin or 'weights from nowhere'}, but now the source is "
                f"{self.origin or 'null'}; give another `output_folder`"
            )
        # What was frozen then is read again: a later epoch may have changed it.
        fill(self.module, Saved(self.origin, saved.complete, saved.tensors).state(), str(path))

    def _schedule(self, freeze, unfreeze):
        if not freeze:
            if unfreeze:
                raise InputError("`unfreeze` means something with `freeze: True` alone; leave one of them out")
            return {1: ""}
        if unfreeze is not None and not isinstance(unfreeze, Mapping):
            raise InputError(f"`unfreeze` must map epochs to blocks, such as {{3: mfa}}, got {unfreeze!r}")
        schedule = {whole("unfreeze", epoch, 1, 10**6): str(name) for epoch, name in (unfreeze or {}).items()}
        names = [name for name, _ in self.module.named_modules() if name]
        places = [names.index(one_of("unfreeze", schedule[epoch], names)) for epoch in sorted(schedule)]
        if places != sorted(set(places), reverse=True):
            raise InputError(f"`unfreeze` must go from the end of the model to its beginning, got {unfreeze}")
        return schedule


def _hash(origin):
    return origin and origin.sha256


def reason_to_embed_anew(pretrained: Pretrained, frontend: nn.Module, augmented: bool, fresh: bool) -> str | None:
    """Why embeddings cannot be computed once for the whole training; None if they can.

    Arguments
    ---------
    pretrained : Pretrained
        The embedding model.
    frontend : nn.Module
        What stands before it.
    augmented : bool
        Whether recordings are disturbed, drawn anew each time.
    fresh : bool
        Whether every epoch has recordings of its own.

    Returns
    -------
    str | None

    Example
    -------
    >>> reason_to_embed_anew(Pretrained(nn.Linear(1, 1), None), nn.Conv1d(1, 1, 1), augmented=False, fresh=False)
    'the front end learns'
    """
    reasons = {
        "the embedding model is trained": not pretrained.always_frozen,
        "the front end learns": any(weight.requires_grad for weight in frontend.parameters()),
        "recordings are disturbed anew each time": augmented,
        "every epoch has recordings of its own": fresh,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)

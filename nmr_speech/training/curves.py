"""Figures of every epoch, kept with the checkpoints, so that a resumed run has them all."""

import json
from pathlib import Path
from typing import Any

from speechbrain.utils.checkpoints import mark_as_loader, mark_as_saver, register_checkpoint_hooks


@register_checkpoint_hooks
class Curves:
    """Figures of the epochs so far, for a checkpointer and for the report.

    Example
    -------
    >>> curves, copy = Curves(), Curves()
    >>> curves.add({"epoch": 1, "valid": {"loss": 0.5}})
    >>> path = getfixture("tmp_path") / "curves.json"
    >>> curves.save(path)
    >>> copy.load(path, end_of_epoch=True)
    >>> copy.epochs
    [{'epoch': 1, 'valid': {'loss': 0.5}}]
    """

    def __init__(self) -> None:
        self.epochs: list[dict[str, Any]] = []

    def add(self, figures: dict[str, Any]) -> None:
        """Add the figures of one epoch, ready for JSON."""
        self.epochs.append(figures)

    @mark_as_saver
    def save(self, path: str | Path) -> None:
        """Write the figures to a file."""
        Path(path).write_text(json.dumps(self.epochs))

    @mark_as_loader
    def load(self, path: str | Path, end_of_epoch: bool) -> None:
        """Read the figures from a file."""
        self.epochs = json.loads(Path(path).read_text())

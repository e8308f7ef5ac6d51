"""The commands ``publish`` and ``publish-data``: from a folder here to a repository that was loaded back."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from nmr_speech.checks import InputError
from nmr_speech.corpus.dataset import COMPLETE
from nmr_speech.corpus.manifest import read_manifest
from nmr_speech.corpus.splits import SPLITS
from nmr_speech.hub.fetch import REPOSITORY, fetch
from nmr_speech.inference.classifier import AminoAcidClassifier
from nmr_speech.publish.bundle import CPU, compare, make_bundle, problems_of
from nmr_speech.publish.card import data_card
from nmr_speech.publish.upload import CARD, Target, difference, publish


def publish_model(
    results_folder: str | Path, target: Target, dataset: str | None = None, dry_run: bool = False, say: Callable = print
) -> str | None:
    """Publish the model of a results folder.

    Arguments
    ---------
    results_folder : str | Path
        ``output_folder`` of a finished training.
    target : Target
        Where to.
    dataset : str | None
        Hub data set that it was trained on, for the card.
    dry_run : bool
        Report what would change, and change nothing.
    say : Callable
        Takes the report, line by line.

    Returns
    -------
    str | None
        The commit; None after a dry run or a proposal.
    """
    if dataset and not REPOSITORY.fullmatch(dataset):
        raise InputError(f"`dataset` must be a Hub repository user/name, got {dataset!r}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_bundle(results_folder, folder, target.repository, dataset)
        files = {path.name: path for path in sorted(folder.iterdir())}
        files[CARD] = files[CARD].read_bytes()

        def load_back(revision):
            there = fetch(target.repository, revision, list(files))
            for name in set(files) - {CARD}:
                if (there / name).read_bytes() != files[name].read_bytes():
                    raise InputError(f"{target.repository}: {name} came back changed; run the same command again")
            compare(
                AminoAcidClassifier.from_hparams(folder, run_opts=CPU),
                AminoAcidClassifier.from_hparams(target.repository, revision=revision, run_opts=CPU),
                "loaded back from the Hub",
            )

        return publish(files, target, load_back, say, dry_run)


def publish_data(data_folder: str | Path, target: Target, dry_run: bool = False, say: Callable = print) -> str | None:
    """Publish a simulated data set; arguments as for `publish_model`."""
    folder = Path(data_folder)
    if not (folder / COMPLETE).is_file():
        raise InputError(f"{folder}: holds no {COMPLETE}, so it is no whole simulated data set; simulate it to its end")
    manifests = {name: read_manifest(folder / f"{name}.csv") for name in SPLITS}
    card = data_card(
        target.repository,
        json.loads((folder / COMPLETE).read_text()),
        {name: len(rows) for name, rows in manifests.items()},
    )
    names = [COMPLETE, *(f"{name}.csv" for name in SPLITS)]
    problems = [problem for name in names for problem in problems_of(folder / name, folder, names)]
    if problems:
        raise InputError(f"{folder}: not fit to be published: {'; '.join(problems)}")
    names += [_audio(row, folder) for rows in manifests.values() for row in rows]
    files = {name: folder / name for name in names} | {CARD: card.encode()}

    def load_back(revision):
        # Hashes tell; what was sent need not come back.
        at = Target(target.repository, target.kind, revision)
        if missing := set(difference(files, at).to_send) - {CARD}:
            raise InputError(f"{target.repository}: {missing.pop()} did not arrive whole; run the same command again")
        there = fetch(target.repository, revision, ["*.csv"], target.kind)
        for name, rows in manifests.items():
            if read_manifest(there / f"{name}.csv") != rows:
                raise InputError(f"{target.repository}: {name}.csv came back changed; run the same command again")

    return publish(files, target, load_back, say, dry_run)


def _audio(row, folder):
    prefix, _, name = row.wav.partition("/")
    if prefix != "$data_root" or ".." in name.split("/"):
        raise InputError(f"{folder}: {row.wav} of {row.ID} must begin with $data_root and lie in this folder")
    if not (folder / name).is_file():
        raise InputError(f"{folder}: {name} of {row.ID} is missing; simulate the data set again")
    return name

"""The commands ``publish`` and ``publish-data``: from a local folder to a repository whose files were loaded back."""

import tempfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from nmr_speech.checks import InputError, printable, quoted
from nmr_speech.corpus.dataset import COMPLETE
from nmr_speech.corpus.manifest import Row, read_manifest
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.corpus.splits import SPLITS
from nmr_speech.hub.fetch import REPOSITORY, fetch
from nmr_speech.inference.classifier import AminoAcidClassifier
from nmr_speech.publish.bundle import CPU, FILES, compare, make_bundle, names_in
from nmr_speech.publish.card import DESCRIPTION, data_card
from nmr_speech.publish.fit import own_file, recording, refuse_unfit
from nmr_speech.publish.upload import CARD, Say, Target, difference, publish
from nmr_speech.reading import read_json


def publish_model(
    results_folder: str | Path, target: Target, dataset: str | None = None, dry_run: bool = False, say: Say = print
) -> str | None:
    """Make a bundle of a results folder and publish it; see `publish_bundle`.

    Arguments
    ---------
    results_folder : str | Path
        ``output_folder`` of a finished training.
    target : Target
        Where to publish.
    dataset : str | None
        Hub data set that the model was trained on, for the card.
    dry_run : bool
        Report what would change, and change nothing.
    say : Callable[[str], Any]
        Receives the report, line by line.

    Returns
    -------
    str | None
        The commit; None after a dry run or a proposal.

    Example
    -------
    >>> publish_model("results", Target("user/amino"), dataset="spectra")
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `dataset` must be a Hub repository user/name, got 'spectra'
    """
    if dataset and not REPOSITORY.fullmatch(dataset):
        raise InputError(f"`dataset` must be a Hub repository user/name, got {quoted(dataset)}")
    with tempfile.TemporaryDirectory() as temporary:
        make_bundle(results_folder, temporary, target.repository, dataset)
        return publish_bundle(Path(temporary), target, dry_run, say)


def publish_bundle(folder: Path, target: Target, dry_run: bool = False, say: Say = print) -> str | None:
    """Publish a bundle, and check that the model loads back from the Hub unchanged.

    Arguments
    ---------
    folder : Path
        The bundle, as `nmr_speech.publish.bundle.make_bundle` writes it.
    target : Target
        Where to publish.
    dry_run : bool
        Report what would change, and change nothing.
    say : Callable[[str], Any]
        Receives the report, line by line.

    Returns
    -------
    str | None
        The commit; None after a dry run or a proposal.
    """
    refuse_unfit(folder, names_in(folder), FILES)
    paths = {name: own_file(folder, name) for name in names_in(folder)}

    def load_back(revision: str) -> None:
        remote = fetch(target.repository, revision, list(paths))
        for name in set(paths) - {CARD}:
            if (remote / name).read_bytes() != paths[name].read_bytes():
                raise InputError(f"{target.repository}: {name} came back changed; run the same command again")
        compare(
            AminoAcidClassifier.from_hparams(folder, run_opts=CPU),
            AminoAcidClassifier.from_hparams(target.repository, revision=revision, run_opts=CPU),
            "loaded back from the Hub",
        )

    return publish(paths | {CARD: paths[CARD].read_bytes()}, target, load_back, say, dry_run)


def publish_data(data_folder: str | Path, target: Target, dry_run: bool = False, say: Say = print) -> str | None:
    """Publish a simulated data set; arguments and result as for `publish_bundle`.

    Example
    -------
    >>> publish_data(getfixture("tmp_path"), Target("user/spectra", kind="dataset"))
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...: holds no dataset.json, so it is not a complete simulated data set; finish it...
    """
    folder = Path(data_folder)
    if not (folder / COMPLETE).is_file():
        raise InputError(
            f"{folder}: holds no {COMPLETE}, so it is not a complete simulated data set; finish its simulation first"
        )
    names = [COMPLETE, *(f"{name}.csv" for name in SPLITS)]
    refuse_unfit(folder, names, names)
    manifests = {name: read_manifest(folder / f"{name}.csv") for name in SPLITS}
    description = read_json(folder / COMPLETE, DESCRIPTION)
    _refuse_odd_plan(folder / COMPLETE, description["parameters"])
    card = data_card(
        target.repository,
        description,
        {name: len(rows) for name, rows in manifests.items()},
    )
    names += [_audio(row, folder) for rows in manifests.values() for row in rows]
    files: dict[str, Path | bytes] = {name: folder / name for name in names} | {CARD: card.encode()}

    def load_back(revision: str) -> None:
        # The Hub's hashes show what arrived, so the audio need not be downloaded.
        at = Target(target.repository, target.kind, revision)
        if missing := set(difference(files, at).to_send) - {CARD}:
            raise InputError(f"{target.repository}: {missing.pop()} has not arrived; run the same command again")
        remote = fetch(target.repository, revision, ["*.csv"], target.kind)
        for name, rows in manifests.items():
            if read_manifest(remote / f"{name}.csv") != rows:
                raise InputError(f"{target.repository}: {name}.csv came back changed; run the same command again")

    return publish(files, target, load_back, say, dry_run)


def _refuse_odd_plan(path: Path, parameters: Mapping[str, Any]) -> None:
    known = {field.name for field in fields(DatasetPlan)}
    try:
        DatasetPlan(**{key: value for key, value in parameters.items() if key in known})
    except (InputError, TypeError, ValueError, ArithmeticError) as error:
        raise InputError(f"{path}: `parameters` are not those of a data set: {printable(error, 600)}") from error


def _audio(row: Row, folder: Path) -> str:
    prefix, _, name = row.wav.partition("/")
    if prefix != "$data_root" or ".." in name.split("/"):
        raise InputError(f"{folder}: {row.wav} of {row.ID} must begin with $data_root and lie in this folder")
    if not (folder / name).exists():
        raise InputError(f"{folder}: {name} of {row.ID} is missing; simulate the data set again")
    recording(folder, name)
    return name

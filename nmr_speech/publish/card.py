"""Cards of models and data sets: contents, results and limits."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import DatasetCardData, EvalResult, ModelCardData

from nmr_speech.checks import InputError, quoted
from nmr_speech.files import write_whole
from nmr_speech.hub.safe_yaml import is_word
from nmr_speech.publish.templates import CITATION, DATA, EXAMPLE, MODEL
from nmr_speech.reading import Optional, count, number, read_json, text
from nmr_speech.score.classification import per_class_table

RESULTS = "results.json"
FIGURES = {
    "recordings": count, "accuracy": number, "accuracy_interval": [number], "macro_f1": number, "labels": [text],
    "confusion": [[count]],
}  # fmt: skip
SHAPE = {
    "test": FIGURES,
    "test_clean": Optional(FIGURES),
    "baseline": {"test": FIGURES},
    "mixtures": Optional({"average_precision": number, "none_named": number}),
    "calibration": Optional(
        {
            "temperature": number, "recordings": count,
            "test_cross_entropy_before": number, "test_cross_entropy": number,
        }
    ),
    "recordings": {str: count},
    "parameters": count,
    "seed": count,
    "commit": Optional(text),
    "versions": {"nmr_speech": text},
}  # fmt: skip
"""What a card needs of ``results.json``."""
DESCRIPTION = {
    "parameters": {
        "residues": [text], "experiment": {}, "nuisances": {}, "seed": count, "recordings_per_residue": Optional(count),
    },
    "nmr_speech": text,
}  # fmt: skip
"""What a card needs of ``dataset.json``."""
UNITS = {
    "field_mhz": "field, MHz (1H)",
    "carrier_ppm": "carrier, ppm",
    "spectral_width_hz": "spectral width, Hz",
    "mixing_time_s": "mixing time, s",
    "condition": "solvent (h2o, or d2o without exchangeable protons)",
    "shift_source": "chemical shifts (protein: BMRB statistics; free: free amino acids; predicted: of sequences)",
    "free_shift_std_ppm": "standard deviation of free shifts, ppm",
    "ph": "pH of free amino acids",
    "recordings_per_residue": "recordings per residue",
    "seed": "seed",
}


def read_results(folder: Path) -> dict[str, Any]:
    """Read the ``results.json`` of a training, and check that a card can be made of it.

    Arguments
    ---------
    folder : Path
        Results folder or bundle.

    Returns
    -------
    dict

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "results.json").write_text("{}")
    >>> read_results(folder)
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: ...results.json: the key `test` is missing
    """
    path = folder / RESULTS
    results = read_json(path, SHAPE, hint="let the training recipe finish first")
    for name, figures in (
        ("test", results["test"]),
        ("test_clean", results.get("test_clean")),
        ("baseline.test", results["baseline"]["test"]),
    ):
        if figures and not _is_sound(figures):
            raise InputError(f"{path}: `{name}` must hold two ends of an interval and a square table of its labels")
    words = (
        *results["recordings"],
        *results["test"]["labels"],
        results.get("commit") or "",
        results["versions"]["nmr_speech"],
    )
    if odd := [word for word in words if not is_word(word)]:
        raise InputError(f"{path}: names may hold only letters, digits, spaces and _ . , + -, got {quoted(odd[0])}")
    return results


def _is_sound(figures: Mapping[str, Any]) -> bool:
    n = len(figures["labels"])
    table = figures["confusion"]
    return len(figures["accuracy_interval"]) == 2 and len(table) == n and all(len(row) == n for row in table)


def write_card(folder: Path, repository: str, settings: Mapping[str, Any], dataset: str | None = None) -> None:
    """Write ``README.md`` of a bundle from its ``results.json``.

    Arguments
    ---------
    folder : Path
        The bundle.
    repository : str
        ``user/name`` of the repository.
    settings : Mapping
        From `nmr_speech.publish.bundle.settings_of`.
    dataset : str | None
        Hub data set that the model was trained on.
    """
    results = read_results(folder)
    simulated = not settings.get("skip_prep")
    experiment = dict(settings.get("experiment", {}))
    front = ModelCardData(
        license="apache-2.0",
        library_name="speechbrain",
        pipeline_tag="audio-classification",
        tags=["speechbrain", "nmr", "tocsy", "amino-acids", "speaker-recognition"],
        datasets=[dataset] if dataset else None,
        metrics=["accuracy", "f1"],
        model_name=repository.split("/")[1],
        eval_results=_metrics(results, dataset, simulated),
    )
    text = MODEL.format(
        name=repository.split("/")[1],
        repository=repository,
        labels=", ".join(settings["labels"]),
        n_labels=len(settings["labels"]),
        frontend=settings["frontend"],
        backbone=settings["backbone"],
        parameters=f"{results['parameters']:,}",
        recordings=results["test"]["recordings"],
        kind="simulated" if simulated else "user-supplied",
        bearing=", with nuisances drawn as in training" if "test_clean" in results else "",
        clean=_clean(results.get("test_clean")),
        network=_share(results["test"]),
        f1=results["test"]["macro_f1"],
        linear=_share(results["baseline"]["test"]),
        linear_f1=results["baseline"]["test"]["macro_f1"],
        calibrated=_calibrated(results.get("calibration")) + _mixtures(results.get("mixtures")),
        per_class=per_class_table(results["test"]),
        data=_training_data(results, settings, dataset),
        physics=_physics({**settings, **experiment}) if simulated else "",
        nuisances=_nuisances(
            settings.get("augmentation", settings.get("nuisances")),
            "Added to each training recording, drawn anew each time",
        ),
        seed=results["seed"],
        commit=results.get("commit") or "unknown",
        limit=_limit(simulated),
        version=results["versions"]["nmr_speech"],
        example=EXAMPLE if (folder / "example.wav").is_file() else "",
        citation=_citation(results["versions"]["nmr_speech"]),
    )
    write_whole(folder / "README.md", f"---\n{front.to_yaml()}\n---\n\n{text}".encode())


def data_card(repository: str, description: Mapping[str, Any], sizes: Mapping[str, int]) -> str:
    """Make the card of a data set.

    Arguments
    ---------
    repository : str
        ``user/name``.
    description : Mapping
        Contents of ``dataset.json``.
    sizes : Mapping[str, int]
        Number of recordings of each split.

    Returns
    -------
    str
        Markdown with a YAML header.

    Example
    -------
    >>> parameters = {"residues": ["GLY"], "experiment": {"mixing_time_s": 0.06}, "nuisances": {}, "seed": 1986}
    >>> card = data_card("user/spectra", {"parameters": parameters, "nmr_speech": "0.2.0"}, {"train": 8, "test": 2})
    >>> "1 residues, 8 for train, 2 for test" in card, "| mixing time, s | 0.06 |" in card
    (True, True)
    """
    parameters, n = description["parameters"], sum(sizes.values())
    front = DatasetCardData(
        license="apache-2.0",
        task_categories=["audio-classification"],
        tags=["nmr", "tocsy", "amino-acids", "audio", "simulated"],
        size_categories=_size(n),
        pretty_name=repository.split("/")[1],
        configs=[
            {
                "config_name": "manifests",
                "data_files": [
                    {"split": {"valid": "validation"}.get(name, name), "path": f"{name}.csv"} for name in sizes
                ],
            }
        ],
    )
    text = DATA.format(
        name=repository.split("/")[1],
        repository=repository,
        n=n,
        n_labels=len(parameters["residues"]),
        sizes=", ".join(f"{size} for {name}" for name, size in sizes.items()),
        labels=", ".join(parameters["residues"]),
        physics=_physics(parameters | parameters["experiment"]),
        nuisances=_nuisances(parameters["nuisances"], "Added to each recording"),
        seed=parameters["seed"],
        citation=_citation(description["nmr_speech"]),
    )
    return f"---\n{front.to_yaml()}\n---\n\n{text}"


def pinned(card: str, commit: str) -> str:
    """Return a card whose loading snippet names a commit in place of the main branch.

    Example
    -------
    >>> pinned('repository, revision = "user/name", "main"', "c0ffee")
    'repository, revision = "user/name", "c0ffee"'
    """
    return re.sub(r'^(repository, revision = "[^"]*", )"main"$', rf'\1"{commit}"', card, flags=re.MULTILINE)


def pinned_commit(card: str) -> str | None:
    """Return the commit that a card names; None if it names none.

    Example
    -------
    >>> pinned_commit(pinned('repository, revision = "user/name", "main"', 40 * "a")) == 40 * "a"
    True
    >>> pinned_commit('repository, revision = "user/name", "main"') is None
    True
    """
    found = re.search(r'^repository, revision = "[^"]*", "([0-9a-f]{40})"$', card, flags=re.MULTILINE)
    return found and found[1]


def _metrics(results: Mapping[str, Any], dataset: str | None, simulated: bool) -> list[EvalResult]:
    name = "simulated TOCSY recordings, test split" if simulated else "user-supplied recordings, test split"
    figures = {"accuracy": ("accuracy", "accuracy"), "f1": ("macro_f1", "macro F1")}
    return [
        EvalResult(
            task_type="audio-classification",
            dataset_type=dataset or "simulated-tocsy",
            dataset_name=name,
            dataset_split="test",
            metric_type=kind,
            metric_name=label,
            metric_value=round(results["test"][key], 4),
        )
        for kind, (key, label) in figures.items()
    ]


def _share(figures: Mapping[str, Any]) -> str:
    low, high = (100 * bound for bound in figures["accuracy_interval"])
    return f"{figures['accuracy']:.1%} ({low:.1f} to {high:.1f})"


def _clean(figures: Mapping[str, Any] | None) -> str:
    return f"\n| this model, without nuisances | {_share(figures)} | {figures['macro_f1']:.3f} |" if figures else ""


def _mixtures(figures: Mapping[str, Any] | None) -> str:
    if not figures:
        return ""
    return (
        f"\n\nIt also detects several residues or none: of mixtures of one to five the average precision is "
        f"{figures['average_precision']:.3f}; of tubes without any residue {figures['none_named']:.1%} are named."
    )


def _calibrated(calibration: Mapping[str, Any] | None) -> str:
    if not calibration:
        return "The probabilities are not calibrated."
    before, after = calibration["test_cross_entropy_before"], calibration["test_cross_entropy"]
    return (
        f"The probabilities are calibrated by a temperature of {calibration['temperature']:.3f}, fitted on "
        f"{calibration['recordings']} recordings of the validation split: cross-entropy on the test split "
        f"{before:.3f} before, {after:.3f} after."
    )


def _training_data(results: Mapping[str, Any], settings: Mapping[str, Any], dataset: str | None) -> str:
    counts = ", ".join(f"{n} for {split}" for split, n in results["recordings"].items())
    where = f", [{dataset}](https://huggingface.co/datasets/{dataset})" if dataset else ""
    if settings.get("skip_prep"):
        return f"User-supplied recordings ({counts}){where}."
    fresh = settings.get("fresh_recordings_per_residue")
    more = f" In each epoch, {fresh} new recordings of each residue were simulated." if fresh else ""
    how = "exact spin dynamics, ideal mixing unless stated otherwise"
    return f"Simulated from first principles ({counts}){where}: {how}.{more}"


def _physics(settings: Mapping[str, Any]) -> str:
    if settings.get("shift_source") != "free":
        settings = {key: value for key, value in settings.items() if key not in ("free_shift_std_ppm", "ph")}
    rows = [f"| {words} | {settings[key]} |" for key, words in UNITS.items() if key in settings]
    rows += [
        f"| {key} | {value} |"
        for key, value in settings.get("experiment", {}).items()
        if key not in UNITS and value is not None
    ]
    return "\n".join(["| parameter | value |", "|---|---|", *rows]) + "\n"


def _nuisances(nuisances: Mapping[str, Any] | None, where: str) -> str:
    return f"\n{where}: {json.dumps(nuisances)}.\n" if nuisances else ""


def _limit(simulated: bool) -> str:
    if simulated:
        return "It was trained and tested on simulated recordings only; its accuracy on measured spectra is unknown."
    return "The results hold for recordings like the user-supplied test recordings."


def _size(n: int) -> str:
    bounds = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M"}
    return next((name for bound, name in bounds.items() if n < bound), "1M<n<10M")


def _citation(version: str) -> str:
    return CITATION.replace("VERSION", version)

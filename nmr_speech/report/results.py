"""What a run leaves for its reader: ``results.json``, a headline, tables and pictures."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nmr_speech.corpus.trials import Trials, write_trials
from nmr_speech.files import write_whole
from nmr_speech.report.figures import plot_confusion, plot_det, plot_histogram
from nmr_speech.report.provenance import provenance
from nmr_speech.report.spectra import plot_recording
from nmr_speech.score.classification import per_class_table
from nmr_speech.score.detection import det_curve
from nmr_speech.simulate.acquisition import Acquisition


def write_results(
    folder: str | Path,
    hparams: Mapping[str, Any],
    figures: Mapping[str, Any],
    headline: Callable[[dict], str],
    files: Sequence[str] = (),
) -> dict:
    """Write ``results.json`` and print what it says and what lies beside it.

    Arguments
    ---------
    folder : str | Path
        Folder to write to; it is made if it does not exist.
    hparams : Mapping[str, Any]
        The recipe's hyperparameters: ``seed`` and, where there are any, ``modules`` to count the parameters of.
    figures : Mapping[str, Any]
        What the run has found, ready for JSON.
    headline : Callable[[dict], str]
        Makes the lines to print from what is written.
    files : Sequence[str]
        Names of the other files that the run has left in the folder.

    Returns
    -------
    dict
        What was written: the figures, ``parameters`` (their number), ``seed`` and `provenance`.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> results = write_results(folder, {"seed": 1}, {"rlne": 0.1}, lambda r: f"RLNE {r['rlne']}", ["curves.png"])
    RLNE 0.1
    results.json and curves.png are in ...
    >>> json.loads((folder / "results.json").read_text()) == results
    True
    """
    parameters = {"parameters": count_parameters(hparams["modules"])} if "modules" in hparams else {}
    results = {**figures, **parameters, "seed": hparams["seed"], **provenance()}
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # Last of all files: where it is, the run has ended.
    write_whole(folder / "results.json", (json.dumps(results, indent=2) + "\n").encode())
    print(headline(results))
    *most, last = ["results.json", *files]
    print(f"{', '.join(most)} and {last} are in {folder}" if most else f"{last} is in {folder}")
    return results


def count_parameters(modules: Mapping[str, Any]) -> int:
    """Count the weights of all modules, frozen ones included.

    Arguments
    ---------
    modules : Mapping[str, torch.nn.Module]
        Modules by name.

    Returns
    -------
    int
        Number of weights.

    Example
    -------
    >>> from torch import nn
    >>> count_parameters({"classifier": nn.Linear(3, 2)})
    8
    """
    return sum(weight.numel() for module in modules.values() for weight in module.parameters())


def write_classification(
    hparams: Mapping[str, Any],
    scores: Mapping[str, dict],
    datasets: Mapping[str, Any],
    seconds: Mapping[str, float],
    resumed: bool,
) -> None:
    """Write the report of a classifier to ``output_folder`` and print its headline.

    Arguments
    ---------
    hparams : Mapping[str, Any]
        The recipe's hyperparameters.
    scores : Mapping[str, dict]
        ``test`` and ``baseline``: figures of the network and of the linear classifier on the test split; see
        `nmr_speech.score.classification.summarise`. ``calibration``: see `nmr_speech.score.calibration.calibrate`.
        ``pretrained``, if there: see `nmr_speech.training.transfer.Pretrained.report`.
        ``test_clean``, if there: figures of the network on the test split without nuisances.
    datasets : Mapping[str, Any]
        Data sets by split; an item of ``test`` has ``id`` and ``sig``, the waveform (T, 4).
    seconds : Mapping[str, float]
        Duration of each stage of this process; see `nmr_speech.training.script.Clock`.
    resumed : bool
        Whether the run resumed an earlier one, so that ``seconds`` do not cover the whole training.
    """
    folder, test = Path(hparams["output_folder"]), scores["test"]
    # Keys in the order in which a reader wants them.
    figures = {
        "test": test,
        **({"test_clean": scores["test_clean"]} if "test_clean" in scores else {}),
        "baseline": {"name": "logistic regression on the pooled 2D magnitude spectrum", "test": scores["baseline"]},
        "calibration": scores["calibration"],
        "pretrained": scores.get("pretrained"),
        "recordings": {split: len(dataset) for split, dataset in datasets.items()},
        "resumed": resumed,
        "seconds": dict(seconds),
    }
    write_whole(folder / "per_class.md", (per_class_table(test) + "\n").encode())
    plot_confusion(test, folder / "confusion.png")
    first, acquisition = datasets["test"][0], Acquisition(**hparams["experiment"])
    # Recordings that the user brings may be measured ones.
    title = first["id"] if hparams["skip_prep"] else f"{first['id']}, simulated TOCSY"
    plot_recording(first["sig"], title, folder / "recording.png", acquisition.f2, acquisition.f1)
    write_results(folder, hparams, figures, headline, ["per_class.md", "confusion.png", "recording.png"])


def write_verification(
    hparams: Mapping[str, Any], trials: Trials, llrs: np.ndarray, figures: Mapping[str, Any]
) -> None:
    """Write trials, scores, pictures and figures of a verification to ``output_folder`` and print its headline.

    Arguments
    ---------
    hparams : Mapping[str, Any]
        The recipe's hyperparameters: ``output_folder`` and ``seed``.
    trials : Trials
        The list.
    llrs : np.ndarray
        Calibrated natural log-likelihood ratio of each trial, (trials,).
    figures : Mapping[str, Any]
        What `nmr_speech.score.uncertainty.bootstrap` gives, ``eer_threshold``, ``trials`` (numbers of ``target`` and
        ``nontarget`` ones), and whatever else is to be written.
    """
    folder = Path(hparams["output_folder"])
    folder.mkdir(parents=True, exist_ok=True)
    write_trials(folder / "trials.txt", trials)
    lines = (f"{trials.name(i)} {int(trials.is_target[i])} {llr:.6f}\n" for i, llr in enumerate(llrs))
    write_whole(folder / "scores.txt", "".join(lines).encode())
    target, nontarget = trials.split(llrs)
    plot_det(det_curve(target, nontarget), folder / "det.png")
    plot_histogram(target, nontarget, figures["eer_threshold"], folder / "histogram.png")
    files = ["scores.txt", "trials.txt", "det.png", "histogram.png"]
    write_results(folder, hparams, figures, verification_headline, files)


def verification_headline(results: dict) -> str:
    """Give the figures of a verification with their intervals, a line each.

    Arguments
    ---------
    results : dict
        ``trials`` and figures of a ``results.json``; rates are shares from 0 to 1, Cllr is in bits.

    Returns
    -------
    str

    Example
    -------
    >>> one = {"value": 0.1, "low": 0.05, "high": 0.2}
    >>> figures = {name: one for name in ("eer", "min_dcf", "cllr", "min_cllr")}
    >>> print(verification_headline({"trials": {"target": 3, "nontarget": 7}} | figures))
    3 target and 7 non-target trials
    EER     0.1000 (95% interval 0.0500 to 0.2000)
    minDCF  0.1000 (95% interval 0.0500 to 0.2000)
    Cllr    0.1000 (95% interval 0.0500 to 0.2000)
    minCllr 0.1000 (95% interval 0.0500 to 0.2000)
    """
    lines = ["{target} target and {nontarget} non-target trials".format(**results["trials"])]
    for name, label in (("eer", "EER"), ("min_dcf", "minDCF"), ("cllr", "Cllr"), ("min_cllr", "minCllr")):
        figure = results[name]
        # Few trials, or none that went wrong, give no interval.
        form = "{value:.4f} (95% interval {low:.4f} to {high:.4f})" if figure["low"] is not None else "{value:.4f}"
        lines.append(f"{label:8}{form.format(**figure)}")
    return "\n".join(lines)


def headline(results: dict) -> str:
    """Give the result of a classifier in two lines.

    Arguments
    ---------
    results : dict
        ``test``, ``baseline`` and ``parameters`` of a ``results.json``; accuracies are shares from 0 to 1.

    Returns
    -------
    str

    Example
    -------
    >>> one = {"recordings": 10, "accuracy": 0.9, "accuracy_interval": [0.6, 0.98], "macro_f1": 0.88}
    >>> print(headline({"test": one, "baseline": {"test": one | {"accuracy": 0.8}}, "parameters": 1000}))
    test accuracy    90.0% (95% interval 60.0 to 98.0) of 10 recordings, macro F1 0.880, 1000 parameters
    linear baseline  80.0% (95% interval 60.0 to 98.0) on the same recordings
    """
    network, linear = results["test"], results["baseline"]["test"]
    interval = "(95% interval {:.1f} to {:.1f})"
    network_interval, linear_interval = (
        interval.format(*(100 * b for b in one["accuracy_interval"])) for one in (network, linear)
    )
    return (
        f"test accuracy    {network['accuracy']:.1%} {network_interval} of {network['recordings']} recordings, "
        f"macro F1 {network['macro_f1']:.3f}, {results['parameters']} parameters\n"
        f"linear baseline  {linear['accuracy']:.1%} {linear_interval} on the same recordings"
    )

"""What a training run leaves for its reader: ``results.json``, a table, two pictures."""

import json
from pathlib import Path

from nmr_speech.files import write_whole
from nmr_speech.report.figures import plot_confusion, plot_recording
from nmr_speech.report.provenance import provenance
from nmr_speech.score.classification import per_class_table
from nmr_speech.simulate import ppm_axis


def write_report(hparams: dict, scores: dict[str, dict], datasets: dict, seconds: dict[str, float], resumed: bool):
    """Write the report of a classifier to ``output_folder`` and print its headline.

    Arguments
    ---------
    hparams : dict
        The recipe's hyperparameters.
    scores : dict[str, dict]
        ``test`` and ``baseline``: figures of the network and of the linear classifier on the test split; see
        `nmr_speech.score.classification.summarise`. ``calibration``: see `nmr_speech.score.calibration.calibrate`.
        ``pretrained``, if there: see `nmr_speech.training.transfer.Pretrained.report`.
        ``test_clean``: figures of the network without nuisances, where the test split bears some.
    datasets : dict
        The data sets, by split.
    seconds : dict[str, float]
        Duration of each stage in this process.
    resumed : bool
        Whether a run before had trained already, so that ``seconds`` are not those of the whole training.
    """
    folder, test = Path(hparams["output_folder"]), scores["test"]
    results = {
        "test": test,
        **({"test_clean": scores["test_clean"]} if "test_clean" in scores else {}),
        "baseline": {"name": "logistic regression on the pooled 2D magnitude spectrum", "test": scores["baseline"]},
        "calibration": scores["calibration"],
        "pretrained": scores.get("pretrained"),
        "recordings": {split: len(dataset) for split, dataset in datasets.items()},
        "parameters": sum(weight.numel() for module in hparams["modules"].values() for weight in module.parameters()),
        "seed": hparams["seed"],
        "resumed": resumed,
        "seconds": {stage: round(duration, 2) for stage, duration in seconds.items()},
        **provenance(),
    }
    write_whole(folder / "per_class.md", (per_class_table(test) + "\n").encode())
    plot_confusion(test, folder / "confusion.png")
    first = datasets["test"][0]
    experiment = hparams["experiment"]
    ppm = ppm_axis(256, *(experiment[key] for key in ("spectral_width_hz", "carrier_ppm", "field_mhz"))).numpy()
    title = first["id"] if hparams["skip_prep"] else f"{first['id']}, simulated TOCSY"
    plot_recording(first["sig"], title, folder / "recording.png", ppm)
    write_whole(folder / "results.json", (json.dumps(results, indent=2) + "\n").encode())
    print(headline(results))
    print(f"results.json, per_class.md, confusion.png and recording.png are in {folder}")


def headline(results: dict) -> str:
    """The result in two lines.

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

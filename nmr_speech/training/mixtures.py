"""What the recipe for measured spectra calls: its keys and checks, its data sets, and the outputs of its model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from nmr_speech.checks import InputError, in_range, one_of, quoted, whole
from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.models.heads import MixtureHead
from nmr_speech.training.baselines import INVERSE_PENALTY, pooled_spectrum
from nmr_speech.training.launch import count_workers, process_count
from nmr_speech.training.objects import check_objects
from nmr_speech.training.replay import MOST_USES
from nmr_speech.training.tubes import Pool, Steps, Tubes, check_shares

SPLITS = ("train", "valid", "calibration", "test")
SAMPLE = ("residues", "condition", "shift_source", "free_shift_std_ppm", "ph")
KEYS = (
    *("seed", "data_seed", "data_folder", "output_folder", "simulation_workers", "recordings_per_residue"),
    *(*SAMPLE, "experiment", "foreign", "shares", "clean_share", "augmentation", "evaluation_nuisances"),
    *("frontend", "backbone", "pretrained_source", "classifier", "modules", "weights"),
    *(
        "steps_per_epoch",
        "number_of_epochs",
        "uses",
        "batch_size",
        "evaluation_steps",
        "baseline_steps",
        "loader_workers",
        "lr",
        "warmup_share",
    ),
    *("opt_class", "epoch_counter", "train_logger", "checkpointer"),
)
LOSSES = ("presence", "ranking", "amount", "experiment")
FOREIGN_SHARE = 8
"""There are so many recordings of the TOCSY for each one of another experiment."""
FEWEST = 3


def check(hparams: Mapping[str, Any]) -> None:
    """Refuse values that cannot be used.

    Example
    -------
    >>> check({"evaluation_steps": {"valid": 10}, "recordings_per_residue": {"train": 10}})
    Traceback (most recent call last):
    ...
    nmr_speech.checks.InputError: `recordings_per_residue` must hold train, valid, calibration, test; got train
    """
    if process_count() > 1:
        raise InputError("this recipe trains on one process, got WORLD_SIZE above 1; start it without torchrun")
    _names("recordings_per_residue", hparams["recordings_per_residue"], SPLITS)
    _names("evaluation_steps", hparams["evaluation_steps"], SPLITS[1:])
    _names("weights", hparams["weights"], LOSSES)
    check_objects(hparams)
    if not isinstance(hparams["classifier"], MixtureHead):
        raise InputError("`classifier` must be a MixtureHead as in measured.yaml, which detects several residues")
    for name in ("number_of_epochs", "steps_per_epoch", "batch_size", "baseline_steps"):
        whole(name, hparams[name], 1, 10**8)
    whole("uses", hparams["uses"], 1, MOST_USES)
    if any(weight.requires_grad for weight in hparams["frontend"]["module"].parameters()):
        raise InputError(
            "`frontend` must have fixed filters, for its features are kept; set its learning_rate_scale to 0"
        )
    whole("data_seed", hparams["data_seed"], 0, 2**62)
    whole("loader_workers", hparams["loader_workers"], 0, 1024)
    in_range("warmup_share", hparams["warmup_share"], 0, 1, "of all steps", "0.15")
    check_shares(hparams["shares"])
    for split in SPLITS:
        plans_of(split, hparams)


def _names(key, given, names):
    if not isinstance(given, Mapping) or set(given) != set(names):
        got = ", ".join(map(str, given)) if isinstance(given, Mapping) else quoted(given)
        raise InputError(f"`{key}` must hold {', '.join(names)}; got {got}")


def plans_of(split: str, hparams: Mapping[str, Any]) -> dict[str, DatasetPlan]:
    """Plan the recordings of a split: those of the TOCSY by its name, and fewer of each foreign experiment.

    Arguments
    ---------
    split : str
        "train", "valid", "calibration" or "test".
    hparams : Mapping[str, Any]
        The recipe's hyperparameters.

    Returns
    -------
    dict[str, DatasetPlan]
        By name of the folder; each has a seed of its own, so no condition is in two splits.

    Example
    -------
    >>> settings = {"residues": ["GLY"], "condition": "d2o", "shift_source": "free", "free_shift_std_ppm": 0.04}
    >>> settings |= {"ph": [6.0, 8.0], "experiment": {}, "data_seed": 5, "recordings_per_residue": {"valid": 32}}
    >>> plans = plans_of("valid", settings | {"foreign": {"unmixed": {"mixing_time_s": 0.0}}})
    >>> {name: (plan.seed, plan.recordings_per_residue) for name, plan in plans.items()}
    {'valid': (6, 32), 'valid_unmixed': (10, 4)}
    """
    number = SPLITS.index(one_of("split", split, SPLITS))
    count = whole(f"recordings_per_residue.{split}", hparams["recordings_per_residue"][split], FEWEST, 10**6)
    experiments = {split: {}} | {f"{split}_{name}": own for name, own in hparams["foreign"].items()}
    return {
        name: DatasetPlan(
            hparams["data_seed"] + number + len(SPLITS) * k,
            recordings_per_residue=count if k == 0 else max(FEWEST, count // FOREIGN_SHARE),
            experiment=dict(hparams["experiment"]) | dict(own),
            **{key: hparams[key] for key in SAMPLE},
        )
        for k, (name, own) in enumerate(experiments.items())
    }


def prepare(hparams: Mapping[str, Any]) -> dict[str, list[Pool]]:
    """Simulate what is not there yet, and read all of it into memory: for each split its TOCSY, then the others."""
    folder, workers = hparams["data_folder"], count_workers(hparams["simulation_workers"])
    pools = {}
    for split in SPLITS:
        plans = plans_of(split, hparams)
        for name, plan in plans.items():
            build_dataset(f"{folder}/{name}", plan, workers)
        pools[split] = [Pool(f"{folder}/{name}", plan) for name, plan in plans.items()]
    return pools


def tubes_of(split: str, hparams: Mapping[str, Any], pools: Mapping[str, list[Pool]]) -> Tubes:
    """Make what draws the tubes of a split.

    Only those of the training may have no nuisances. The other molecules of a test are in no other split; validation
    and calibration share theirs, which were not trained on. Calibration and test simulate them exactly.
    """
    own, *foreign = pools[split]
    part = split if split in ("train", "test") else "valid"
    clean_share = hparams["clean_share"] if split == "train" else 0.0
    exact = split in ("calibration", "test")
    nuisances = hparams["augmentation" if split == "train" else "evaluation_nuisances"]
    return Tubes(own, foreign, part, hparams["shares"], nuisances, clean_share, exact)


def steps_of(split: str, tubes: Tubes, hparams: Mapping[str, Any]) -> Steps:
    """Make the steps of an epoch of training, or of an evaluation, which are the same every time."""
    size, number = hparams["batch_size"], SPLITS.index(split)
    if split == "train":
        counter, frontend = hparams["epoch_counter"], hparams["frontend"]["module"]
        return Steps(tubes, hparams["steps_per_epoch"], size, hparams["seed"], counter, frontend)
    # By the seed of the data, so that trainings of several seeds are scored on the same tubes.
    return Steps(tubes, hparams["evaluation_steps"][split], size, hparams["data_seed"] + 10**6 * number)


def linear_baseline(train: Steps, test: Steps, n: int) -> "Outputs":
    """Learn from ``n`` steps like those of a training by logistic regression, and give its outputs for test tubes.

    One regression tells which residue a pure tube holds, and one for each residue whether it is there; both see the
    pooled spectrum of `nmr_speech.training.baselines.pooled_spectrum`. It does not tell the experiment.
    """
    batches = [train.tubes(train.batch_size, (train.seed, 0, k)) for k in range(n)]  # epochs begin at 1
    features = torch.cat([pooled_spectrum(batch["sig"]) for batch in batches]).numpy()
    amounts, is_tocsy, is_pure = (
        torch.cat([batch[name] for batch in batches]).numpy() for name in ("amounts", "is_tocsy", "is_pure")
    )
    chosen, settings = is_tocsy > 0, {"C": INVERSE_PENALTY, "max_iter": 500}
    detectors = [LogisticRegression(**settings).fit(features[chosen], there) for there in (amounts[chosen] > 0).T]
    ranker = LogisticRegression(**settings).fit(features[is_pure], amounts[is_pure].argmax(1))
    outputs = Outputs()
    for batch in (test[k] for k in range(len(test))):
        found = pooled_spectrum(batch["sig"]).numpy()
        ranking = np.full((len(found), amounts.shape[1]), -np.inf, dtype=np.float32)
        ranking[:, ranker.classes_] = ranker.predict_log_proba(found)
        detected = np.stack([detector.decision_function(found) for detector in detectors], 1)
        outputs.keep(torch.from_numpy(detected), torch.from_numpy(ranking), batch)
    return outputs


class Outputs:
    """Outputs of a model for tubes, batch after batch, with what was in them.

    Example
    -------
    >>> outputs, batch = Outputs(), {"amounts": torch.eye(2), "is_tocsy": torch.ones(2), "is_pure": torch.ones(2) > 0}
    >>> outputs.add(MixtureHead(4, 2), torch.zeros(2, 4), batch)
    >>> {name: values.shape for name, values in outputs.arrays().items()}
    {'log_odds': (2, 2), 'amounts': (2, 2), 'ranked': (2,), 'is_pure': (2,), 'is_tocsy': (2,)}
    """

    def __init__(self) -> None:
        self._parts: list[tuple[torch.Tensor, ...]] = []

    def keep(self, detected: torch.Tensor, ranking: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> None:
        """Add log-odds and logits (B, S) of a batch, of a model that knows nothing else."""
        blank = torch.zeros_like(detected)
        truth = (batch["amounts"], batch["is_tocsy"] > 0, batch["is_pure"])
        self._parts.append((detected, ranking, blank[:, 0], blank, *truth))

    def add(self, head: MixtureHead, embeddings: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> None:
        """Add the outputs for embeddings (B, D) of a batch."""
        with torch.no_grad():
            found = (head.detect(embeddings), head(embeddings), head.is_tocsy(embeddings), head.log_amounts(embeddings))
        truth = (batch["amounts"], batch["is_tocsy"] > 0, batch["is_pure"])
        self._parts.append(tuple(part.detach().cpu() for part in (*found, *truth)))

    def _column(self, number: int) -> np.ndarray:
        return torch.cat([part[number] for part in self._parts]).numpy()

    def ranking(self) -> np.ndarray:
        """Logits of one pure residue, (tubes, residues)."""
        return self._column(1)

    def experiment(self) -> np.ndarray:
        """Log-odds, not calibrated, that the experiment is a TOCSY, (tubes,)."""
        return self._column(2)

    def pure(self) -> tuple[np.ndarray, np.ndarray]:
        """Logits and numbers of the residues of pure tubes, (pure, residues) and (pure,)."""
        chosen = self._column(6) & self._column(5)
        return self.ranking()[chosen], self._column(4)[chosen].argmax(1)

    def log_amounts(self) -> np.ndarray:
        """Decadic logarithms of the estimated amounts, (tubes, residues)."""
        return self._column(3)

    def arrays(self, slope: float = 1.0, offset: float = 0.0) -> dict[str, np.ndarray]:
        """Return the arguments of `nmr_speech.score.mixtures.presence_figures`, with calibrated log-odds."""
        return {
            "log_odds": slope * self._column(0).astype(np.float64) + offset,
            "amounts": self._column(4),
            "ranked": self.ranking().argmax(1),
            "is_pure": self._column(6),
            "is_tocsy": self._column(5),
        }

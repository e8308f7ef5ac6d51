"""Train the recipe for measured spectra on several seeds, and classify a measured spectrum with each model.

> python -m benchmarks.measured.run [seed ...]

Beside it stand the template matcher, and the accuracy of each model on recordings simulated at other fields and mixing
times than those of its training. Rerun the command to resume a training in results/experimental.
"""

import argparse
import json
from dataclasses import replace

import torch

from benchmarks.common import ROOT, WORK, Results, results_path, run_recipe
from nmr_speech.corpus import stack_fid
from nmr_speech.inference.domain_check import training_data
from nmr_speech.inference.load import load_classifier
from nmr_speech.simulate import draw_recording
from nmr_speech.spectrometer import find_reference, read_experiment, to_grid
from nmr_speech.testing.data import reference_data
from nmr_speech.training.augment import Augmentation
from nmr_speech.training.baselines import classify_by_template
from nmr_speech.training.dataio import AugmentedRecordings, load_datasets

SEEDS = (1986, 1987, 1988)
MEASURED = {"VAL": "valine"}
OFFSETS_PPM = (-0.2, -0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15, 0.2)  # from the reference
OTHER = {
    "as trained": {},
    **{f"{field} MHz": {"field_mhz": float(field), "spectral_width_hz": 12.0 * field} for field in (400, 500, 800)},
    **{f"mixing {ms} ms": {"mixing_time_s": ms / 1000} for ms in (30, 45, 80, 120)},
}
RECORDINGS = 6  # of each residue, in each of them
NEW = 10**6  # their first number, which no training has


def main():
    """Train and rank for each seed, one after the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seeds", nargs="*", type=int, default=SEEDS, help="of the trainings")
    results = Results(results_path("measured"))
    for seed in parser.parse_args().seeds:
        results.keep(str(seed), measure, seed)


def measure(seed):
    """Train unless that was done; the training's figures and those of measured spectra."""
    folder = WORK / "experimental" / str(seed)
    if not (folder / "results.json").is_file():
        options = f"--seed={seed}", f"--output_folder={folder}", "--noprogressbar"
        run_recipe("AminoAcidTOCSY/SpeakerRec/train.py", "experimental.yaml", *options)
    return json.loads((folder / "results.json").read_text()) | rank(folder, seed)


def rank(folder, seed):
    """Figures of a model on measured spectra, and on simulated ones with other fields and mixing times."""
    model = load_classifier(str(folder))
    training = training_data(model)
    data_folder = ROOT / "data" / "experimental" / str(seed)
    names = list(model.labels.lab2ind)
    clean, _ = load_datasets({name: data_folder / f"{name}.csv" for name in ("train", "test")}, data_folder, names)
    measured = {
        residue: place(model, clean["train"], reference_data(name), residue) for residue, name in MEASURED.items()
    }
    augment = Augmentation(training.nuisances, vars(training.acquisition))
    disturbed = AugmentedRecordings(clean["test"], augment, seed)
    true, predicted = classify_by_template(clean["train"], disturbed)
    template = {"test": float((true == predicted).mean()), "recordings": len(true)}
    other = {name: accuracy(model, training, seed, changes) for name, changes in OTHER.items()}
    return {"measured": measured, "template": template, "other": other, "recordings_each": RECORDINGS}


def place(model, train_set, path, residue):
    """Rank of a residue in a measured spectrum: referenced, as the file is, and shifted; and of its template."""
    experiment = read_experiment(path)
    reference_ppm = find_reference(experiment)
    shifts_ppm = {"referenced": reference_ppm, "not referenced": 0.0}
    shifts_ppm |= {f"{offset:+.2f} ppm": reference_ppm + offset for offset in OFFSETS_PPM}
    rows = {}
    for name, shift_ppm in shifts_ppm.items():
        wav = stack_fid(to_grid(experiment, shift_ppm=shift_ppm).fid)[0]
        probabilities = model.log_probabilities(wav[None])[0].exp()
        own = model.labels.encode_label(residue)
        item = {"sig": wav, "spk_id_encoded": own}
        templates = {
            f"template, search {search_ppm:g} ppm": classify_by_template(train_set, [item], search_ppm)[1][0] == own
            for search_ppm in ((0.3, 0.0) if not name.endswith("ppm") else ())
        }
        rows[name] = {
            "rank": int((probabilities > probabilities[own]).sum()) + 1,
            "probability": float(probabilities[own]),
            "first": model.labels.decode_ndim(int(probabilities.argmax())),
            **{key: bool(right) for key, right in templates.items()},
        }
        print(residue, name, rows[name], flush=True)
    return {"reference_ppm": reference_ppm, "shifts": rows}


@torch.inference_mode()
def accuracy(model, training, seed, changes):
    """Accuracy on new recordings, disturbed as in training, with another field or mixing time."""
    acquisition = replace(training.acquisition, **changes)
    experiment = vars(training.sample) | vars(acquisition)
    disturb, hits = Augmentation(training.nuisances, vars(acquisition)), []
    for residue in model.labels.lab2ind:
        drawn = [draw_recording(residue, seed, NEW + i, **experiment).fid for i in range(RECORDINGS)]
        items = [{"id": f"{residue}_{i}", "sig": stack_fid(fid)[0], "spk_id_encoded": 0} for i, fid in enumerate(drawn)]
        wavs = torch.stack([item["sig"] for item in AugmentedRecordings(items, disturb, seed)])
        hits.append(model.log_probabilities(wavs).argmax(1) == model.labels.encode_label(residue))
    share = float(torch.cat(hits).float().mean())
    print(changes, share, flush=True)
    return share


if __name__ == "__main__":
    main()

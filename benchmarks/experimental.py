#!/usr/bin/env python3
"""Train the recipe for measured spectra on several seeds, and let each model name a spectrum that was measured.

> python benchmarks/experimental.py [--data ../shared/data] [seed ...]

Beside it stands the template matcher, and how each model does on recordings simulated at other fields and mixing times
than those of its training. What stands in benchmarks/results already is left out; a training that was interrupted goes
on in results/experimental. The measured spectrum is no part of the repository; the folder of reference data has it.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from nmr_speech.corpus import stack_fid
from nmr_speech.inference.domain_check import training_data
from nmr_speech.inference.load import load_classifier
from nmr_speech.simulate import draw_recording
from nmr_speech.spectrometer import find_reference, read_experiment, to_grid
from nmr_speech.testing.published import DATA
from nmr_speech.training.augment import Nuisances
from nmr_speech.training.baselines import name_by_template
from nmr_speech.training.dataio import Disturbed, load_datasets

RESULTS = ROOT / "benchmarks" / "results" / "experimental.json"
SEEDS = (1986, 1987, 1988)
MEASURED = {"VAL": "real/L-Valine_TOCSY"}
OFFSETS_PPM = (-0.2, -0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15, 0.2)  # from the reference
OTHER = {
    "as trained": {},
    **{f"{field} MHz": {"field_mhz": float(field), "spectral_width_hz": 12.0 * field} for field in (400, 500, 800)},
    **{f"mixing {ms} ms": {"mixing_time_s": ms / 1000} for ms in (30, 45, 80, 120)},
}
RECORDINGS = 6  # of each residue, in each of them
NEW = 10**6  # their first number, which no training has


def main(arguments):
    """Train and rank for each seed, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("seeds", nargs="*", type=int, default=SEEDS)
    options = parser.parse_args(arguments)
    if missing := [path for path in MEASURED.values() if not (options.data / path).exists()]:
        sys.exit(f"{options.data}: holds no {missing[0]}; give the folder of reference data as --data")
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for seed in options.seeds:
        if str(seed) not in results:
            folder = train(seed)
            results[str(seed)] = json.loads((folder / "results.json").read_text()) | rank(folder, seed, options.data)
            RESULTS.write_text(json.dumps(results, indent=1) + "\n")


def train(seed):
    """Run the recipe, or go on with it; return its results folder."""
    folder = ROOT / "results" / "experimental" / str(seed)
    recipe = [ROOT / "recipes/AminoAcidTOCSY/SpeakerRec/train.py", ROOT / "hparams/experimental.yaml"]
    start = time.perf_counter()
    if not (folder / "results.json").is_file():
        subprocess.run([sys.executable, *recipe, f"--seed={seed}", "--noprogressbar"], check=True, cwd=ROOT)
    print(f"{seed}: trained, {time.perf_counter() - start:.0f} s", flush=True)
    return folder


def rank(folder, seed, data):
    """What a model makes of measured spectra, and of simulated ones that were measured otherwise."""
    model = load_classifier(str(folder))
    training = training_data(model)
    data_folder = ROOT / "data" / "experimental" / str(seed)
    names = list(model.labels.lab2ind)
    clean, _ = load_datasets({name: data_folder / f"{name}.csv" for name in ("train", "test")}, data_folder, names)
    measured = {residue: place(model, clean["train"], data / path, residue) for residue, path in MEASURED.items()}
    disturbed = Disturbed(clean["test"], Nuisances(training.nuisances, **axes(training.acquisition)), seed)
    true, named = name_by_template(clean["train"], disturbed)
    template = {"test": float((true == named).mean()), "recordings": len(true)}
    other = {name: accuracy(model, training, seed, changes) for name, changes in OTHER.items()}
    return {"measured": measured, "template": template, "other": other, "recordings_each": RECORDINGS}


def place(model, train_set, path, residue):
    """Rank of a residue in a measured spectrum: referenced, as the file is, and moved; and of its template."""
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
            f"template, search {search_ppm:g} ppm": name_by_template(train_set, [item], search_ppm)[1][0] == own
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


def axes(acquisition):
    """What the nuisances need to know of both axes."""
    names = ("field_mhz", "carrier_ppm", "spectral_width_hz")
    return {name: getattr(acquisition, name) for name in names}


@torch.inference_mode()
def accuracy(model, training, seed, changes):
    """Share of new recordings that are named rightly, disturbed as in training, measured otherwise."""
    acquisition = replace(training.acquisition, **changes)
    experiment = vars(training.sample) | vars(acquisition)
    disturb, hits = Nuisances(training.nuisances, **axes(acquisition)), []
    for residue in model.labels.lab2ind:
        drawn = [draw_recording(residue, seed, NEW + i, **experiment).fid for i in range(RECORDINGS)]
        items = [{"id": f"{residue}_{i}", "sig": stack_fid(fid)[0], "spk_id_encoded": 0} for i, fid in enumerate(drawn)]
        wavs = torch.stack([item["sig"] for item in Disturbed(items, disturb, seed)])
        hits.append(model.log_probabilities(wavs).argmax(1) == model.labels.encode_label(residue))
    share = float(torch.cat(hits).float().mean())
    print(changes, share, flush=True)
    return share


if __name__ == "__main__":
    main(sys.argv[1:])

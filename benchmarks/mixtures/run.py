"""Measure the packaged model for measured spectra: mixings, mixtures, strangers, empty tubes, and the real valine.

> python -m benchmarks.mixtures.run [model]

Recordings have seeds of their own: neither training, calibration nor the test of the training saw them. The classical
rival, non-negative least squares on templates, sees the same tubes. Beside it: how far ideal mixing is from each train.
"""

import argparse
import tempfile
import time

import numpy as np
import torch
from sklearn.metrics import average_precision_score

from benchmarks.common import Results, provenance, results_path
from nmr_speech.assignment.nnls import nnls_amounts
from nmr_speech.assignment.planes import magnitude
from nmr_speech.corpus import stack_fid, unstack_fid
from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.inference.by_shifts import weigh_by_shifts
from nmr_speech.inference.detect import PRESENT
from nmr_speech.inference.domain_check import training_data
from nmr_speech.inference.load import load_classifier
from nmr_speech.inference.look_alikes import look_alikes
from nmr_speech.score.mixtures import MOST, presence_figures
from nmr_speech.simulate import RESIDUES, Acquisition, Sample, load_molecule, tocsy
from nmr_speech.simulate.mixing import mixing_of
from nmr_speech.simulate.nuisances import disturb
from nmr_speech.spectrometer import find_reference, read_experiment, to_grid
from nmr_speech.testing.data import reference_data
from nmr_speech.training.tubes import Pool, Tubes, library

SEED = 2201  # far from those of any training's data
CONDITIONS = 12  # of each mixing
TUBES = 240  # of each mixing
BATCH = 24
SEQUENCES = ("isotropic", "spin_lock", "dipsi2", "mlev17")
SHARES = {"pure": 0.4, "mixture": 0.42, "none": 0.18, "foreign": 0.0, "with_others": 0.25}
STRANGERS_EACH = 2  # recordings of each molecule that is no amino acid
LIBRARY_PH = 7.4  # at which the BMRB measures its metabolites; that of the fragments is taken to be near
EMPTY = 240
OFFSETS_PPM = (-0.4, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.4)
PARTNERS = ("GLY", "ALA", "LEU", "GLU", "PHE", "LYS")
RATIOS = (9.0, 3.0, 1.0, 1 / 3, 1 / 9)
LOCKS_HZ = (5_000.0, 8_000.0, 12_000.0)


def main():
    """Measure what is missing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", default="measured", help="results folder; the packaged model by default")
    model = load_classifier(parser.parse_args().model)
    results = Results(results_path("mixtures"))
    with tempfile.TemporaryDirectory() as folder:
        for k, sequence in enumerate(SEQUENCES):
            results.keep(sequence, measure_mixing, model, sequence, SEED + k, folder)
        results.keep("residues", measure_residues, model, SEED + len(SEQUENCES), folder)
    results.keep("strangers", measure_strangers, model)
    results.keep("strangers, referenced", measure_referenced_strangers, model)
    results.keep("empty", measure_empty, model)
    results.keep("valine", measure_valine, model)
    results.keep("valine in mixtures", measure_valine_mixtures, model)
    results.keep("ideal", measure_ideal)
    results.keep("provenance", provenance)


def tubes_at(model, sequence, seed, folder, **fixed):
    """Draw tubes of one mixing under the other conditions of the training, but for those that are fixed."""
    training = training_data(model)
    ranges = dict(training.conditions) | fixed
    sample = {name: ranges.pop(name) for name in ("condition", "ph")}
    experiment = ranges | {"sequence": sequence, "spectral_width_ppm": 12.0, "carrier_ppm": 5.0}
    plan = DatasetPlan(
        seed,
        recordings_per_residue=CONDITIONS,
        shift_source="free",
        free_shift_std_ppm=training.sample.free_shift_std_ppm,
        experiment=experiment,
        **sample,
    )
    where = f"{folder}/{seed}"
    build_dataset(where, plan, workers=1)
    return Tubes(Pool(where, plan), [], "test", SHARES, training.nuisances, exact=True)


def measure_mixing(model, sequence, seed, folder):
    """Figures of the model and of its rival on tubes of one mixing."""
    tubes, found, rival, seconds = tubes_at(model, sequence, seed, folder), [], [], 0.0
    for step in range(TUBES // BATCH):
        batch = tubes(BATCH, (SEED, step))
        detection = model.detect(batch["sig"])
        ranked = model.log_probabilities(batch["sig"]).argmax(1)
        found.append((detection.probability.logit(), ranked, batch["amounts"], batch["is_pure"]))
        began = time.perf_counter()
        rival.append([list(nnls_amounts(unstack_fid(wav), Acquisition().f2).values()) for wav in batch["sig"]])
        seconds += time.perf_counter() - began
    odds, ranked, amounts, is_pure = (torch.cat(column).numpy() for column in zip(*found, strict=True))
    everything = np.ones(len(odds), dtype=bool)
    figures = presence_figures(odds, amounts, ranked, is_pure, everything)
    shares = np.concatenate(rival)
    # A tenth of the largest is where the rival says "present": the log-odds only have to rise with the amount. It has
    # no answer where there is no residue, so such tubes do not count.
    some = (amounts > 0).any(1)
    classical = presence_figures(np.log(shares + 1e-6) - np.log(0.1), amounts, shares.argmax(1), is_pure, some)
    return {"model": figures, "nnls": classical, "nnls_ms": 1000 * seconds / len(odds)}


def measure_residues(model, seed, folder):
    """Average precision of each residue in TOCSYs of one to five, and of all, look-alikes told apart or not."""
    tubes, found = tubes_at(model, list(SEQUENCES), seed, folder), []
    for step in range(len(SEQUENCES) * TUBES // BATCH):
        batch = tubes(BATCH, (seed, step))
        found.append((model.detect(batch["sig"]).probability, batch["amounts"] > 0))
    probability, there = (torch.cat(column).numpy() for column in zip(*found, strict=True))
    counted = (there.sum(1) >= 1) & (there.sum(1) <= MOST)
    probability, there = probability[counted], there[counted]
    families = [[RESIDUES.index(name) for name in family] for family in dict.fromkeys(map(look_alikes, RESIDUES))]
    any_there = np.stack([there[:, family].any(1) for family in families], 1)
    any_said = np.stack([1 - np.prod(1 - probability[:, family], 1) for family in families], 1)
    each = (average_precision_score(*pair) for pair in zip(there.T, probability.T, strict=True))
    return {
        "tubes": int(counted.sum()),
        "each": dict(zip(RESIDUES, map(float, each), strict=True)),
        "all": float(average_precision_score(there.ravel(), probability.ravel())),
        "families": float(average_precision_score(any_there.ravel(), any_said.ravel())),
    }


def named(model, wavs):
    """Highest probability of a residue in each recording, and the probability that it is a TOCSY."""
    found = model.detect(wavs)
    return found.probability.max(1).values, found.is_tocsy


def measure_strangers(model):
    """Molecules that are no amino acids and were never trained on, disturbed, one in a tube."""
    training, highest, sure = training_data(model), [], []
    rng, generator = np.random.default_rng(SEED), torch.Generator().manual_seed(SEED)
    names = library("test")
    for name in names:
        wavs = [_recording(name, training, rng, generator) for _ in range(STRANGERS_EACH)]
        probability, is_tocsy = named(model, torch.stack(wavs))
        highest.append(torch.where(is_tocsy >= PRESENT, probability, 0.0))
        sure.append(name)
    values = torch.stack(highest).numpy()
    worst = np.argsort(-values.max(1))[:10]
    return {
        "molecules": len(names),
        "recordings": int(values.size),
        "above_05": float((values >= 0.5).mean()),
        "above_09": float((values >= 0.9).mean()),
        "most_often_taken_for_one": [sure[k] for k in worst],
    }


def measure_referenced_strangers(model):
    """The same molecules where the reference is known: named by the network, and by shifts beside it."""
    training, answers = training_data(model), {name: [] for name in ("network", "shifts", "shifts and pH")}
    line = {"reference_line": {"amplitude": 0.3, "decay_time_s": 0.2}, "reference_offset": None}
    nuisances = {name: one for name, one in (training.nuisances | line).items() if one}
    rng, generator = np.random.default_rng(SEED), torch.Generator().manual_seed(SEED)
    for name in library("test"):
        for _ in range(STRANGERS_EACH):
            fid, acquisition = _stranger(name, training, rng)
            fid = disturb(fid, generator, nuisances, acquisition)
            wavs = stack_fid(fid)[0][None]
            detection, ideal = model.detect(wavs), Acquisition(mixing_time_s=acquisition.mixing_time_s)
            rows = model.log_probabilities(wavs)[0].exp(), detection.probability[0]
            said = [dict(zip(RESIDUES, row.tolist(), strict=True)) for row in rows]
            is_tocsy = float(detection.is_tocsy[0]) >= PRESENT
            answers["network"].append(is_tocsy * max(said[1].values()))
            for answer, ph in (("shifts", None), ("shifts and pH", LIBRARY_PH)):
                weighed = weigh_by_shifts(fid, acquisition.f2, *said, ideal, ph)
                answers[answer].append(is_tocsy * max(weighed.presence.values()))
    return {
        "recordings": len(answers["network"]),
        "above_05": {name: float((np.array(values) >= 0.5).mean()) for name, values in answers.items()},
        "commit": provenance()["commit"],
    }


def _recording(name, training, rng, generator):
    fid, acquisition = _stranger(name, training, rng)
    return stack_fid(disturb(fid, generator, training.nuisances, acquisition))[0]


def _stranger(name, training, rng):
    """States pair of a molecule of the library, and how it was measured."""
    molecule = load_molecule(name, shift_std_ppm=0.05)
    field_mhz = float(rng.uniform(*training.conditions["field_mhz"]))
    acquisition = Acquisition(
        mixing_time_s=float(rng.uniform(*training.conditions["mixing_time_s"])),
        field_mhz=field_mhz,
        spectral_width_hz=12.0 * field_mhz,
    )
    return tocsy(molecule, molecule.draw_shifts(rng, 1)[0], acquisition), acquisition


def measure_empty(model):
    """Water, reference and noise alone."""
    training, generator = training_data(model), torch.Generator().manual_seed(SEED)
    fid = 1e-3 * torch.randn(EMPTY, 2, 256, 256, generator=generator, dtype=torch.complex64)
    highest = []
    for part in fid.split(BATCH):
        wavs = torch.stack([stack_fid(one)[0] for one in disturb(part, generator, training.nuisances)])
        highest.append(named(model, wavs)[0])
    values = torch.cat(highest)
    return {"tubes": EMPTY, "highest": float(values.max()), "above_05": float((values >= 0.5).float().mean())}


def _valine(shift_ppm):
    return to_grid(read_experiment(reference_data("valine")), shift_ppm=shift_ppm)


def measure_valine(model):
    """The real valine: referenced, as the file is, and moved."""
    reference_ppm = find_reference(read_experiment(reference_data("valine")))
    moves = {"referenced": 0.0, "not referenced": -reference_ppm} | {f"{by:+.1f} ppm": by for by in OFFSETS_PPM}
    rows = {}
    for name, by in moves.items():
        wav = stack_fid(_valine(reference_ppm + by).fid)[0][None]
        probability = model.detect(wav).probability[0]
        others = probability.clone()
        others[RESIDUES.index("VAL")] = 0
        rows[name] = {
            "ranked_first": RESIDUES[int(model.log_probabilities(wav)[0].argmax())],
            "VAL": round(float(probability[RESIDUES.index("VAL")]), 4),
            "highest_other": round(float(others.max()), 4),
        }
    return rows


def measure_valine_mixtures(model):
    """The real valine with a simulated partner in one tube, from 9:1 to 1:9 of molecules."""
    experiment = read_experiment(reference_data("valine"))
    real = _valine(find_reference(experiment)).fid
    length = int(real.abs().amax((0, 2)).nonzero().max()) + 1
    settings = {
        "mixing_time_s": experiment.mixing_time_s,
        "field_mhz": experiment.f2.field_mhz,
        "spectral_width_hz": 12.0 * experiment.f2.field_mhz,
        "decay_time_t1_s": 0.1,
        "decay_time_t2_s": 0.1,
    }
    # Amplitudes of molecules: the first point counts protons, of which valine shows eight.
    per_mole = real[0, 0, :4].abs().max() / 8
    rows = {}
    for partner in PARTNERS:
        molecule = Sample("d2o", "free").residue(partner)
        simulated = tocsy(molecule, molecule.shift_mean_ppm, **settings)
        simulated[:, length:] = 0
        for ratio in RATIOS:
            wav = stack_fid(real / per_mole * ratio + simulated)[0][None]
            probability = model.detect(wav).probability[0]
            both = [float(probability[RESIDUES.index(name)]) for name in ("VAL", partner)]
            rest = [float(p) for name, p in zip(RESIDUES, probability, strict=True) if name not in ("VAL", partner)]
            rows[f"VAL:{partner} {ratio:.2g}:1"] = [*np.round(both, 3).tolist(), round(max(rest), 3)]
    return rows


def measure_ideal():
    """How far each mixing is from ideal mixing of the time that was applied, as spectra of the twenty residues."""
    rows = {}
    for sequence in SEQUENCES[1:]:
        for lock_hz in LOCKS_HZ:
            acquisition = Acquisition(sequence, 0.06, lock_hz)
            mixing = mixing_of(acquisition)
            applied_s = mixing.n_cycles * mixing.cycle_s if hasattr(mixing, "n_cycles") else 0.06
            errors = []
            for name in RESIDUES:
                residue = Sample("d2o", "free").residue(name)
                # Of the anti-echo: the two channels after a lock are no States pair, see `tocsy`.
                planes = [
                    magnitude(tocsy(residue, residue.shift_mean_ppm, one, decay_time_t1_s=0.1, decay_time_t2_s=0.1))
                    for one in (acquisition, Acquisition(mixing_time_s=applied_s))
                ]
                unit = [plane / np.linalg.norm(plane) for plane in planes]
                errors.append(float(np.linalg.norm(unit[0] - unit[1])))
            rows[f"{sequence}, {lock_hz / 1000:g} kHz"] = {
                "median": round(float(np.median(errors)), 4),
                "worst": round(max(errors), 4),
                "of": RESIDUES[int(np.argmax(errors))],
            }
    return rows


if __name__ == "__main__":
    main()

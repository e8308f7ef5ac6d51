"""A small data set, and how its making is interrupted."""

import hashlib

from nmr_speech.corpus import dataset
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.simulate import draw_recordings

PLAN = DatasetPlan(seed=5, residues=["GLY", "SER"], recordings_per_residue=10)


def contents(folder):
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()
    }


def stop_after(monkeypatch, n_batches):
    made = []

    def stop(*arguments, **keywords):
        if len(made) == n_batches:
            raise KeyboardInterrupt
        made.append(arguments)
        return draw_recordings(*arguments, **keywords)

    monkeypatch.setattr(dataset, "draw_recordings", stop)
    return made

"""Tubes of several residues, of other molecules, or of none."""

import weakref

import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.corpus.pseudo_audio import unstack_fid
from nmr_speech.models.embed import features
from nmr_speech.models.frontends import SpectralFrontEnd
from nmr_speech.simulate import draw_mixture, load_molecule, molecule_ids, tocsy
from nmr_speech.training.tubes import ALONE, Content, Pool, Steps, Tubes, draw_content, library

SHARES = {"pure": 0.4, "mixture": 0.4, "none": 0.2, "foreign": 0.0, "with_others": 0.25}
RANGES = {"field_mhz": [400.0, 800.0], "spectral_width_ppm": 12.0}


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    plan = DatasetPlan(3, ["GLY", "SER", "VAL"], 3, condition="d2o", shift_source="free", experiment=RANGES)
    folder = tmp_path_factory.mktemp("tubes") / "data"
    build_dataset(folder, plan)
    return Pool(folder, plan)


def fid_of(batch):
    return unstack_fid(batch["sig"][0])


def test_a_tube_is_the_mixture_that_the_simulator_draws(pool):
    amounts = {"GLY": 0.2, "VAL": 1.0}
    batch = Tubes(pool, [], "train", SHARES, {})(1, (5,), Content(amounts))
    fid = fid_of(batch)
    settings = {name: value for name, value in pool.plan.draw_settings.items() if name != "nuisances"}
    candidates = [draw_mixture(amounts, 3, index, **settings).fid for index in range(3)]
    errors = [float((fid / fid[0, 0, 0] - one / one[0, 0, 0]).abs().max()) for one in candidates]
    assert min(errors) < 2e-3  # of half precision
    assert batch["amounts"][0].tolist() == pytest.approx([0.2, 0.0, 1.0])


def test_other_molecules_are_added_by_their_amounts(pool):
    ethanol = "bmse000297_simulation_1"
    content = Content({"VAL": 1.0}, ((ethanol, 0.5),))
    tubes = Tubes(pool, [], "train", SHARES, {}, exact=True)
    with_it, without = fid_of(tubes(1, (5,), content)), fid_of(tubes(1, (5,), Content({"VAL": 1.0})))
    # The first point counts protons: 8 of valine, and half of the 5 of ethanol.
    rest = with_it / with_it[0, 0, 0] * 10.5 - without / without[0, 0, 0] * 8
    shifts = load_molecule(ethanol).shift_mean_ppm
    expected = 0.5 * tocsy(load_molecule(ethanol), shifts, field_mhz=500.0, spectral_width_hz=6000.0)
    assert rest[0, 0, 0].real.item() == pytest.approx(expected[0, 0, 0].real.item(), abs=0.05)


def test_an_empty_tube_holds_noise_and_no_label(pool):
    batch = Tubes(pool, [], "train", SHARES, {})(2, (5,), Content({}))
    assert batch["amounts"].sum() == 0
    assert not batch["is_pure"].any()
    assert batch["sig"].abs().amax((1, 2)).tolist() == pytest.approx([1, 1])


def test_foreign_experiments_are_marked_unless_the_tube_is_empty(pool):
    tubes = Tubes(pool, [pool], "train", SHARES | {"foreign": 1.0}, {})
    assert tubes(3, (5,), Content({"VAL": 1.0}))["is_tocsy"].tolist() == [0, 0, 0]
    assert tubes(2, (5,), Content({}))["is_tocsy"].tolist() == [1, 1]


def test_contents_follow_the_shares():
    rng = np.random.default_rng(0)
    drawn = [draw_content(rng, [f"R{k}" for k in range(20)], ("x",), SHARES) for _ in range(3000)]
    counts = np.array([len(content.amounts) for content in drawn])
    assert [(counts == 1).mean(), (counts > 1).mean(), (counts == 0).mean()] == pytest.approx([0.4, 0.4, 0.2], abs=0.03)
    assert counts.max() == 8
    amounts = np.concatenate([list(content.amounts.values()) for content in drawn])
    assert amounts.min() >= 0.01
    assert amounts.max() == 1
    with_others = np.mean([len(content.others) > 0 for content, n in zip(drawn, counts, strict=True) if n])
    assert with_others == pytest.approx(0.25, abs=0.03)
    others = [len(content.others) for content, n in zip(drawn, counts, strict=True) if n == 0]
    assert np.bincount(others) / len(others) == pytest.approx(np.array(ALONE), abs=0.06)


def test_no_molecule_of_the_training_is_in_an_evaluation():
    train, valid, test = map(set, map(library, ("train", "valid", "test")))
    assert not train & valid
    assert not train & test
    assert not valid & test
    assert train | valid | test == set(molecule_ids(related=False))


def test_a_step_depends_on_its_number_alone(pool):
    steps = Steps(Tubes(pool, [], "train", SHARES, {"white_noise": {"snr": [10, 100]}}), 4, 3, 1986)
    again = Steps(Tubes(pool, [], "train", SHARES, {"white_noise": {"snr": [10, 100]}}), 4, 3, 1986)
    _ = again[0]
    assert torch.equal(steps[2]["sig"], again[2]["sig"])
    assert not torch.equal(steps[1]["sig"], steps[2]["sig"])
    with pytest.raises(IndexError):
        steps[4]


def test_a_step_holds_the_features_of_a_fixed_front_end(pool):
    tubes, frontend = Tubes(pool, [], "train", SHARES, {}), SpectralFrontEnd(16, learning_rate_scale=0)
    plain, step = Steps(tubes, 4, 3, 1986)[2], Steps(tubes, 4, 3, 1986, frontend=frontend)[2]
    assert step.keys() ^ plain.keys() == {"feats", "sig"}
    assert torch.equal(step["amounts"], plain["amounts"])
    assert torch.allclose(step["feats"].float(), features(frontend, plain["sig"]), atol=1e-2)  # 11 bits


def test_features_are_made_tube_by_tube(pool, monkeypatch):
    """Waveforms of a whole batch, 1 MB a tube, left a hole in the heap at every step, and filled the memory."""
    made, alive, one_tube = [], [], Tubes._tube

    def tube(self, *arguments):
        row = one_tube(self, *arguments)
        made.append(weakref.ref(row[0]))
        return row

    def frontend(wavs):
        alive.append(sum(waves() is not None for waves in made))
        return wavs.mean((1, 2))

    monkeypatch.setattr(Tubes, "_tube", tube)
    Steps(Tubes(pool, [], "train", SHARES, {}), 4, 3, 1986, frontend=frontend)[0]
    assert alive == [1, 1, 1]


def test_shares_must_be_complete(pool):
    with pytest.raises(InputError, match="`shares` must hold foreign, got pure"):
        Tubes(pool, [], "train", {"pure": 1.0, "mixture": 0.0, "none": 0.0, "with_others": 0.0}, {})

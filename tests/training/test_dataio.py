"""Recordings that are simulated during training, and those with nuisances drawn once."""

import pytest
import torch
from speechbrain.utils.epoch_loop import EpochCounter

from nmr_speech.corpus import stack_fid
from nmr_speech.corpus.plan import MAX_RECORDINGS, DatasetPlan
from nmr_speech.simulate import draw_recording
from nmr_speech.simulate.nuisances import REAL_SPECTRUM
from nmr_speech.training.augment import Augmentation
from nmr_speech.training.dataio import AugmentedRecordings, Batch, SimulatedRecordings


def fresh(n=3):
    return SimulatedRecordings(DatasetPlan(5, ["GLY", "SER"], condition="d2o"), ["GLY", "SER"], n, EpochCounter(9))


def test_an_epoch_has_each_residue_equally_often():
    data = fresh()
    assert [data[i]["spk_id_encoded"] for i in range(len(data))] == [0, 0, 0, 1, 1, 1]


def test_no_two_epochs_share_a_recording():
    data, seen = fresh(), set()
    for data.epoch_counter.current in (1, 2, 3):
        seen |= {data[i]["id"] for i in range(len(data))}
    assert len(seen) == 3 * 6


def test_the_recordings_are_those_of_the_seed():
    data = fresh()
    data.epoch_counter.current = 2
    expected = draw_recording("SER", 5, MAX_RECORDINGS + 2 * 3 + 1, condition="d2o").fid
    assert torch.equal(data[4]["sig"], stack_fid(expected)[0])


@pytest.fixture(scope="module")
def disturbed():
    return AugmentedRecordings(fresh(), Augmentation(REAL_SPECTRUM), 1986)


def test_nuisances_of_a_recording_are_the_same_whenever_it_is_read(disturbed):
    """In any order, batch and process; another seed or another name gives another draw."""
    one_by_one = {disturbed[i]["id"]: disturbed[i]["sig"] for i in reversed(range(len(disturbed)))}
    for batch_size, workers in ((4, 0), (1, 1)):
        loader = torch.utils.data.DataLoader(
            disturbed, batch_size, collate_fn=Batch.stack, num_workers=workers, multiprocessing_context=None
        )
        batched = {name: sig for batch in loader for name, sig in zip(batch.id, batch.sig, strict=True)}
        assert batched.keys() == one_by_one.keys()
        for name, wav in batched.items():  # the number of threads, one in a worker, decides the last digits
            torch.testing.assert_close(wav, one_by_one[name], atol=1e-5, rtol=0)
    again = AugmentedRecordings(disturbed.dataset, disturbed.augment, 7)[0]
    assert (again["sig"] - disturbed[0]["sig"]).abs().max() > 0.01
    renamed = [{**disturbed.dataset[0], "id": "GLY_9"}]
    assert (AugmentedRecordings(renamed, disturbed.augment, 1986)[0]["sig"] - disturbed[0]["sig"]).abs().max() > 0.01


def test_nothing_but_the_waveform_is_disturbed(disturbed):
    clean = disturbed.dataset[4]
    item = disturbed[4]
    assert (item["id"], item["spk_id_encoded"]) == (clean["id"], clean["spk_id_encoded"])
    assert item["sig"].shape == clean["sig"].shape
    assert not torch.equal(item["sig"], clean["sig"])
    assert torch.equal(AugmentedRecordings(disturbed.dataset, Augmentation(None), 1986)[4]["sig"], clean["sig"])


def test_a_share_of_a_training_batch_stays_clean():
    wavs = torch.stack([fresh(40)[i]["sig"] for i in (0, 40)]).repeat(20, 1, 1)
    augment = Augmentation({"white_noise": {"snr": 10.0}}, clean_share=0.5)
    augmented = augment(wavs, torch.Generator().manual_seed(0))
    clean = (augmented == wavs).flatten(1).all(1)
    assert 10 < clean.sum() < 30  # binomial: less than 0.1% outside
    assert (augmented[~clean] != wavs[~clean]).float().mean() > 0.99
    none, all_of_them = (Augmentation({"white_noise": {"snr": 10.0}}, clean_share=share) for share in (0.0, 1.0))
    assert not (none(wavs, torch.Generator()) == wavs).flatten(1).all(1).any()
    assert torch.equal(all_of_them(wavs, torch.Generator()), wavs)

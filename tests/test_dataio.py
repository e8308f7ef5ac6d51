"""Recordings that are simulated while a model trains."""

import torch
from speechbrain.dataio.encoder import CategoricalEncoder

from nmr_speech.corpus import stack_fid
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.dataio import FreshRecordings
from nmr_speech.simulate import draw_recording


def fresh(n=3):
    encoder = CategoricalEncoder()
    encoder.update_from_iterable(["GLY", "SER"])
    return FreshRecordings(DatasetPlan(5, ["GLY", "SER"], condition="d2o"), ["GLY", "SER"], n, encoder)


def test_an_epoch_has_each_residue_equally_often():
    data = fresh()
    assert [data[i]["spk_id_encoded"] for i in range(len(data))] == [0, 0, 0, 1, 1, 1]


def test_no_two_epochs_share_a_recording():
    data, seen = fresh(), set()
    for epoch in (1, 2, 3):
        data.epoch = epoch
        seen |= {data[i]["id"] for i in range(len(data))}
    assert len(seen) == 3 * 6


def test_the_recordings_are_those_of_the_seed():
    data = fresh()
    data.epoch = 2
    expected = draw_recording("SER", 5, FreshRecordings.FIRST + 2 * 3 + 1, condition="d2o").fid
    assert torch.equal(data[4]["sig"].T, stack_fid(expected)[0])

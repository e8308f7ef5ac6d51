"""The MoDern that comes with the package, on FIDs that it was not trained on, beside IST with virtual echo."""

import json

import pytest
import torch

from nmr_speech.reconstruction import ist
from nmr_speech.reconstruction.fid_settings import FIDSettings
from nmr_speech.reconstruction.load import TRAINED, load_modern, load_network
from nmr_speech.reconstruction.methods import method_of
from nmr_speech.reconstruction.operators import fourier
from nmr_speech.reconstruction.synthetic import make_fids
from nmr_speech.reconstruction.virtual_echo import virtual_echo

SEED = 4_000_000  # not that of its training


@pytest.fixture(scope="module")
def modern():
    return load_modern()


def errors(filled, full):
    found, true = (fourier(virtual_echo(fid)).real for fid in (filled, full))
    return (found - true).norm(dim=1) / true.norm(dim=1)


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.3, 0.5])
@pytest.mark.parametrize("n", [100, 128, 256])
def test_it_is_better_than_ist_with_virtual_echo(modern, rate, n):
    full, masks = make_fids(FIDSettings(n_points=n, rate=(rate, rate)), SEED, range(100))
    ours, theirs = modern(full * masks, masks), ist(full * masks, masks, echo="even")
    assert errors(ours, full).mean() < errors(theirs, full).mean()


def test_negative_peaks_are_reconstructed_as_positive_ones(modern):
    full, masks = make_fids(FIDSettings(n_points=128, negative_share=0), SEED, range(100))
    positive, negative = (errors(modern(sign * full * masks, masks), sign * full) for sign in (1, -1))
    assert negative.mean() < 1.2 * positive.mean()
    assert positive.mean() < 1.2 * negative.mean()


def test_scale_does_not_matter(modern):
    """A power of two changes no digit of the input."""
    full, masks = make_fids(FIDSettings(n_points=64), SEED, range(5))
    torch.testing.assert_close(modern(2.0**20 * full * masks, masks) / 2**20, modern(full * masks, masks))


@pytest.mark.parametrize("name", TRAINED)
def test_its_report_is_beside_it(name):
    report, network = json.loads((TRAINED[name] / "results.json").read_text()), load_network(TRAINED[name])
    assert report["network"] == type(network).__name__
    assert report["settings"] == network.settings
    assert report["parameters"] == sum(weight.numel() for weight in network.parameters())
    assert report["test"]["rlne"] < report["ist"]["rlne"]
    if name != "modern_phases":  # its file was new when it was trained, as the README beside it says
        assert not report["commit"].endswith("-dirty")


def test_another_network_is_taken_at_a_low_rate(modern):
    full, masks = make_fids(FIDSettings(n_points=128, rate=(0.06, 0.06)), SEED, range(60))
    schedules = [mask.nonzero()[:, 0].numpy() for mask in masks]
    low, usual = load_modern(rate=0.06), modern
    assert low.settings["least_rate"] == 0.03
    method = method_of("modern")
    fid = (full * masks)[:1]
    assert torch.equal(method(fid, schedules[0], "even"), low(fid, schedules[0]))
    errors = [(net.fill_in(full * masks, masks)[-1] - full).norm(dim=1) / full.norm(dim=1) for net in (low, usual)]
    assert errors[0].mean() < errors[1].mean()

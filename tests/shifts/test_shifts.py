"""Predicted shifts: what the networks see, what may be asked of them, and the division of the data."""

import re

import numpy as np
import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.shifts import (
    ShiftNetwork,
    StructureNetwork,
    WindowNetwork,
    load_network,
    predict,
    structure_from_shifts,
)
from nmr_speech.shifts.atoms import ATOMS, BACKBONE, LETTERS, letter_numbers, present
from nmr_speech.shifts.data import NOT_GIVEN, ProteinSet, fill_scale
from nmr_speech.shifts.figures import mean_rmse, within
from nmr_speech.shifts.load import TRAINED, save_network
from nmr_speech.shifts.objective import shift_loss
from nmr_speech.shifts.refdb import Protein
from nmr_speech.simulate.residues import ONE_LETTER
from nmr_speech.simulate.sample import load_residue

UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"
UBIQUITIN_STRUCTURE = "CBBBBBBCCCCBBBBBBCCCCCHHHHHHHHHHHHCCCHHHBBBBBCCBBCCCCCHHHCCCCCCBBBBBBCCCCCCC"[:76]


def drawn(network, seed=0):
    """A network with weights that are not those of its start, which predicts the mean whatever it sees."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(0.2 * torch.randn(weight.shape, generator=generator))
    return network.eval()


NETWORKS = {
    "cnn": lambda: drawn(ShiftNetwork(channels=8, width=3, dilations=(1, 2))),
    "window": lambda: drawn(WindowNetwork(window=5, hidden=4)),
}


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_residues_outside_the_window_change_nothing(make):
    network, n, place = make(), 21, 10
    letters = torch.arange(n)[None] % 20
    structure, inside = torch.arange(n)[None] % 4, torch.ones(1, n)
    mean, std = network(letters, structure, inside)
    far = [i for i in range(n) if abs(i - place) > network.reach]
    shuffled = letters.clone()
    shuffled[0, far] = letters[0, far[::-1]]
    assert not torch.equal(shuffled, letters)
    other_mean, other_std = network(shuffled, structure, inside)
    assert torch.allclose(mean[0, place], other_mean[0, place], atol=1e-6)
    assert torch.allclose(std[0, place], other_std[0, place], atol=1e-6)
    nearest = letters.clone()
    nearest[0, place + network.reach] = (letters[0, place + network.reach] + 1) % 20
    assert not torch.allclose(mean[0, place], network(nearest, structure, inside)[0][0, place], atol=1e-6)


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_padding_changes_nothing(make):
    network = make()
    letters, structure = torch.arange(6)[None], torch.zeros(1, 6, dtype=torch.long)
    alone = network(letters, structure, torch.ones(1, 6))[0]
    padded = network(
        torch.nn.functional.pad(letters, (0, 9), value=5),
        torch.nn.functional.pad(structure, (0, 9), value=1),
        torch.nn.functional.pad(torch.ones(1, 6), (0, 9)),
    )[0]
    assert torch.allclose(alone, padded[:, :6], atol=1e-5)


def test_a_network_that_has_learned_nothing_predicts_the_mean_and_the_spread():
    rng = np.random.default_rng(0)
    shifts = rng.normal(100, 3, (60, len(ATOMS))).astype(np.float32)
    network = ShiftNetwork(channels=4, width=3, dilations=(1,))
    fill_scale(network.scale, [Protein("1", "1ABC", "A" * 60, "C" * 60, shifts)])
    mean, std = network(torch.zeros(1, 3, dtype=torch.long), torch.full((1, 3), NOT_GIVEN), torch.ones(1, 3))
    assert np.allclose(mean[0, 1].detach(), shifts.mean(0), atol=1e-3)
    assert np.allclose(std[0, 1].detach(), shifts.std(0), atol=1e-3)


def test_the_loss_is_least_at_the_true_mean_and_spread():
    true = torch.from_numpy(np.random.default_rng(0).normal(2.0, 0.5, (1, 20_000, len(ATOMS))))
    one = torch.ones_like(true)

    def loss(mean, std):
        return shift_loss(mean * one, std * one, true, one, beta=0.0, side_chain_weight=1.0)

    best = loss(2.0, 0.5)
    assert all(loss(mean, std) > best for mean, std in ((2.1, 0.5), (1.9, 0.5), (2.0, 0.6), (2.0, 0.4)))


def test_shifts_that_were_not_measured_do_not_count():
    true = torch.full((1, 2, len(ATOMS)), torch.nan)
    true[0, 0, 0] = 3.0
    mean = torch.zeros(1, 2, len(ATOMS), requires_grad=True)
    one = torch.ones(1, 2, len(ATOMS))
    loss = shift_loss(mean, one, true, one, beta=0.5, side_chain_weight=0.3)
    loss.backward()
    assert loss.item() == pytest.approx(4.5)
    assert torch.count_nonzero(mean.grad) == 1


def test_additive_shifts_are_learned():
    """Shifts that are a sum over a residue and its neighbours, as random coil has them, leave next to no error."""
    rng = np.random.default_rng(0)
    own, before, after = rng.normal(0, 1, (3, 21))
    proteins = []
    for number in range(60):
        sequence = "".join(rng.choice(list(LETTERS), 50))
        numbers = letter_numbers("X" + sequence + "X")
        shifts = np.full((50, len(ATOMS)), np.nan, np.float32)
        shifts[:, 0] = own[numbers[1:-1]] + before[numbers[:-2]] + after[numbers[2:]]
        proteins.append(Protein(str(number), "", sequence, "C" * 50, shifts))
    torch.manual_seed(0)
    network = WindowNetwork(window=3, hidden=25)
    fill_scale(network.scale, proteins[:50])
    batches = ProteinSet(proteins[:50], 10)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(25):
        for batch in batches.batches:
            optimizer.zero_grad()
            predicted = network(batch.letters, batch.structure, batch.inside)
            spread = network.scale.std_ppm[batch.letters]
            shift_loss(*predicted, batch.shifts_ppm, spread, beta=1.0, side_chain_weight=0.0).backward()
            optimizer.step()
    with torch.no_grad():
        errors = [
            (network(one.letters, one.structure, one.inside)[0] - one.shifts_ppm)[0, :, :1].numpy()
            for one in ProteinSet(proteins[50:], 1).batches
        ]
    assert mean_rmse(errors)[0] < 0.2 * np.sqrt(3)


def test_atoms_that_a_residue_lacks_have_no_shift():
    found = predict("GPA")
    lacking = {(letter, atom) for letter, row in zip("GPA", found.shift_ppm, strict=True)
               for atom, ppm in zip(found.atoms, row, strict=True) if np.isnan(ppm)}  # fmt: skip
    assert lacking == {("G", "CB"), ("P", "H")}
    assert np.array_equal(np.isnan(found.shift_ppm), np.isnan(found.std_ppm))


@pytest.mark.parametrize("letter", LETTERS)
def test_side_chains_are_those_of_the_simulator(letter):
    own = {atom for atom, there in zip(ATOMS, present()[LETTERS.index(letter)], strict=True) if there}
    protons = {atom for atom in own if atom[0] in "HM"} - ({"HA"} if letter == "G" else set())
    residue = load_residue(ONE_LETTER[letter])
    drawn_groups = {residue.system.names[i] for i in residue.shift_of} - ({"HZ"} if letter == "F" else set())
    assert protons == drawn_groups


def test_structure_that_is_not_given_is_as_if_it_were_unknown():
    without, unknown = predict(UBIQUITIN), predict(UBIQUITIN, "X" * 76)
    assert np.array_equal(without.shift_ppm, unknown.shift_ppm, equal_nan=True)


def test_helix_and_strand_move_shifts_as_they_are_known_to():
    """Wishart, Sykes and Richards, J. Mol. Biol. 1991, 222, 311: CA to low field in helices, HA to high field."""
    helix, strand = (predict("KAELAKVLEAAK", letter * 12) for letter in "HE")
    middle = slice(3, 9)
    difference = dict(zip(helix.atoms, (helix.shift_ppm - strand.shift_ppm)[middle].mean(axis=0), strict=True))
    limits = {"CA": 2.0, "C": 1.0, "CB": -1.0, "HA": -0.3, "N": -1.0}
    for atom, limit in limits.items():
        assert difference[atom] / limit > 1, atom


def test_strand_has_two_letters():
    assert np.array_equal(predict("MQIF", "BBBB").shift_ppm, predict("MQIF", "EEEE").shift_ppm, equal_nan=True)


def test_structure_is_found_again_from_ideal_shifts():
    """A closed loop: shifts predicted for a structure give it back but for its ends."""
    structure = "CCC" + "H" * 14 + "CCCC" + "E" * 8 + "CCC"
    sequence = "GSPEELLKKALELAKKGNGDTVTVRIEVNGKG"[: len(structure)]
    found = predict(sequence, structure)
    shifts = dict(zip(found.atoms, found.shift_ppm.T, strict=True))
    guess = "".join("HEC"[k] for k in structure_from_shifts(sequence, shifts).argmax(axis=1))
    assert guess[5:15] == structure[5:15]
    assert guess[23:27] == structure[23:27]


@pytest.mark.parametrize(
    ("sequence", "structure", "message"),
    [
        ("", None, "the sequence must be a text of 1 to 10,000 letters, got 0"),
        ("A" * 10_001, None, "the sequence must be a text of 1 to 10,000 letters, got 10001"),
        ("MQZF", None, "residue 3 of the sequence must be a letter of ARNDCQEGHILKMFPSTWYV or X, got 'Z'"),
        ("MQiF", None, "a letter of ARNDCQEGHILKMFPSTWYV or X, got 'i'; write it in capitals"),
        ("MQ F", None, "residue 3 of the sequence"),
        (None, None, "the sequence must be a text of 1 to 10,000 letters, got None"),
        ("MQIF", "HHH", "`secondary_structure` must have a letter for each of the 4 residues, got 3"),
        ("MQIF", "HHTH", "letter 3 of `secondary_structure` must be H (helix), B or E (strand), C (coil) or X"),
    ],
)  # fmt: skip
def test_what_cannot_be_predicted(sequence, structure, message):
    with pytest.raises(InputError, match=re.escape(message)):
        predict(sequence, structure)


@pytest.mark.parametrize(
    ("shifts", "message"),
    [
        ({"CG": np.zeros(4)}, "`shifts_ppm` must name atoms of N, CA, CB, C, H, HA, got 'CG'"),
        (
            {"CA": np.zeros(3)},
            "must give CA a shift for each of the 4 residues, NaN where there is none; got an array of",
        ),
    ],
)
def test_shifts_that_do_not_fit(shifts, message):
    with pytest.raises(InputError, match=re.escape(message)):
        structure_from_shifts("MQIF", shifts)


def test_a_network_of_the_other_task_is_refused():
    with pytest.raises(InputError, match="must be a ShiftNetwork, got a StructureNetwork; give another `source`"):
        predict("MQIF", source=TRAINED / "structure")


@pytest.mark.parametrize("network", [ShiftNetwork(8, 3, (1,)), WindowNetwork(3, 2), StructureNetwork(8, 3, (1, 2))])
def test_saved_and_loaded(tmp_path, network):
    save_network(drawn(network), tmp_path)
    again = load_network(tmp_path)
    assert type(again) is type(network)
    assert again.settings == network.settings
    for name, weight in network.state_dict().items():
        assert torch.allclose(again.state_dict()[name], weight, atol=1e-3)


def test_the_networks_of_the_package_are_small():
    sizes = [path.stat().st_size for path in TRAINED.rglob("*.safetensors")]
    assert len(sizes) == 4
    assert sum(sizes) < 1_000_000


def test_calibration_counts():
    rng = np.random.default_rng(0)
    errors, std = [rng.normal(0, 2.0, (20_000, 1))], [np.full((20_000, 1), 2.0)]
    assert within(errors, std, 1.0)[0] == pytest.approx(0.683, abs=0.02)
    assert within(errors, std, 2.0)[0] == pytest.approx(0.954, abs=0.01)


def test_the_backbone_comes_first():
    assert ATOMS[: len(BACKBONE)] == BACKBONE == ("N", "CA", "CB", "C", "H", "HA")

"""What a network for shifts must beat: tables, neighbours in the data, boosted trees.

Each rival is a function of (training proteins, test proteins, whether structure is given) that returns predicted shifts
of the backbone, a list of arrays (L, 6) in ppm.
"""

import csv
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from Bio.Align import substitution_matrices
from scipy.sparse import csr_matrix
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestNeighbors

from nmr_speech.shifts.atoms import BACKBONE, LETTERS, letter_numbers
from nmr_speech.shifts.predict import NOT_GIVEN, STRUCTURES
from nmr_speech.simulate.residues import ONE_LETTER

N_LETTERS, N_STRUCTURES = len(LETTERS) + 1, NOT_GIVEN + 1
OUTSIDE = N_LETTERS * N_STRUCTURES  # the class of a neighbour beyond the end of the chain
STRUCTURE_WEIGHT = 3.0  # of the structure beside BLOSUM62 in the distance of windows, chosen on the validation split
NEIGHBOURS = 15  # chosen on the validation split


def classes(protein, with_structure):
    """Number the kind of each residue, with its structure or without, (L,)."""
    structure = np.array([STRUCTURES[letter] for letter in protein.structure])
    return letter_numbers(protein.sequence) * N_STRUCTURES + (structure if with_structure else NOT_GIVEN)


def windows(protein, with_structure, reach):
    """Kinds of each residue and its neighbours, (L, 2 reach + 1)."""
    padded = np.pad(classes(protein, with_structure), reach, constant_values=OUTSIDE)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)


def split_again(values, proteins):
    """Cut rows of all residues into proteins."""
    return np.split(values, np.cumsum([len(protein.sequence) for protein in proteins])[:-1])


def bmrb_means(train, test, with_structure):
    """Mean of each atom in each residue over the whole BMRB, as makeshift-nmr has it; knows no structure."""
    path = Path(str(distribution("makeshift-nmr").locate_file("makeshift/data/bmrb_stats.csv")))
    table = np.full((N_LETTERS, len(BACKBONE)), np.nan)
    letters = {name: letter for letter, name in ONE_LETTER.items()}
    with path.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["atom"] in BACKBONE and row["residue"] in letters:
                place = LETTERS.index(letters[row["residue"]]), BACKBONE.index(row["atom"])
                table[place] = float(row["mean"])
    return [table[letter_numbers(protein.sequence)] for protein in test]


def additive(reach, coil_alone=False):
    """Make a rival that adds a number for each residue's kind and one for each neighbour's.

    With ``coil_alone`` it is fitted to coil only, which is the form of POTENCI (Nielsen and Mulder, J. Biomol. NMR
    2018, 70, 141) with two neighbours on either side, without its pairs, pH and ionic strength.
    """

    def rival(train, test, with_structure):
        with_structure = with_structure and not coil_alone
        features, shifts = (np.concatenate(parts) for parts in _training(train, with_structure, reach))
        if coil_alone:
            coil = np.concatenate([np.array(list(protein.structure)) == "C" for protein in train])
            features, shifts = features[coil], shifts[coil]
        unseen = np.concatenate([windows(protein, with_structure, reach) for protein in test])
        found = np.empty((len(unseen), len(BACKBONE)))
        for atom in range(len(BACKBONE)):
            known = np.isfinite(shifts[:, atom])
            model = Ridge(1.0).fit(one_hot(features[known]), shifts[known, atom])
            found[:, atom] = model.predict(one_hot(unseen))
        return split_again(found, test)

    return rival


def one_hot(kinds):
    """Kinds (residues, places) as a sparse matrix of zeros and ones."""
    count, places = kinds.shape
    columns = kinds + np.arange(places) * (OUTSIDE + 1)
    rows = np.repeat(np.arange(count), places)
    return csr_matrix((np.ones(kinds.size), (rows, columns.ravel())), shape=(count, places * (OUTSIDE + 1)))


def nearest_windows(train, test, with_structure, reach=2):
    """Average the deviation from the residue's mean over the windows of the same residue that are most alike."""
    blosum = substitution_matrices.load("BLOSUM62")
    rows = np.array([[blosum[a][b] for b in LETTERS] for a in [*LETTERS, "X"]], float) / 5
    of_kind = np.zeros((OUTSIDE + 1, len(LETTERS) + 3))
    for letter in range(N_LETTERS):
        for structure in range(N_STRUCTURES):
            of_kind[letter * N_STRUCTURES + structure, : len(LETTERS)] = rows[letter]
            if structure != NOT_GIVEN:
                of_kind[letter * N_STRUCTURES + structure, len(LETTERS) + structure] = STRUCTURE_WEIGHT
    features, shifts = (np.concatenate(parts) for parts in _training(train, with_structure, reach))
    unseen = np.concatenate([windows(protein, with_structure, reach) for protein in test])
    found = np.full((len(unseen), len(BACKBONE)), np.nan)
    for letter in range(N_LETTERS):
        own, asked = features[:, reach] // N_STRUCTURES == letter, unseen[:, reach] // N_STRUCTURES == letter
        for atom in range(len(BACKBONE)):
            known = own & np.isfinite(shifts[:, atom])
            if known.sum() < NEIGHBOURS or not asked.any():
                continue
            near = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(of_kind[features[known]].reshape(known.sum(), -1))
            _, which = near.kneighbors(of_kind[unseen[asked]].reshape(asked.sum(), -1))
            found[asked, atom] = shifts[known, atom][which].mean(axis=1)
    return split_again(found, test)


def boosted_trees(train, test, with_structure, reach=4):
    """Histogram gradient boosting of scikit-learn on letters and structures of a window, as categories."""
    features, shifts = (np.concatenate(parts) for parts in _training(train, with_structure, reach))
    unseen = np.concatenate([windows(protein, with_structure, reach) for protein in test])

    def categories(kinds):
        letters, structures = np.minimum(kinds // N_STRUCTURES, N_LETTERS), np.where(kinds < OUTSIDE, kinds % 4, 4)
        return np.concatenate([letters, structures], axis=1)

    found = np.empty((len(unseen), len(BACKBONE)))
    for atom in range(len(BACKBONE)):
        known = np.isfinite(shifts[:, atom])
        model = HistGradientBoostingRegressor(max_iter=300, categorical_features=[True] * 2 * (2 * reach + 1))
        # Deviations from the residue's mean: trees would spend their first splits on it.
        means = _means(features[known, reach] // N_STRUCTURES, shifts[known, atom])
        model.fit(categories(features[known]), shifts[known, atom] - means[features[known, reach] // N_STRUCTURES])
        found[:, atom] = model.predict(categories(unseen)) + means[unseen[:, reach] // N_STRUCTURES]
    return split_again(found, test)


def _means(letters, values):
    overall = values.mean()
    return np.array([values[letters == n].mean() if (letters == n).any() else overall for n in range(N_LETTERS)])


def _training(proteins, with_structure, reach):
    features = [windows(protein, with_structure, reach) for protein in proteins]
    return features, [protein.shifts_ppm[:, : len(BACKBONE)].astype(float) for protein in proteins]


WITHOUT_STRUCTURE = ("BMRB means", "POTENCI's form, fitted to coil")
"""Rivals to which it makes no difference whether structure is given."""
RIVALS = {
    "BMRB means": bmrb_means,
    "residue and neighbours": additive(1),
    "POTENCI's form, fitted to coil": additive(2, coil_alone=True),
    "nearest windows": nearest_windows,
    "boosted trees": boosted_trees,
}

"""Tables of a user's molecules: what is wrong is named by file and row."""

import pytest

from nmr_speech.checks import InputError
from nmr_speech.simulate.molecule_file import read_molecules

GROUPS = "molecule,group,n_protons,shift_ppm\n"
COUPLINGS = "molecule,group_a,group_b,j_hz\n"
ETHANOL = GROUPS + "ethanol,CH2,2,3.65\nethanol,CH3,3,1.17\n"
LARGE = GROUPS + "".join(f"large,H{i},1,{1 + i / 10}\n" for i in range(12))
CHAIN = COUPLINGS + "".join(f"large,H{i},H{i + 1},7\n" for i in range(11))


def read(folder, groups, couplings=None):
    path = folder / "mine.csv"
    path.write_text(groups)
    if couplings is not None:
        path.with_name("mine_couplings.csv").write_text(couplings)
    return read_molecules(path)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (GROUPS, r"mine.csv: lists no groups"),
        ("molecule,group,shift_ppm\n", r"mine.csv: the header lacks the column n_protons; it must have molecule,group"),
        (ETHANOL + "ethanol,CH3,3,1.2\n", r"mine.csv, row 4: 'ethanol' has a group 'CH3' already"),
        (GROUPS + "a,H,1.5,1\n", r"mine.csv, row 2: n_protons must be a whole number from 1 to 9, got '1.5'"),
        (GROUPS + "a,H,0,1\n", r"mine.csv, row 2: n_protons must be a number from 1 to 9, got '0'"),
        (GROUPS + "a,H,1,nan\n", r"mine.csv, row 2: shift_ppm must be a number from -5 to 20, got 'nan'"),
        (GROUPS + "a,H,1,far\n", r"mine.csv, row 2: shift_ppm must be a number from -5 to 20, got 'far'"),
        (GROUPS + "a,,1,1\n", r"mine.csv, row 2: the column group is empty"),
        (GROUPS + "a,H\n", r"mine.csv, row 2: the column n_protons is empty"),
    ],
)
def test_odd_groups_are_refused(groups, message, tmp_path):
    with pytest.raises(InputError, match=message):
        read(tmp_path, groups)


@pytest.mark.parametrize(
    ("couplings", "message"),
    [
        ("methanol,CH2,CH3,7\n", r"_couplings.csv, row 2: no molecule 'methanol' in the table of groups"),
        ("ethanol,CH2,OH,7\n", r"_couplings.csv, row 2: 'ethanol' has no group 'OH'; it has CH2, CH3"),
        ("ethanol,CH2,CH2,7\n", r"_couplings.csv, row 2: group 'CH2' is coupled to itself"),
        (
            "ethanol,CH2,CH3,7\nethanol,CH3,CH2,7\n",
            r"_couplings.csv, row 3: the coupling of 'CH3' and 'CH2' comes tw",
        ),
        ("ethanol,CH2,CH3,700\n", r"_couplings.csv, row 2: j_hz must be a number from -100 to 100, got '700'"),
    ],
)
def test_odd_couplings_are_refused(couplings, message, tmp_path):
    with pytest.raises(InputError, match=message):
        read(tmp_path, ETHANOL, COUPLINGS + couplings)


def test_a_network_that_is_too_large_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"mine.csv, row 2: the network of 'large' has 924 states .* than the 300"):
        read(tmp_path, LARGE, CHAIN)


def test_a_table_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "mine.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="must be text in UTF-8"):
        read_molecules(tmp_path / "mine.csv")

"""A results folder refuses other settings, and a second run at the same time."""

import errno

import pytest
from speechbrain.utils.run_opts import RunOptions

from nmr_speech.checks import InputError
from nmr_speech.training.experiment import Experiment

YAML = """\
seed: 1
output_folder: out
save_folder: !ref <output_folder>/save
data_folder: data
skip_prep: False
lr: 0.001
residues: [GLY, VAL]
augmentation: null
number_of_epochs: 3
loader_workers: 0
logger: file
opt_class: !name:torch.optim.Adam
    lr: !ref <lr>
epoch_counter: !new:speechbrain.utils.epoch_loop.EpochCounter
    limit: !ref <number_of_epochs>
"""


@pytest.fixture
def begun(tmp_path):
    """Begins a run in a folder and leaves results there."""
    (tmp_path / "mine.yaml").write_text(YAML)

    def begin(overrides="", folder="out", skip_prep=False, results=True, **options):
        run_opts = RunOptions.from_dictionary(options)
        hparams = {"output_folder": str(tmp_path / folder), "skip_prep": skip_prep}
        overrides = f"output_folder: {tmp_path / folder}\nskip_prep: {skip_prep}\n{overrides}"
        with Experiment(hparams, tmp_path / "mine.yaml", overrides, run_opts).begin() as out:
            if results:
                (out / "results.json").write_text("{}")
        return out

    return begin


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ("lr: 0.3", "`lr` is '0.001' there, '0.3' here"),
        ("seed: 2", "`seed` is '1' there, '2' here"),
        ("residues: [GLY, ALA]", r"`residues\[1\]` is 'VAL' there, 'ALA' here"),
        ("residues: [GLY]", r"`residues` is \['GLY', 'VAL'\] there, \['GLY'\] here"),
        ("augmentation: {white_noise: {snr: 10}}", "`augmentation` is null there, another structure here"),
        ("opt_class: !name:torch.optim.SGD {lr: 0.001}", r"`opt_class` is !name:torch\.optim\.Adam there, !name:torch"),
        ("opt_class: {betas: [0.9, 0.99]}", r"`opt_class\.betas` is absent there"),
        ("epoch_counter: {start: 5}", r"`epoch_counter\.start` is absent there"),
    ],
)
def test_other_settings_are_refused_by_key(begun, overrides, message):
    out = begun()
    before = (out / "hyperparams.yaml").read_bytes()
    with pytest.raises(InputError, match=rf"out: holds results of other settings: {message}.*; set another `output_f"):
        begun(overrides)
    assert (out / "hyperparams.yaml").read_bytes() == before


@pytest.mark.parametrize(
    "overrides",
    ["", "number_of_epochs: 9", "lr: 1.0e-3", "loader_workers: 4", "logger: tensorboard", "data_folder: elsewhere"],
)
def test_what_may_change(begun, overrides):
    begun()
    begun(overrides)


def test_a_folder_may_be_moved(begun, tmp_path):
    begun().rename(tmp_path / "moved")
    begun(folder="moved")


def test_data_of_ones_own_are_part_of_the_settings(begun):
    begun(skip_prep=True)
    with pytest.raises(InputError, match="`data_folder` is 'data' there, 'elsewhere' here"):
        begun("data_folder: elsewhere", skip_prep=True)


def test_run_options_that_change_numbers_are_settings(begun):
    begun(max_grad_norm=1.0, noprogressbar=True)
    begun(max_grad_norm=1.0)
    for options in ({}, {"max_grad_norm": 2.0}, {"max_grad_norm": 1.0, "precision": "bf16"}):
        with pytest.raises(InputError, match="holds results of other settings: `__run_options"):
            begun(**options)


def test_before_anything_is_trained_settings_may_change(begun):
    begun(results=False)
    assert "lr: 0.3" in (begun("lr: 0.3") / "hyperparams.yaml").read_text()


def test_checkpoints_are_results(begun):
    (begun(results=False) / "save" / "CKPT+1").mkdir(parents=True)
    with pytest.raises(InputError, match="`lr` is"):
        begun("lr: 0.3")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"out: holds results, but no hyperparams\.yaml to say of what"),
        (b"", "must hold keys and values"),
        (b"- 1", "must hold keys and values"),
        (b"lr: [", "not valid YAML"),
        (b"lr: \xff", "must be text in UTF-8"),
        (b"[" * 10000, "not valid YAML"),
        (b"x" * 2**23, "must have at most"),
    ],
)
def test_settings_that_cannot_be_read_are_refused(begun, content, message):
    out = begun()
    (out / "hyperparams.yaml").unlink()
    if content is not None:
        (out / "hyperparams.yaml").write_bytes(content)
    with pytest.raises(InputError, match=message):
        begun()


def test_lines_that_double_each_other_are_compared_in_no_time(begun):
    out = begun()
    doubled = "".join(f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}\n" for n in range(1, 60))
    (out / "hyperparams.yaml").write_text("a0: &a0 {x: 1}\n" + doubled)
    with pytest.raises(InputError, match="holds results of other settings"):
        begun()


def test_two_runs_at_once_are_refused(begun, tmp_path):
    (tmp_path / "mine.yaml").write_text(YAML)
    one = Experiment({"output_folder": str(tmp_path / "out")}, tmp_path / "mine.yaml", "")
    with one.begin(), pytest.raises(InputError, match="out: another run is writing to this folder; wait for it"):
        begun()
    begun(results=False)


def test_what_a_kill_left_half_written_is_removed(begun, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".results.json.x3k.unfinished").write_text("{")
    begun()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["hyperparams.yaml", "results.json"]


def test_a_full_disk_is_named_by_the_folder(begun, tmp_path):
    (tmp_path / "mine.yaml").write_text(YAML)
    one = Experiment({"output_folder": str(tmp_path / "out")}, tmp_path / "mine.yaml", "")
    with pytest.raises(OSError, match=r"No space left on device: .*out"), one.begin():
        raise OSError(errno.ENOSPC, "No space left on device")

"""A data set on the Hub, and back as the recipe reads it."""

import shutil
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard, snapshot_download

from nmr_speech.checks import InputError
from nmr_speech.cli import main
from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.plan import DatasetPlan
from nmr_speech.publish.commands import publish_data
from nmr_speech.publish.upload import Target
from nmr_speech.training.dataio import load_datasets

TARGET = Target("user/spectra", kind="dataset")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "data"
    build_dataset(folder, DatasetPlan(1986, ["GLY", "ALA"], 4, nuisances={"white_noise": {"snr": 100}}))
    return folder


@pytest.fixture
def data(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "data"))


def test_to_the_hub_and_back(hub, data, tmp_path, capsys):
    main(["publish-data", str(data), "user/spectra", "--tag=v1.0"])
    assert "tagged v1.0" in capsys.readouterr().out
    back = Path(snapshot_download("user/spectra", repo_type="dataset", revision="v1.0", local_dir=tmp_path / "back"))
    for path in data.rglob("*.*"):
        assert (back / path.relative_to(data)).read_bytes() == path.read_bytes()
    splits = ("train", "valid", "test")
    datasets, _ = load_datasets({name: back / f"{name}.csv" for name in splits}, back, ["GLY", "ALA"])
    assert sum(map(len, datasets.values())) == 8
    assert not (data / "README.md").exists()
    card = DatasetCard.load(back / "README.md")
    assert card.data.license == "apache-2.0"
    for said in ("mixing time, s | 0.06", "field, MHz (1H) | 600.0", '{"white_noise": {"snr": 100}}', "GLY"):
        assert said in card.text
    told = {}
    exec(card.text.split("```python\n")[1].split("```")[0], told)
    assert len(list(Path(told["folder"]).rglob("*.wav"))) == 8

    written = len(hub.writes())
    publish_data(data, TARGET, say=lambda _: None)
    assert len(hub.writes()) == written


def test_a_dry_run_and_one_recording_more_to_send(lfs_hub, data, capsys):
    publish_data(data, TARGET, dry_run=True)
    assert "to upload: 13 files" in capsys.readouterr().out
    assert lfs_hub.writes() == []
    publish_data(data, TARGET)
    repository = lfs_hub.repositories["dataset", "user/spectra"]
    tree = repository.commits[repository.branches["main"]]
    lost = next(name for name in tree if name.endswith(".wav"))
    del tree[lost]
    capsys.readouterr()
    publish_data(data, TARGET, dry_run=True)
    assert f"new      {lost}" in capsys.readouterr().out


def test_folders_that_are_no_data_set_to_show(lfs_hub, data):
    manifest, wav = data / "test.csv", next(data.rglob("*.wav"))
    text = manifest.read_text()
    manifest.write_text(text.replace("$data_root/wav", "/home/me/wav"))
    with pytest.raises(InputError, match=r"not fit to be published: test\.csv holds the local path /home/me/wav"):
        publish_data(data, TARGET)
    manifest.write_text(text.replace("$data_root/wav", "$data_root/../wav"))
    with pytest.raises(InputError, match=r"must begin with \$data_root and lie in this folder"):
        publish_data(data, TARGET)
    manifest.write_text(text)
    wav.unlink()
    with pytest.raises(InputError, match=rf"{wav.name} of {wav.stem} is missing; simulate the data set again"):
        publish_data(data, TARGET)
    (data / "dataset.json").unlink()
    with pytest.raises(InputError, match=r"holds no dataset\.json, so it is not a complete simulated data set"):
        publish_data(data, TARGET)
    assert lfs_hub.log == []

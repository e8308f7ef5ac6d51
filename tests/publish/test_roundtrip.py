"""From a results folder to the Hub and back, by the genuine client, in both of its ways to upload."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from huggingface_hub import HfApi, ModelCard, hf_hub_download
from speechbrain.inference.classifiers import EncoderClassifier
from speechbrain.utils.fetching import FetchConfig

from nmr_speech.inference.classifier import AminoAcidClassifier
from nmr_speech.publish.bundle import FILES, make_bundle
from nmr_speech.publish.commands import publish_model
from nmr_speech.publish.upload import Target
from tests.fixtures import WRITER, files_of, write_results
from tests.loopback_hub import loopback_hub

ROOT = Path(__file__).parents[2]
WAVS = torch.randn(2, 65536, 4, generator=torch.Generator().manual_seed(2))


def quiet(_):
    """Take the report and say nothing."""


def publish(results, repository="user/amino", **settings):
    dry_run = settings.pop("dry_run", False)
    return publish_model(results, Target(repository, **settings), dry_run=dry_run, say=quiet)


def test_from_a_tag_a_commit_and_a_folder_by_stock_speechbrain_and_by_ours(hub, results, tmp_path):
    commit = publish(results, tag="v1.0")
    make_bundle(results, tmp_path / "bundle", "user/amino")
    expected = AminoAcidClassifier.from_hparams(results).classify_batch(WAVS)
    configs = [FetchConfig(token=None, revision=revision) for revision in ("v1.0", commit)]
    loaded = [
        *(AminoAcidClassifier.from_hparams("user/amino", revision=name) for name in (None, "v1.0", commit)),
        *(EncoderClassifier.from_hparams("user/amino", fetch_config=config) for config in configs),
        AminoAcidClassifier.from_hparams("user/amino", revision=commit, run_yaml=True),
        AminoAcidClassifier.from_hparams(tmp_path / "bundle"),
        EncoderClassifier.from_hparams(str(tmp_path / "bundle")),
    ]
    assert [model.commit for model in loaded[:3]] == [commit] * 3
    for model in loaded:
        given = model.classify_batch(WAVS)
        assert all(torch.equal(one, other) for one, other in zip(expected[:3], given[:3], strict=True))
        assert given[3] == expected[3]
    there = {name: Path(hf_hub_download("user/amino", name, revision=commit)).read_bytes() for name in FILES_HERE}
    assert {name: content for name, content in files_of(tmp_path / "bundle").items() if name != "README.md"} == there


FILES_HERE = FILES - {"README.md", "confusion.png", "recording.png", "per_class.md"}


def test_a_second_run_uploads_nothing_and_a_changed_model_only_what_changed(hub, results, tmp_path):
    first = publish(results)
    written = len(hub.writes())
    assert publish(results) == first
    assert len(hub.writes()) == written
    assert publish(results, tag="v1.0") == first
    assert [path.split("/")[-2] for _, path in hub.writes()[written:]] == ["tag"]

    (results / "train_log.txt").write_text("epoch: 2\n")
    second = publish(results)
    model, card = (hub.repositories["model", "user/amino"].commits[commit] for commit in (first, second))
    assert {name for name in card if card[name] != model.get(name)} == {"train_log.txt", "README.md"}
    assert HfApi().list_repo_refs("user/amino").tags[0].target_commit == first


def test_the_snippet_of_the_card_runs_and_names_the_commit_of_the_model(hub, results):
    publish(results)
    card = Path(hf_hub_download("user/amino", "README.md")).read_text()
    snippet = card.split("```python\n")[1].split("```")[0]
    told = {}
    exec(compile(snippet, "README.md", "exec"), told)
    assert told["classifier"].commit == told["revision"]
    assert told["names"][0] in ("ALA", "GLY")
    assert ModelCard(card).data.eval_results[0].metric_value == 0.85
    assert ModelCard(card).data.library_name == "speechbrain"


def test_a_repository_of_an_organisation_a_private_one_and_a_branch(lfs_hub, results, monkeypatch):
    publish(results, "group/amino", private=True)
    assert lfs_hub.repositories["model", "group/amino"].private
    commit = publish(results, "group/amino", revision="next")
    assert AminoAcidClassifier.from_hparams("group/amino", revision="next").commit == commit
    assert lfs_hub.repositories["model", "group/amino"].branches["main"] != commit


def test_a_proposal(hub, results):
    hub.create("model", "other/amino", private=False)
    before = hub.repositories["model", "other/amino"].branches["main"]
    said = []
    assert publish_model(results, Target("other/amino", create_pr=True), say=said.append) is None
    assert said[-1] == f"proposed: {hub.url}/other/amino/discussions/1"
    assert hub.repositories["model", "other/amino"].branches["main"] == before
    proposed = AminoAcidClassifier.from_hparams("other/amino", revision="refs/pr/1")
    assert torch.equal(
        proposed.classify_batch(WAVS)[0], AminoAcidClassifier.from_hparams(results).classify_batch(WAVS)[0]
    )


def test_equal_results_give_equal_bytes(tmp_path):
    bundles = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        make_bundle(write_results(tmp_path / name), tmp_path / name / "bundle", "user/amino")
        bundles.append(files_of(tmp_path / name / "bundle"))
    assert bundles[0] == bundles[1]


@pytest.mark.parametrize("xet", [False, True], ids=["lfs", "xet"])
def test_from_the_command_line(xet, results, tmp_path):
    """In a process whose Hub client has read its environment itself."""
    with loopback_hub(tokens={WRITER: ("user", "write")}, xet=xet) as hub:
        settings = {
            "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": WRITER, "NO_PROXY": "127.0.0.1",
            "HF_HUB_DISABLE_XET": str(int(not xet)), "HF_HUB_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        command = [sys.executable, "-m", "nmr_speech.cli", "publish", results, "user/amino", "--tag=v1.0"]
        ended = subprocess.run(
            command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        assert "tagged v1.0" in ended.stdout
        assert "frontend.safetensors" in hub.repositories["model", "user/amino"].commits[
            hub.repositories["model", "user/amino"].tags["v1.0"]
        ]  # fmt: skip
        assert any("xet-write-token" in path for _, path in hub.log) is xet

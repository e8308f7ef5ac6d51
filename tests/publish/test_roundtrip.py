"""From a results folder to the Hub and back, by the genuine client."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard, hf_hub_download
from speechbrain.inference.classifiers import EncoderClassifier
from speechbrain.utils.fetching import FetchConfig

from nmr_speech.cli import main
from nmr_speech.inference.classifier import AminoAcidClassifier
from nmr_speech.publish.bundle import FILES, make_bundle
from nmr_speech.publish.commands import publish_bundle, publish_model
from nmr_speech.publish.upload import Target
from tests.fixtures import WRITER, files_of, write_results
from tests.loopback_hub import loopback_hub

ROOT = Path(__file__).parents[2]
WAVS = torch.randn(2, 65536, 4, generator=torch.Generator().manual_seed(2))


def quiet(_):
    """Take the report and say nothing."""


def test_from_a_tag_a_commit_and_a_folder_by_stock_speechbrain_and_by_ours(hub, bundled):
    """In both of the client's ways to upload."""
    results = bundled.parent / "results"
    commit = publish_model(results, Target("user/amino", tag="v1.0"), say=quiet)
    expected = AminoAcidClassifier.from_hparams(results).classify_batch(WAVS)
    configs = [FetchConfig(token=None, revision=revision) for revision in ("v1.0", commit)]
    loaded = [
        *(AminoAcidClassifier.from_hparams("user/amino", revision=name) for name in (None, "v1.0", commit)),
        *(EncoderClassifier.from_hparams("user/amino", fetch_config=config) for config in configs),
        AminoAcidClassifier.from_hparams("user/amino", revision=commit, run_yaml=True),
        AminoAcidClassifier.from_hparams(bundled),
        EncoderClassifier.from_hparams(str(bundled)),
    ]
    assert [model.commit for model in loaded[:3]] == [commit] * 3
    for model in loaded:
        given = model.classify_batch(WAVS)
        assert all(torch.equal(one, other) for one, other in zip(expected[:3], given[:3], strict=True))
        assert given[3] == expected[3]
    names = FILES - {"README.md", "confusion.png", "recording.png", "per_class.md"}
    there = {name: Path(hf_hub_download("user/amino", name, revision=commit)).read_bytes() for name in names}
    assert {name: content for name, content in files_of(bundled).items() if name != "README.md"} == there


def test_the_snippet_of_the_card_runs_and_names_the_commit_of_the_model(lfs_hub, bundled):
    publish_bundle(bundled, Target("user/amino"), say=quiet)
    card = Path(hf_hub_download("user/amino", "README.md")).read_text()
    snippet = card.split("```python\n")[1].split("```")[0]
    told = {}
    exec(compile(snippet, "README.md", "exec"), told)
    assert told["classifier"].commit == told["revision"]
    assert told["names"][0] in ("ALA", "GLY")
    assert ModelCard(card).data.eval_results[0].metric_value == 0.85
    assert ModelCard(card).data.library_name == "speechbrain"


def test_equal_results_give_equal_bytes(bundled, tmp_path):
    make_bundle(write_results(tmp_path), tmp_path / "bundle", "user/amino")
    assert files_of(tmp_path / "bundle") == files_of(bundled)


def test_a_dry_run_by_the_command(lfs_hub, bundled, capsys):
    results = str(bundled.parent / "results")
    main(["publish", results, "group/amino", "--dry-run", "--private", "--dataset=user/spectra"])
    assert "new      frontend.safetensors" in capsys.readouterr().out
    assert lfs_hub.writes() == []


@pytest.mark.slow
def test_from_the_command_line(bundled, tmp_path):
    """In a process whose Hub client reads its environment itself, and uploads in its default way."""
    with loopback_hub(tokens={WRITER: ("user", "write")}, xet=True) as hub:
        settings = {
            "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": WRITER, "NO_PROXY": "127.0.0.1",
            "HF_HUB_DISABLE_XET": "0", "HF_HUB_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        results = bundled.parent / "results"
        command = [sys.executable, "-m", "nmr_speech.cli", "publish", results, "user/amino", "--tag=v1.0"]
        ended = subprocess.run(
            command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        assert "tagged v1.0" in ended.stdout
        repository = hub.repositories["model", "user/amino"]
        assert "frontend.safetensors" in repository.commits[repository.tags["v1.0"]]
        assert any("xet-write-token" in path for _, path in hub.log)

"""What is shipped: imports, types, wheel and source archive."""

import json
import os
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from setuptools import build_meta

import nmr_speech
from nmr_speech.corpus import read_wav
from nmr_speech.corpus.dataset import build_dataset
from nmr_speech.corpus.plan import DatasetPlan

ROOT = Path(__file__).parents[1]
SHIPPED = ("nmr_speech", "tests", "recipes", "hparams", "benchmarks", "examples", "docs")


def python(code, *, executable=sys.executable, cwd=None, environment=None):
    """Run code in a fresh process and return what it prints."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} if environment is None else environment
    done = subprocess.run(
        [executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_is_quick():
    heavy = ("torch", "speechbrain", "matplotlib")
    code = f"import sys, nmr_speech; print([name for name in {heavy} if name in sys.modules])"
    assert python(code) == "[]"


def test_the_classifier_is_a_name_of_the_package():
    from nmr_speech import AminoAcidClassifier  # noqa: PLC0415 - it is the import that is tested
    from nmr_speech.inference import AminoAcidClassifier as defined  # noqa: PLC0415

    assert AminoAcidClassifier is defined
    assert "AminoAcidClassifier" in dir(nmr_speech)
    with pytest.raises(AttributeError, match="module 'nmr_speech' has no attribute 'AminoAcid'"):
        nmr_speech.AminoAcid  # noqa: B018


def test_data_of_an_earlier_version_are_accepted(tmp_path):
    plan = DatasetPlan(1986, ["GLY"], 3)
    build_dataset(tmp_path / "data", plan)
    path = tmp_path / "data" / "dataset.json"
    description = json.loads(path.read_text())
    assert description["nmr_speech"] == nmr_speech.__version__
    path.write_text(json.dumps(description | {"nmr_speech": "0.1.0"}))
    assert build_dataset(tmp_path / "data", plan) == 0


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Wheel and source archive, from a copy of what git tracks: builds leave files behind."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("needs the git checkout, which says what belongs to the project")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    names = tracked.stdout.splitlines()
    for name in names:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(source)
        wheel, archive = build_meta.build_wheel(str(out)), build_meta.build_sdist(str(out))
    return out / wheel, out / archive, names


@pytest.mark.slow
def test_the_source_archive_holds_what_tests_need(archives):
    _, archive, tracked = archives
    with tarfile.open(archive) as content:
        names = {name.partition("/")[2] for name in content.getnames()}
    wanted = {name for name in tracked if name.split("/")[0] in SHIPPED or name in ("Makefile", "mkdocs.yml")}
    assert wanted - names == set()


@pytest.mark.slow
def test_the_wheel_holds_data_and_weights(archives):
    wheel, _, tracked = archives
    with zipfile.ZipFile(wheel) as content:
        names = set(content.namelist())
    assert {name for name in tracked if name.startswith("nmr_speech/")} - names == set()
    assert {name.split("/")[0] for name in names} == {"nmr_speech", f"nmr_speech-{nmr_speech.__version__}.dist-info"}


@pytest.mark.slow
def test_the_wheel_runs_in_a_fresh_environment(archives, tmp_path):
    wheel = archives[0]
    venv.create(tmp_path / "venv", with_pip=True)
    executable = tmp_path / "venv" / "bin" / "python"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    install = [executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, env=environment)
    # Its dependencies are those of this environment: downloading them takes minutes and gigabytes.
    site = python("import sysconfig; print(sysconfig.get_path('purelib'))", executable=executable)
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    (Path(site) / "dependencies.pth").write_text("\n".join(dependencies) + "\n")

    where = "import nmr_speech; print(nmr_speech.__file__, nmr_speech.__version__)"
    found = python(where, executable=executable, cwd=tmp_path, environment=environment)
    assert found == f"{site}/nmr_speech/__init__.py {nmr_speech.__version__}"
    command = [tmp_path / "venv" / "bin" / "nmr-speech", "simulate", "GLY", "--out", "x.wav"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    wav = read_wav(tmp_path / "x.wav")
    assert wav.shape == (65536, 4)
    assert np.isclose(float(wav.abs().max()), 1, atol=0.5)
    loaded = "from nmr_speech.reconstruction import load_modern; print(type(load_modern()).__name__)"
    assert python(loaded, executable=executable, cwd=tmp_path, environment=environment) == "MoDern"


def test_torch_and_torchaudio_are_pinned_to_one_release():
    """A release of either may fail with one of the other that its own requirements allow: torchaudio 2.11.1 does."""
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    found = {one.partition("==")[0]: one.partition("==")[2] for one in required if one.startswith("torch")}
    assert set(found) == {"torch", "torchaudio"}
    assert len(set(found.values())) == 1
    assert "*" not in found["torch"]

"""What the documents say exists, is current, and runs."""

import argparse
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import speechbrain as sb
from ruamel.yaml import YAML

import nmr_speech
from nmr_speech import cli
from nmr_speech.corpus import stack_fid, write_wav
from nmr_speech.publish.commands import publish_model
from nmr_speech.publish.upload import Target
from nmr_speech.simulate import draw_recording
from tests.fixtures import write_results

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BUILT = {"data", "results", "site", "build", "dist"}
DOCUMENTS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if (top := path.relative_to(ROOT).parts[0]) not in BUILT and not top.startswith(".")
)
# What a reader types; tests/README.md and the changelog hold no commands.
GUIDES = [path for path in DOCUMENTS if path.name not in ("CHANGELOG.md",) and path.parent != ROOT / "tests"]
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(#[^)\s]*)?\)")


def name_of(path):
    return str(path.relative_to(ROOT))


def blocks(text, language):
    """Fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def commands(text):
    """Words of each command in bash blocks, in indented blocks, and between backticks where a program is named."""
    code = "\n".join(blocks(text, "bash"))
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    code += "\n" + "\n".join(re.findall(r"(?<=\n\n) {4}\S.*(?:\n {4}.*)*", prose))
    inline = r"`((?:python (?:-m )?[a-z]+[./]|nmr-speech [a-z]+ |make [a-z]+)[^`]*)`"
    code += "\n" + "\n".join(re.findall(inline, prose))
    variables = {}
    for line in code.replace("\\\n", " ").splitlines():
        for part in re.split(r"\s&&\s|;\s", line):
            words = shlex.split(part, comments=True)
            if words and re.fullmatch(r"\w+=\S+", words[0]):
                key, _, value = words.pop(0).partition("=")
                variables[key] = value
            words = [variables.get(word.removeprefix("$"), word) if word.startswith("$") else word for word in words]
            if words and words[0] in PROGRAMS:
                yield words


def keys_of(path):
    """Keys of a YAML file, those of its base included."""
    text = path.read_text()
    base = re.search(r"^base: (\S+)", text, re.MULTILINE)
    keys = set(re.findall(r"^(\w+):", text, re.MULTILINE)) - {"base"}
    return keys | (keys_of(path.parent / base[1]) if base else set())


def check_python(words):
    """A recipe: its files exist, and so does each key that is overridden. A module or benchmark: it exists."""
    if words[1] == "-m":
        assert (ROOT / f"{words[2].replace('.', '/')}.py").is_file(), words[2]
        return
    assert (ROOT / words[1]).is_file(), words[1]
    if len(words) > 2 and words[2].endswith(".yaml"):
        file, _, overrides = sb.parse_arguments(words[2:])
        assert (ROOT / file).is_file(), file
        for key, value in (YAML().load(overrides) or {}).items():
            assert key in keys_of(ROOT / file), f"{file} has no key `{key}`"
            if (tag := getattr(value, "tag", None)) and str(tag.value).startswith("!include:"):
                part = str(tag.value).removeprefix("!include:")
                assert (ROOT / file).parent.joinpath(part).is_file(), part


def check_torchrun(words):
    check_python(["python", *(word for word in words[1:] if not word.startswith("--nproc_per_node"))])


class Parsed(Exception):
    """The parser took the command line; nothing is run."""


def parse_only(parser, arguments):
    PARSE(parser, arguments)
    raise Parsed


PARSE = argparse.ArgumentParser.parse_args


def check_package(words):
    """A command of the package, by its own parser."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
        with pytest.raises((Parsed, SystemExit)) as stopped:
            cli.main(words[1:])
    assert stopped.type is Parsed or stopped.value.code == 0, shlex.join(words)  # 0 after --help
    for word in words:
        if word.startswith(("examples/", "hparams/")):
            assert (ROOT / word).exists(), word


def check_make(words):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert words[1] in targets, words[1]


def check_pip(words):
    for extra in re.findall(r"\[([\w,]+)\]", " ".join(words)):
        assert set(extra.split(",")) <= set(PROJECT["optional-dependencies"]), extra


PROGRAMS = {
    "python": check_python,
    "torchrun": check_torchrun,
    "nmr-speech": check_package,
    "make": check_make,
    "pip": check_pip,
}


@pytest.mark.parametrize("path", GUIDES, ids=name_of)
def test_commands_exist_and_parse(path):
    for words in commands(path.read_text()):
        PROGRAMS[words[0]](words)


def test_commands_are_found():
    found = [words[0] for path in GUIDES for words in commands(path.read_text())]
    assert {name: found.count(name) > 0 for name in PROGRAMS} == dict.fromkeys(PROGRAMS, True)
    assert found.count("nmr-speech") > 15
    assert found.count("python") > 30


@pytest.fixture
def workplace(tmp_path, monkeypatch, lfs_hub):
    """A folder as a reader has it after the README's commands: models without training, a recording, examples."""
    monkeypatch.chdir(tmp_path)
    made = write_results(tmp_path / "made")
    for name in ("quickstart", "experimental"):
        (tmp_path / "results" / name).mkdir(parents=True)
        (tmp_path / "results" / name / "1986").symlink_to(made)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    write_wav("gly.wav", stack_fid(draw_recording("GLY", seed=1986, index=0).fid)[0])
    return made


@pytest.mark.parametrize(
    "path", [path for path in GUIDES if "```python" in path.read_text() and "recipes" not in path.parts], ids=name_of
)
def test_python_blocks_run(path, workplace):
    text = path.read_text()
    if 'from_hparams("user/amino"' in text:
        publish_model(workplace, Target("user/amino", tag="v1.0"), say=lambda _: None)
    for number, block in enumerate(blocks(text, "python")):
        Path("block.py").write_text(block)
        try:
            runpy.run_path("block.py")
        except Exception as error:
            raise AssertionError(f"{name_of(path)}, block {number + 1}: {error!r}") from error


def anchors(path):
    """Anchors of the headings of a document, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", path.read_text(), flags=re.S | re.M), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path):
    for target, anchor in LINK.findall(path.read_text()):
        there = path.parent / target if target else path
        assert there.exists(), target
        if anchor and there.suffix == ".md":
            assert anchor[1:] in anchors(there), f"{target}{anchor}"


@pytest.mark.parametrize("path", [path for path in GUIDES if "recipes" not in path.parts], ids=name_of)
def test_paths_exist(path):
    named = r"\b(?:recipes|hparams|nmr_speech|benchmarks|tests|examples|docs)/[\w/.]*\w"
    for target in re.findall(named, re.sub(r"\S*://\S*", "", path.read_text())):
        assert (ROOT / target).exists(), target


def test_every_page_is_in_the_navigation():
    text = (ROOT / "mkdocs.yml").read_text()
    for path in [*(ROOT / "docs").rglob("*.md"), *(ROOT / "docs").rglob("*.ipynb")]:
        if ".ipynb_checkpoints" not in path.parts:
            assert path.relative_to(ROOT / "docs").as_posix() in text, path


def test_the_readme_is_short():
    lines = README.splitlines()
    assert len(lines) <= 150
    assert [line for line in lines if len(line) > 120] == []
    assert len(README) <= 12_000


def test_numbers_are_those_measured():
    checked = subprocess.run(
        [sys.executable, "-m", "benchmarks.readme", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_one_version_everywhere():
    citation = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == nmr_speech.__version__
    released = re.findall(r"^## \[([\d.]+)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released[0] == (nmr_speech.__version__, str(citation["date-released"]))


def test_the_parts_listed_are_all():
    text = (ROOT / "docs" / "howto" / "train.md").read_text()
    for kind in ("frontend", "backbone", "head"):
        (row,) = re.findall(rf"^\| `{kind}` \|(.*)\|$", text, re.MULTILINE)
        assert set(re.findall(r"`(\w+)`", row)) == {path.stem for path in (ROOT / "hparams" / kind).glob("*.yaml")}

"""Pages that are not written here: READMEs of the repository, the API by room, commands, notebooks with their outputs.

EXECUTE=no in the environment leaves the notebooks without outputs: quicker while writing.
"""

import contextlib
import io
import os
import re
import tempfile
from pathlib import Path, PurePosixPath

import nbformat
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "nmr_speech"
WORK = tempfile.TemporaryDirectory()
# Page of the site: file of the repository.
IMPORTED = {
    "index.md": "README.md",
    "derivations.md": "tests/README.md",
    "reference_data.md": "tests/data/README.md",
    "shifts.md": "nmr_speech/simulate/data/README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    **{
        f"{path.parent.relative_to(ROOT).as_posix()}.md": path.relative_to(ROOT).as_posix()
        for folder in ("recipes", "examples")
        for path in sorted((ROOT / folder).glob("*/README.md"))
    },
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def rooms() -> dict[str, list[str]]:
    """Page of each room, and the modules on it: modules beside the rooms share the first."""
    found = {"api/basics.md": []}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] == "__main__" or parts == ("nmr_speech", "__init__"):
            continue
        page = "api/basics.md" if len(parts) == 2 else f"api/{parts[1]}.md"
        found.setdefault(page, []).append(".".join(part for part in parts if part != "__init__"))
    return found


def on_config(config):
    """Put the pages of a folder where the navigation names the folder."""

    def expanded(item):
        if isinstance(item, dict):
            ((title, value),) = item.items()
            if value == "api":
                return {title: sorted(rooms(), key=lambda page: (page != "api/basics.md", page))}
            return {title: expanded(value)}
        if isinstance(item, list):
            return [one for entry in item for one in expanded_list(entry)]
        return item

    def expanded_list(entry):
        if isinstance(entry, str) and entry.endswith("/*"):
            return [page for page in sorted(IMPORTED) if page.startswith(entry[:-1])]
        return [expanded(entry)]

    config.nav = expanded(config.nav)
    return config


@event_priority(-100)  # after mkdocs-jupyter has found the notebooks
def on_files(files, config):
    """Add the pages, and what they show."""
    for page, source in IMPORTED.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    for page, modules in rooms().items():
        files.append(File.generated(config, page, content=api_page(page, modules)))
    files.append(File.generated(config, "commands.md", content=commands_page()))
    if os.environ.get("EXECUTE") != "no":
        for notebook in sorted((ROOT / "docs" / "tutorials").glob("*.ipynb")):
            files.get_file_from_path(f"tutorials/{notebook.name}").abs_src_path = str(executed(notebook))
    for picture in sorted((ROOT / "benchmarks").rglob("*.png")):
        name = picture.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Let links lead to pages and pictures of the site; where there is none, keep the words."""
    own = page.file.src_uri
    source = PurePosixPath(IMPORTED.get(own, f"docs/{own}"))

    def target(match):
        mark, text, path, anchor = match.groups()
        there = page_of(os.path.normpath(source.parent / path), files)
        return f"{mark}[{text}]({os.path.relpath(there, PurePosixPath(own).parent)}{anchor or ''})" if there else text

    if own.startswith("api/"):
        return markdown
    return LINK.sub(target, markdown)


def on_page_content(html, page, config, files):
    """The same for the links of notebooks, which are HTML by now; without the loader for diagrams from elsewhere."""
    own = PurePosixPath(page.file.src_uri)
    if own.suffix != ".ipynb":
        return html

    def target(match):
        there = page_of(os.path.normpath(PurePosixPath("docs") / own.parent / match[1]), files)
        if there is None:
            raise ValueError(f"{own}: {match[1]} is no page of the site")
        return f'href="{os.path.relpath(re.sub("[.](md|ipynb)$", ".html", there), own.parent)}{match[2] or ""}"'

    html = re.sub(r'<script type="module">(?:(?!</script>).)*mermaid.*?</script>', "", html, flags=re.DOTALL)
    return re.sub(r'href="(?![a-z]+:)([^"#]+[.](?:md|ipynb))(#[^"]*)?"', target, html)


def page_of(path: str, files) -> str | None:
    """Page of the site for a file of the repository; None where there is none."""
    if path.startswith("docs/") and files.get_file_from_path(path.removeprefix("docs/")):
        return path.removeprefix("docs/")
    if path.startswith("benchmarks/") and path.endswith(".png"):
        return path
    return next((page for page, source in IMPORTED.items() if source == path), None)


def executed(path: Path) -> Path:
    """A copy of a notebook with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    # ipykernel warns that its messages are not encrypted; they stay on the loopback interface.
    quiet = ["--log-level=ERROR"]
    resources = {"metadata": {"path": path.parent}}
    NotebookClient(notebook, timeout=600, extra_arguments=quiet, resources=resources).execute()
    nbformat.write(notebook, copy := Path(WORK.name) / path.name)
    return copy


def api_page(page: str, modules: list[str]) -> str:
    """One heading a room; the docstring of each module, then its public names."""
    name = PurePosixPath(page).stem
    lines = [f"# {name}", ""]
    if name != "basics" and f"nmr_speech.{name}" in modules:
        modules = [module for module in modules if module != f"nmr_speech.{name}"]
        lines += [f"::: nmr_speech.{name}", "    options: {members: false, show_root_heading: false}", ""]
    for module in modules:
        lines += [f"::: {module}", ""]
        if (ROOT / module.replace(".", "/")).is_dir():  # the modules below follow; what it imports from them is theirs
            lines.insert(-1, "    options: {members: false}")
    return "\n".join(lines)


def commands_page() -> str:
    """What ``--help`` says of each command."""
    from nmr_speech.cli import main  # noqa: PLC0415 - torch takes seconds to import

    def words(*arguments):
        text = io.StringIO()
        with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
            main([*arguments, "--help"])
        return text.getvalue()

    os.environ["COLUMNS"] = "88"
    overview = words()
    names = re.findall(r"^    ([a-z][a-z-]*)(?: |$)", overview, re.MULTILINE)
    parts = ["# Commands", f"```text\n{overview}```"]
    parts += [f"## nmr-speech {name}\n\n```text\n{words(name)}```" for name in names]
    return "\n\n".join(parts)

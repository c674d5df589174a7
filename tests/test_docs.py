"""Tests of README and docs: links, commands with their options, and the reference of all options."""

import re
import runpy
import shlex
import subprocess
from pathlib import Path

import pytest

from architectures.catalogue import CATALOGUE
from harness.commands.catalogue import COMMANDS, load_command
from studies.presets import PRESETS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")
ROOT_ENTRIES = {
    ".ci",
    ".github",
    ".gitignore",
    ".pre-commit-config.yaml",
    "CITATION.cff",
    "LICENSE",
    "Makefile",
    "README.md",
    "architectures",
    "constraints.txt",
    "datasets",
    "docs",
    "harness",
    "mkdocs.yml",
    "pyproject.toml",
    "reports",
    "studies",
    "tests",
}


def _list_commands(page: Path) -> list[str]:
    """Return the commands of `harness` in the code blocks of a page, then those in its sentences.

    tests/harness/test_documented_commands.py runs those of the code blocks.
    """
    text = re.sub(r" *\\\n\s+", " ", page.read_text(encoding="utf-8"))
    lines = [line.strip() for line in text.splitlines() if re.match(r" {4,}harness \w", line)]
    return [*lines, *(" ".join(words.split()) for words in re.findall(r"`(harness [a-z][^`]*)`", text))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    missing = [
        target for target in LINK.findall(page.read_text("utf-8")) if not (page.parent / target).exists()
    ]
    assert not missing


@pytest.mark.parametrize("line", list(dict.fromkeys(line for page in PAGES for line in _list_commands(page))))
def test_commands_and_their_options_exist(line: str) -> None:
    arguments = shlex.split(re.sub(r"\[|\]", "", line), comments=True)[1:]
    command = load_command(arguments.pop(0))
    while children := getattr(command, "commands", None):
        command = children[arguments.pop(0)]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    used = {word.partition("=")[0] for word in arguments if word.startswith("--")}
    assert used <= options | {"--help"}


def test_reference_is_that_of_the_command_line() -> None:
    module = runpy.run_path(str(ROOT / "docs" / "reference.py"))
    assert module["PAGE"].read_text(encoding="utf-8") == module["render_reference"](), (
        "run python docs/reference.py"
    )


def test_every_command_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert all(f"\n## harness {name}" in text for name in COMMANDS)


def test_every_page_is_in_the_navigation_and_in_the_index() -> None:
    names = {page.name for page in PAGES[1:]}
    navigation = set(re.findall(r"- (\S+\.md)", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    index = set(LINK.findall((ROOT / "docs" / "index.md").read_text(encoding="utf-8")))
    assert navigation == names
    assert index == names - {"index.md"}


def test_readme_is_read_in_two_minutes() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_readme_shows_the_networks_of_the_demo() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text[text.index("| Network |") :].split("\n\n")[0]
    names = [name for line in table.splitlines()[2:] if (name := line.split("|")[1].strip(" `")) in CATALOGUE]
    assert names == list(PRESETS["demo"].networks)


def test_root_has_only_expected_files() -> None:
    listing = subprocess.run(("git", "ls-files"), cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("this is no checkout")
    assert {Path(file).parts[0] for file in listing.stdout.splitlines()} == ROOT_ENTRIES

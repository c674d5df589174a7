"""Tests that commands are imported when called, and that their listed summaries match their help."""

import subprocess
import sys

import pytest

from harness.commands.catalogue import COMMANDS, load_command
from tests.harness.processes import ROOT
from tests.harness.tiny import Run


@pytest.mark.parametrize("name", COMMANDS)
def test_command_summary_is_the_first_line_of_its_help(name: str) -> None:
    assert COMMANDS[name] == load_command(name).help.splitlines()[0]


def _modules_after_help() -> set[str]:
    code = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from harness.cli import main\n"
        "try: main()\n"
        "except SystemExit as ended: print('ended', ended.code or 0, *sys.modules)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    text, _, modules = process.stdout.partition("ended 0 ")
    assert "╭─ Commands" in text
    assert all(name in text for name in COMMANDS)
    return set(modules.split())


def test_help_imports_no_command_and_no_unused_renderer() -> None:
    modules = _modules_after_help()
    commands = {name for name in modules if name.startswith("harness.commands.")}
    assert commands == {"harness.commands.catalogue"}
    assert not {"rich.markdown", "rich.traceback", "markdown_it"} & modules


def test_modules_are_complete_after_help(harness: Run) -> None:
    assert harness("--help")[0] == 0
    from rich.markdown import Markdown

    assert Markdown("# Title").markup == "# Title"


def test_group_and_its_commands_print_their_full_names(harness: Run) -> None:
    status, _, err = harness("data", "list", "--nonsense")
    assert (status, "`harness data list --help`" in err) == (2, True)
    status, out, _ = harness("data", "--help")
    assert (status, "harness data [OPTIONS] COMMAND" in out, "synthesize" in out) == (0, True, True)

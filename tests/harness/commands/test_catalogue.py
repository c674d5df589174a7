"""Tests that commands are imported when called, and that their listed summaries match their help."""

import subprocess
import sys

import pytest

from harness.commands.catalogue import COMMANDS, load_command
from tests.harness.processes import ROOT
from tests.harness.tiny import Run


@pytest.mark.parametrize("name", COMMANDS)
def test_the_first_line_of_a_command_is_that_of_its_own_help(name: str) -> None:
    assert COMMANDS[name] == load_command(name).help.splitlines()[0]


def _modules_after_help() -> set[str]:
    code = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from harness.cli import main\n"
        "try: main()\n"
        "except SystemExit as ended: print('ended', ended.code or 0, *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    text, _, modules = done.stdout.partition("ended 0 ")
    assert "╭─ Commands" in text
    assert all(name in text for name in COMMANDS)
    return set(modules.split())


def test_help_imports_neither_commands_nor_what_it_does_not_draw_with() -> None:
    modules = _modules_after_help()
    commands = {name for name in modules if name.startswith("harness.commands.")}
    assert commands == {"harness.commands.catalogue"}
    assert not {"rich.markdown", "rich.traceback", "markdown_it"} & modules


def test_after_help_other_code_finds_the_real_modules(harness: Run) -> None:
    assert harness("--help")[0] == 0
    from rich.markdown import Markdown

    assert Markdown("# Title").markup == "# Title"


def test_a_group_and_its_commands_answer_by_their_full_names(harness: Run) -> None:
    status, _, err = harness("data", "list", "--nonsense")
    assert (status, "`harness data list --help`" in err) == (2, True)
    status, out, _ = harness("data", "--help")
    assert (status, "harness data [OPTIONS] COMMAND" in out, "synthesize" in out) == (0, True, True)

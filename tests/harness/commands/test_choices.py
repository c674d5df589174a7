"""Tests of the shell completion, in real processes, and of the tables of accepted values."""

import os
import subprocess
import sys

import pytest

from harness.commands.choices import TABLES, load_choices
from tests.harness.processes import ROOT

HEAVY = {"torch", "numpy", "pandas", "mlflow"}
COMPLETE = (
    "import sys; from harness.cli import main\n"
    "try: main()\n"
    f"except SystemExit: print(*({HEAVY} & set(sys.modules)), file=sys.stderr)"
)


def _run(code: str, **variables: str) -> tuple[list[str], str]:
    """Run Python code in a process; return the lines of its stdout, and its stderr."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    process = subprocess.run(
        (sys.executable, "-c", code), env=environment, capture_output=True, text=True, check=True
    )
    return process.stdout.split(), process.stderr.strip()


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("harness ab", ["ablate"]),
        ("harness data pre", ["prepare"]),
        ("harness ablate --pre", ["--preset", "--precision"]),
        ("harness ablate --dataset c", ["casme2", "ckplus"]),
        ("harness compare --only mobile", ["mobilenetv3-large"]),
        ("harness cost --only vgg16-bn-gap,res", ["vgg16-bn-gap,resnet34"]),
    ],
)
def test_shell_completion_has_no_heavy_import(line: str, completions: list[str]) -> None:
    position = str(len(line.split()) - 1)
    output = _run(COMPLETE, _HARNESS_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=position)
    assert output == (completions, "")


def test_script_for_a_shell_names_the_program() -> None:
    script, _ = _run(COMPLETE, _HARNESS_COMPLETE="source_bash")
    assert "_HARNESS_COMPLETE=complete_bash" in script
    assert script[-1] == "harness"


def test_no_table_of_accepted_values_needs_a_heavy_import() -> None:
    code = (
        "import sys; from harness.commands.choices import TABLES, load_choices\n"
        "print(*(len(load_choices(label)) > 1 for label in TABLES))\n"
        f"print(*({HEAVY} & set(sys.modules)), file=sys.stderr)"
    )
    assert _run(code) == (["True"] * len(TABLES), "")


@pytest.mark.parametrize("label", TABLES)
def test_choices_are_strings_without_commas(label: str) -> None:
    assert all(isinstance(choice, str) and "," not in choice for choice in load_choices(label))

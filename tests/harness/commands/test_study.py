"""Tests of when mistakes are found, of the question for large studies, and of printed commands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.commands.study import MAX_UNCONFIRMED_CELLS, _confirm_size
from harness.commands.study_end import format_program
from harness.errors import StudyAborted, UserError
from tests.harness.processes import ROOT

MISTAKES = (
    "ablate --preset quik",
    "ablate --epochs 0",
    "compare --only vgg16 --image-size 16",
    "compare --frames peak",
    "compare --executor local --ray-address auto",
    "reproduce --ckplus . --preset quik",
    "tune --trials 0",
    "bench --only vgg61",
    "compare --name a:b",
    "status x",
)
EACH_LINE = """
import sys
from harness.cli import main

for line in sys.stdin:
    sys.argv = ["harness", *line.split()]
    try:
        main()
    except SystemExit as ended:
        print(line.strip(), ended.code, *({"torch", "mlflow", "pandas"} & set(sys.modules)))
"""


def test_mistakes_are_reported_before_torch_and_mlflow_are_imported(tmp_path: Path) -> None:
    process = subprocess.run(
        (sys.executable, "-c", EACH_LINE),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input="\n".join(MISTAKES),
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.splitlines() == [f"{line} 2" for line in MISTAKES], process.stderr


def test_study_of_normal_size_has_no_question() -> None:
    _confirm_size(5 * 68 * 5)
    _confirm_size(MAX_UNCONFIRMED_CELLS)


def test_large_study_without_a_terminal_names_the_option() -> None:
    with pytest.raises(UserError, match="run only with --yes; got 5,000 cells: add --yes, or lower --seeds"):
        _confirm_size(5000)


def test_large_study_asks_for_confirmation(monkeypatch: pytest.MonkeyPatch) -> None:
    user, terminal = os.openpty()
    with open(terminal) as stdin, open(os.dup(terminal), "w") as stderr:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "stderr", stderr)
        os.write(user, b"y\n")
        _confirm_size(5000)
        os.write(user, b"n\n")
        with pytest.raises(StudyAborted, match="nothing was run"):
            _confirm_size(5000)
        monkeypatch.undo()
    os.close(user)


@pytest.mark.parametrize(
    ("started_as", "program"),
    [("/env/harness/__main__.py", "python -m harness"), ("/env/bin/harness", "/env/bin/harness")],
)
def test_next_command_is_one_that_starts_without_a_script_on_the_path(
    monkeypatch: pytest.MonkeyPatch, started_as: str, program: str
) -> None:
    monkeypatch.setattr(sys, "argv", [started_as])
    monkeypatch.setenv("PATH", "")
    assert format_program() == program


def test_next_command_is_the_script_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "harness").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert format_program() == "harness"

"""Tests of the plan that a study prints first, as plain lines and on a terminal of 80 columns."""

from __future__ import annotations

import re
import sys
from io import StringIO
from pathlib import Path

import pytest

from tests.harness.tiny import Run


class Terminal(StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


COMMAND = ("compare", "--dataset", "casme2", "--only", "vgg16-bn-gap", "--preset", "quick", "--epochs", "1")
TINY = (*COMMAND, "--image-size", "32", "--width", "0.0625", "--dry-run")


def test_plan_names_arms_data_training_time_and_disk(harness: Run, tree: Path) -> None:
    status, out, err = harness(*TINY, "--root", tree)
    assert status == 0, err
    first, *fields = err.splitlines()
    assert first.startswith("plan: 1 cell to run on cpu")
    assert [field.split()[0] for field in fields[:5]] == ["arms", "data", "train", "time", "disk"]
    assert fields[0] == "  arms    vgg16-bn-gap; under frame; 1 seed"
    assert fields[1].startswith("  data    72 frames of casme2 (--frames paper) at 32 px")
    assert "of weights" in fields[4]
    assert out.startswith("study comparison-casme2-frame-quick-")


def test_plan_on_a_terminal_fits_80_columns(
    harness: Run, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert harness(*TINY, "--root", tree)[0] == 0
    lines = re.sub(r"\x1b\[\d*m", "", terminal.getvalue()).splitlines()
    assert any(line.startswith("  disk") for line in lines)
    # A path is not broken, however long it is.
    assert max(len(line) for line in lines if str(tmp_path.parent) not in line) <= 80


@pytest.mark.slow
def test_plan_of_the_paper_preset_without_a_gpu_names_the_quick_one(harness: Run, tree: Path) -> None:
    options = ("--only", "vgg16-bn-gap", "--seeds", "20", "--published-practice")
    command = ("compare", "--dataset", "casme2", "--root", tree, *options, "--dry-run")
    status, _, err = harness(*command)
    assert status == 0, err
    fields = dict(line.split(maxsplit=1) for line in err.splitlines() if line.startswith("  "))
    assert fields["time"].endswith("(no GPU: use --preset quick on a CPU)")
    assert fields["train"].endswith("; one more prediction of the test set an epoch")

"""Test of what a study prints at its end, and of its alias, through the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.tracking.tracker import Tracker
from tests.harness.tiny import Run

NET = """
from torch import nn

def tiny(classes):
    return nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, classes))
"""
TINY = ("--preset", "quick", "--epochs", "1", "--image-size", "32", "--width", "0.0625", "--jobs", "1")


@pytest.mark.slow
def test_end_has_scores_verdicts_paths_and_next_commands(harness: Run, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    options = ("--dataset", "casme2", "--root", tree, *TINY, "--only", "proposed")
    command = ("compare", *options, "--architecture", "net.py:tiny")
    status, out, err = harness(*command, "--name", "first")
    assert status == 0, err
    (name,) = Tracker().list_study_names()
    lines = out.splitlines()
    assert lines[:3] == [
        f"study   {name}",
        "alias   first",
        "runs    Comparison on CASME II (preset quick): 2 of 2 runs finished.",
    ]
    start = lines.index("Under frame (overlap: clip 100 %, subject 100 %)")
    header, proposed, tiny, note = lines[start + 1 : start + 5]
    assert header.split("  ")[0] == "Network"
    assert re.search(r"^proposed.* reference$", proposed)
    assert re.search(r"^tiny .* [+-]?\d+\.\d .*(no verdict|both collapsed)$", tiny)
    assert note == "Difference from proposed, in points of accuracy."
    assert max(map(len, lines[start : start + 5])) <= 80
    assert any(line.startswith("- Verdicts need") for line in lines)
    assert f"report  results/{name}/report.md" in lines
    assert any(re.fullmatch(rf"(open    .+|page   ) results/{name}/report.html", line) for line in lines)
    assert re.fullmatch(r"mlflow  .*harness.* ui", lines[-2])
    assert lines[-1] == f"store   {Tracker().display_uri()}"
    assert f"study first ({name}): 2 cells" in err

    document = json.loads(harness(*command, "--name", "second", "--json")[1])
    assert (document["study"], document["alias"]) == (name, "second")
    assert "study second" in harness(*command)[2], "the alias stays"
    outcome = harness(*command, "--seeds", "2", "--name", "second", "--dry-run")
    assert (outcome[0], outcome.code) == (2, "study-alias.taken")
    assert "'second' names comparison-casme2" in outcome[2]

"""Tests of `harness score` from the command line to its files."""

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from studies.prediction_files.megc_log import render_megc_log
from tests.harness.processes import ROOT
from tests.harness.tiny import Run
from tests.studies.prediction_files.synthetic import format_csv, format_subject_log, make_predictions


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with the same predictions in each format, others, and a truth list."""
    predictions = make_predictions()
    (tmp_path / "log.txt").write_text(render_megc_log(predictions))
    (tmp_path / "lists.txt").write_text(format_subject_log(predictions))
    (tmp_path / "table.csv").write_text(format_csv(predictions))
    (tmp_path / "other.txt").write_text(render_megc_log(make_predictions(seed=1)))
    (tmp_path / "list.csv").write_text(
        "".join(f"{p.dataset},{p.subject},{p.clip},{p.truth}\n" for p in predictions)
    )
    return tmp_path


def test_every_format_gives_the_same_scores(harness: Run, files: Path) -> None:
    documents = [
        json.loads(harness("score", name, "--json", "--truth", "list.csv")[1])["files"][0]
        for name in ("log.txt", "lists.txt", "table.csv")
    ]

    assert documents[0]["scopes"] == documents[1]["scopes"] == documents[2]["scopes"]
    assert not any(document["truth_list"]["missing"] for document in documents)


def test_misnamed_number_gets_its_name(harness: Run, files: Path) -> None:
    metrics = json.loads(harness("score", "log.txt", "--json")[1])["files"][0]["scopes"][0]["metrics"]
    uf1, precision, uar = (f"{metrics[name]:.4f}"[1:] for name in ("UF1", "macro precision", "UAR"))
    status, out, err = harness("score", "log.txt", "--claimed", f"UF1={uf1},UAR={precision}")

    assert (status, err) == (0, "")
    assert f"- UF1 {uf1}: yes\n" in out
    assert f"UAR {precision}: no; it is the macro precision {precision}; the UAR is {uar}" in out


def test_two_files_give_their_difference_and_the_document(harness: Run, files: Path) -> None:
    status, out, err = harness("score", "log.txt", "other.txt", "--out", "scores")

    assert (status, err) == (0, "")
    text, _, path = out.rstrip().rpartition("\n")
    assert path == "scores/score.md"
    assert "other.txt minus log.txt" in text
    assert Path(path).read_text().endswith(f"{text}\n")
    assert json.loads((files / "scores/score.json").read_text())["difference"]["clips"] == 120


def test_page_shows_the_output_of_its_example(harness: Run) -> None:
    page = (ROOT / "docs/score.md").read_text()
    log, command, output = (
        textwrap.dedent(block).strip() for block in re.findall(r"\n\n((?:(?:    .*)?\n)+?)(?=\S)", page)[:3]
    )
    Path("method.txt").write_text(log)
    status, out, err = harness(*command.split()[1:])

    assert (status, err) == (0, "")
    assert out.strip() == output


def test_files_are_scored_without_heavy_packages(files: Path) -> None:
    code = (
        "import sys; sys.argv[1:] = ['score', 'log.txt', 'other.txt', '--truth', 'list.csv']\n"
        "from harness.cli import main\n"
        "try: main()\n"
        "except SystemExit: print('loaded', *({'torch', 'mlflow', 'pandas'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    process = subprocess.run(
        command, capture_output=True, text=True, cwd=files, env={"PYTHONPATH": str(ROOT)}, check=True
    )
    assert process.stdout.splitlines()[-1] == "loaded", process.stdout

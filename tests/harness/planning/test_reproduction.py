"""Tests of `harness reproduce`: the paper's experiments on the available sets, one report, claims first."""

import json
import re
import shutil
from pathlib import Path

import pytest

from harness.commands.options import Output
from harness.commands.study import run_studies
from harness.output_folders import name_report_folder
from harness.planning.plan import plan_study
from harness.planning.reproduction import build_requests, find_roots
from tests.error_codes import raises_code
from tests.harness.tiny import Run, request

SMALL = ("--preset", "quick", "--epochs", "1", "--width", "0.125")


def test_papers_frames_use_only_its_split(tree: Path) -> None:
    settings = request(tree, only=(), protocols=("frame", "subject"))
    requests = build_requests(settings, {"casme2": tree})
    assert [(r.kind, r.design, r.protocols) for r in requests] == [
        (kind, design, protocols)
        for kind, design in (("comparison", ""), ("ablation", "ladder"), ("ablation", "controlled"))
        for protocols in (("frame",), ("frame", "subject"))
    ]
    assert all(study_request.checks and study_request.data.root == tree for study_request in requests)
    assert [r.protocols for r in build_requests(settings, {"ckplus": tree})] == [("frame", "subject")]
    paper_only = request(tree, only=(), protocols=("frame",))
    assert [r.protocols for r in build_requests(paper_only, {"casme2": tree})] == [("frame",)] * 3


def test_number_of_folds_is_that_of_the_other_protocols(tree: Path) -> None:
    settings = request(tree, only=(), protocols=("kfold",), folds=3, image_size=65)
    requests = build_requests(settings, {"casme2": tree})
    assert [(r.protocols, r.folds) for r in requests[:2]] == [(("frame",), None), (("frame", "kfold"), 3)]
    (study, _) = (plan_study(study_request).study for study_request in requests[:2])
    assert study.protocols == ("frame",)
    without = request(tree, only=(), protocols=("frame",), folds=3, image_size=65)
    with raises_code("folds.without-kfold"):
        plan_study(build_requests(without, {"casme2": tree})[0])


def test_missing_dataset_error_explains_access(harness: Run) -> None:
    code, _, err = harness("reproduce")
    assert code == 2
    assert err.count("\n") == 1
    assert "--ckplus DIR or --casme2 DIR" in err


def test_dataset_in_default_folder_is_used(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CASME2", str(tree))
    assert find_roots({"ckplus": None, "casme2": None}) == {"casme2": tree}


@pytest.mark.slow
def test_dry_run_lists_studies_and_unique_anomalies(tree: Path, harness: Run, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(tree, tmp_path / "tree"))
    next(damaged.rglob("*.jpg")).write_bytes(b"no image")
    code, out, err = harness(
        "reproduce", "--casme2", damaged, *SMALL, "--protocol", "frame", "--dry-run", "--json"
    )
    assert code == 0, err
    studies = json.loads(out)
    assert [study["study"].rsplit("-", 1)[0] for study in studies] == [
        "comparison-casme2-frame-quick",
        "ablation-ladder-casme2-frame-quick",
        "ablation-controlled-casme2-frame-quick",
    ]
    shared = [{cell["key"] for cell in study["cells"]} for study in studies]
    assert len(shared[1] & shared[2]) >= 3 * 2, "the rungs with batch norm are the same cells in both ladders"
    waiting = [cell["key"] for study in studies for cell in study["cells"] if cell["state"] == "waiting"]
    assert len(waiting) == len(set(waiting)) == len(set.union(*shared))
    assert err.count("anomaly: ") == len(set(re.findall("anomaly: .*", err))) == 1
    assert not list(Path().rglob("report.md"))


@pytest.mark.slow
@pytest.mark.usefixtures("brief_latency")
def test_studies_share_one_report_with_the_claims_first(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    requests = (request(tree, checks=True), request(tree, protocols=("subject",)))
    run_studies(requests, Output(out=Path("results")), joint_name="whole")
    output = capsys.readouterr().out
    assert output.count("\nreport  ") == 2
    (joint_report,) = Path("results").glob("whole-*/report.md")
    assert f"all     {joint_report}" in output
    text = joint_report.read_text()
    sections = [line for line in text.split("\n") if line.startswith("## ")]
    assert sections[:2] == ["## The paper's claims", "## Summary"]
    assert "- Under frame (the paper's split): of 17 claims" in text
    assert "- Under subject (no test subject in training): of 13 claims" in text


def test_report_of_many_studies_has_a_short_name() -> None:
    names = [f"comparison-casme2-frame+clip+subject+loso-quick-{n:06x}" for n in range(9)]
    assert name_report_folder(names[:1], prefix="9-studies") == names[0]
    assert len(name_report_folder(names, prefix="9-studies")) < 20
    assert name_report_folder(names, prefix="x") != name_report_folder(names[1:], prefix="x")

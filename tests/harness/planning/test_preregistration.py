from dataclasses import replace
from pathlib import Path

import pytest

from harness.api import run
from harness.commands.study_plan import NO_RUN_ID
from harness.planning.preregistration import has_cells
from harness.tracking.tracker import Tracker
from studies.analysis_plan import AnalysisPlan, build_analysis_plan, check_matches_plan
from studies.codec import from_json
from tests.harness.tiny import Run, request


def _options(tree: Path) -> tuple[object, ...]:
    return (
        *(
            "compare",
            "--dataset",
            "casme2",
            "--root",
            tree,
            "--only",
            "proposed,vgg16-bn-gap",
            "--preset",
            "quick",
        ),
        *("--epochs", 1, "--image-size", 32, "--width", 0.125, "--protocol", "clip"),
    )


@pytest.mark.slow
def test_study_that_follows_a_plan_logged_before_its_first_cell_is_confirmatory(
    tree: Path, harness: Run
) -> None:
    code, out, _ = harness(*_options(tree), "--save-plan", "plan.json")
    plan = from_json(AnalysisPlan, Path("plan.json").read_text())

    assert code == 0
    assert plan.digest in out
    assert "exploratory" not in out
    assert (plan.pairs, plan.metric, plan.margin) == ((("vgg16-bn-gap", "proposed"),), "accuracy", 0.05)
    assert not Path("mlflow.db").exists(), "saving a plan runs nothing"

    code, out, _ = harness(*_options(tree), "--plan", "plan.json")
    report = next(Path("results").glob("*/report.md")).read_text()

    assert code == 0
    assert "These verdicts are confirmatory: " in report
    # Loaded from the store and run again: the first logged plan is kept.
    assert harness("report")[0] == 0
    assert "These verdicts are confirmatory: " in next(Path("results").glob("*/report.md")).read_text()
    assert harness(*_options(tree), "--plan", "plan.json")[0] == 0
    assert "These verdicts are confirmatory: " in next(Path("results").glob("*/report.md")).read_text()


@pytest.mark.slow
def test_plan_saved_after_a_cell_exists_stays_exploratory(tree: Path, harness: Run) -> None:
    result, _ = run(request(tree, only=("proposed", "vgg16-bn-gap"), protocols=("clip",)))
    code, out, _ = harness(*_options(tree), "--save-plan", "plan.json")

    assert code == 0
    assert "this study already has cells, so its verdicts stay exploratory" in out
    assert harness(*_options(tree), "--plan", "plan.json")[0] == 0
    assert "These verdicts are exploratory: " in next(Path("results").glob("*/report.md")).read_text()

    # A cell of another study makes a plan exploratory too.
    tracker = Tracker()
    other = replace(result.study, margin=0.1)
    assert other.name not in tracker.list_study_names()
    assert has_cells(tracker, other)
    assert not has_cells(tracker, replace(other, seeds=(7,)))
    assert len(tracker.collect_results(other, parent=NO_RUN_ID).results) == 2
    check_matches_plan(other, build_analysis_plan(other))


def test_study_that_differs_from_its_plan_is_refused(tree: Path, harness: Run) -> None:
    assert harness(*_options(tree), "--save-plan", "plan.json")[0] == 0
    for change, message in (
        (("--metric", "uar"), "metric: planned accuracy, got uar"),
        (("--seeds", "2"), "seeds: planned (0,), got (0, 1)"),
    ):
        code, _, err = harness(*_options(tree), "--plan", "plan.json", *change)
        assert code == 2
        assert message in err
        assert not Path("mlflow.db").exists()


def test_file_that_is_no_plan_is_refused(tree: Path, harness: Run) -> None:
    Path("other.json").write_text("{}")

    assert harness(*_options(tree), "--plan", "other.json")[0] == 2
    code, _, err = harness(*_options(tree), "--plan", "none.json")
    assert (code, "with --save-plan none.json first" in err) == (2, True)
    code, _, err = harness(*_options(tree), "--save-plan", "other.json")
    assert (code, "never overwrites a file; other.json exists" in err) == (2, True)

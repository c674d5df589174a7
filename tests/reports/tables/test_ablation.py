from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from architectures.catalogue import CONTROLLED_LADDER, LADDER
from architectures.spec import ArchitectureSpec
from reports.outcomes import StudyEvaluation, evaluate_study
from reports.tables.ablation import build_ablation_table, build_rung_table, list_changes
from reports.tables.differences import build_difference_table
from studies.arms import build_ablation_arms
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Built


def test_what_a_rung_changes() -> None:
    assert list_changes(LADDER[0], LADDER[1]) == (("attention", "none → cbam"),)
    assert list_changes(LADDER[1], LADDER[2]) == (
        ("residual", "no → yes"),
        ("norm", "none → batch"),
        ("head", "vgg → gap"),
    )
    assert list_changes(LADDER[3], LADDER[4]) == (("activation", "relu → prelu"),)


def test_the_controlled_ladder_changes_one_thing_at_a_time() -> None:
    steps = [list_changes(a, b) for a, b in pairwise(CONTROLLED_LADDER)]

    assert [len(step) for step in steps] == [1, 1, 1, 1]


def _ladder(built: type[Built], **kwargs: Any) -> StudyEvaluation:
    def choose(spec: RunSpec) -> RunResult:
        weak = spec.architecture.name in ("vgg16", "vgg16+cbam")
        return built.run(spec, built.collapsed if weak else built.good)

    return evaluate_study(built.finish(built.study("ablation", **kwargs), choose))


def test_scores_and_changes_rung_by_rung(built: type[Built]) -> None:
    table = build_ablation_table(_ladder(built))

    assert built.column(table, "Rung") == ["1", "2", "3", "4", "5"]
    assert built.column(table, "Accuracy") == ["33.33", "33.33", "86.67", "86.67", "86.67"]
    assert built.column(table, "Change") == ["–", "0.00", "+53.33", "0.00", "0.00"]
    assert built.column(table, "Recall (UAR)")[0] == "16.67"
    assert built.column(table, "Network")[:2] == ["vgg16 (collapsed)", "vgg16+cbam (collapsed)"]
    assert built.column(table, "Subject overlap") == ["100.00"] * 5
    change = table.rows[2][table.header.index("Change")]
    assert change.value == pytest.approx(100 * 16 / 30)
    assert len(change.run_keys) == 2


def test_what_the_paper_gives_stands_in_the_rows_of_its_split(built: type[Built]) -> None:
    table = build_ablation_table(_ladder(built, protocols=("frame", "subject")))

    assert built.column(table, "Paper: accuracy")[::2] == ["94.41", "–", "–", "–", "98.23"]
    assert built.column(table, "Paper: change")[::2] == ["–", "+3.2", "+2.8", "–", "–"]
    assert set(built.column(table, "Paper: accuracy")[1::2]) == {"–"}
    assert table.paper_items == ("Figure 16", "Figure 18")


@pytest.mark.parametrize("dataset", ["ckplus", "mine"])
def test_the_papers_ablation_is_on_casme2_alone(built: type[Built], dataset: str) -> None:
    table = build_ablation_table(_ladder(built, dataset=dataset))

    assert not [name for name in table.header if "Paper" in name]
    assert table.paper_items == ()


def test_a_missing_rung_leaves_its_changes_open(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> str | RunResult:
        return "no memory" if spec.architecture.name == "vgg16+cbam" else built.run(spec)

    found = evaluate_study(built.finish(built.study("ablation"), choose))

    assert built.column(build_ablation_table(found), "Accuracy")[1] == "failed"
    assert built.column(build_ablation_table(found), "Change") == ["–", "–", "–", "0.00", "0.00"]
    assert built.column(build_rung_table(found), "Parameters")[1] == "not run"


def test_rungs_tell_what_changed_and_what_it_costs(built: type[Built]) -> None:
    table = build_rung_table(_ladder(built))

    assert built.column(table, "Changed")[0] == "–"
    assert built.column(table, "Changed")[3] == "convolution: standard → separable"
    assert built.column(table, "Elementwise") == ["150"] * 5
    assert built.column(table, "Multiply-adds")[0] == "5,000,000"
    assert built.column(table, "Network")[0] == "vgg16 (collapsed under frame)"


OWN = ArchitectureSpec(name="tiny", network="user")
RIGHT = {"proposed": 20, "tiny": 8, "vgg16-bn-gap": 10}


def _designed(built: type[Built], design: str, *own: ArchitectureSpec) -> StudyEvaluation:
    """Return a study of a design under `subject`; arm i has RIGHT or 12 + i of 24 clips correct."""
    arms = (*build_ablation_arms(design), *own)
    study = replace(built.study("ablation", protocols=("subject",)), design=design, arms=arms)

    def choose(spec: RunSpec) -> RunResult:
        count = RIGHT.get(spec.architecture.name, 12 + study.arms.index(spec.architecture))
        return built.answered(spec, [clip < count for clip in range(24)], subjects=8)

    return evaluate_study(built.finish(study, choose))


@pytest.mark.parametrize("design", ["ladder", "controlled", "leave-one-out", "add-one-in", "placebo"])
def test_a_gain_has_the_sign_that_it_has_in_the_table_of_differences(built: type[Built], design: str) -> None:
    study = _designed(built, design, OWN)
    scores, pairs = build_ablation_table(study), build_difference_table(study)

    assert pairs is not None
    gain = scores.header.index("Change" if "Change" in scores.header else "Gain")
    shown = [row[gain].text for row in scores.rows if row[gain].value is not None]
    assert sorted(shown) == sorted(built.column(pairs, "Difference"))
    assert scores.rows[-1][gain].value < 0, "the user's network is the worst, and the second of its pair"


def test_what_is_no_ladder_has_no_rungs(built: type[Built]) -> None:
    study = _designed(built, "leave-one-out")
    scores, costs = build_ablation_table(study), build_rung_table(study)

    assert scores.header[0] == costs.header[0] == "Arm"
    texts = (costs.title, scores.title, *scores.header, *scores.notes, *costs.notes)
    assert not [text for text in texts if "rung" in text.lower() or "step" in text.lower()]
    assert built.column(scores, "Gain")[:2] == ["–", "+29.17"]
    assert scores.notes[0].startswith("Gain: proposed minus the arm if the arm lacks one of its components")
    assert built.column(costs, "Changed")[1] == "attention: cbam → none"


def test_a_network_of_ones_own_is_no_rung(built: type[Built]) -> None:
    study = _designed(built, "ladder", OWN)
    scores, costs = build_ablation_table(study), build_rung_table(study)

    assert built.column(scores, "Rung") == built.column(costs, "Rung") == ["1", "2", "3", "4", "5", "–"]
    assert built.column(costs, "Changed")[-1] == "network: blocks → user"
    assert built.column(scores, "Paper: change")[-1] == "–"
    assert scores.notes[0].startswith(
        "Change: from the previous rung; for tiny: tiny minus proposed. In points"
    )


def test_the_arms_of_a_factorial_gain_over_the_bare_network(built: type[Built]) -> None:
    gains = dict(
        zip(
            *(
                built.column(build_ablation_table(_designed(built, "factorial", OWN)), name)
                for name in ("Network", "Gain")
            ),
            strict=True,
        )
    )

    assert (gains["vgg16-bn-gap"], gains["proposed"], gains["tiny"]) == ("–", "+41.67", "-50.00")


def test_a_placebo_differs_in_its_width(built: type[Built]) -> None:
    whole, less, *_ = build_ablation_arms("placebo")

    assert list_changes(whole, replace(less, width=1.05)) == (
        ("attention", "cbam → none"),
        ("width", "1.0 → 1.05"),
    )

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
from tests.reports.conftest import Factory


def test_changes_of_rungs() -> None:
    assert list_changes(LADDER[0], LADDER[1]) == (("attention", "none → cbam"),)
    assert list_changes(LADDER[1], LADDER[2]) == (
        ("residual", "no → yes"),
        ("norm", "none → batch"),
        ("head", "vgg → gap"),
    )
    assert list_changes(LADDER[3], LADDER[4]) == (("activation", "relu → prelu"),)


def test_controlled_ladder_changes_one_thing_at_a_time() -> None:
    steps = [list_changes(a, b) for a, b in pairwise(CONTROLLED_LADDER)]

    assert [len(step) for step in steps] == [1, 1, 1, 1]


def _ladder(factory: type[Factory], **kwargs: Any) -> StudyEvaluation:
    def choose(spec: RunSpec) -> RunResult:
        weak = spec.architecture.name in ("vgg16", "vgg16+cbam")
        return factory.run(spec, factory.collapsed if weak else factory.good)

    return evaluate_study(factory.finish(factory.study("ablation", **kwargs), choose))


def test_scores_and_changes_rung_by_rung(factory: type[Factory]) -> None:
    table = build_ablation_table(_ladder(factory))

    assert factory.column(table, "Rung") == ["1", "2", "3", "4", "5"]
    assert factory.column(table, "Accuracy") == ["33.33", "33.33", "86.67", "86.67", "86.67"]
    assert factory.column(table, "Change") == ["–", "0.00", "+53.33", "0.00", "0.00"]
    assert factory.column(table, "Recall (UAR)")[0] == "16.67"
    assert factory.column(table, "Network")[:2] == ["vgg16 (collapsed)", "vgg16+cbam (collapsed)"]
    assert factory.column(table, "Subject overlap") == ["100.00"] * 5
    change = table.rows[2][table.header.index("Change")]
    assert change.value == pytest.approx(100 * 16 / 30)
    assert len(change.run_keys) == 2


def test_papers_numbers_are_in_rows_of_its_split(factory: type[Factory]) -> None:
    table = build_ablation_table(_ladder(factory, protocols=("frame", "subject")))

    assert factory.column(table, "Paper: accuracy")[::2] == ["94.41", "–", "–", "–", "98.23"]
    assert factory.column(table, "Paper: change")[::2] == ["–", "+3.2", "+2.8", "–", "–"]
    assert set(factory.column(table, "Paper: accuracy")[1::2]) == {"–"}
    assert table.paper_items == ("Figure 16", "Figure 18")


@pytest.mark.parametrize("dataset", ["ckplus", "mine"])
def test_papers_ablation_is_only_on_casme2(factory: type[Factory], dataset: str) -> None:
    table = build_ablation_table(_ladder(factory, dataset=dataset))

    assert not [name for name in table.header if "Paper" in name]
    assert table.paper_items == ()


def test_missing_rung_leaves_its_changes_open(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> str | RunResult:
        return "no memory" if spec.architecture.name == "vgg16+cbam" else factory.run(spec)

    study_result = evaluate_study(factory.finish(factory.study("ablation"), choose))

    assert factory.column(build_ablation_table(study_result), "Accuracy")[1] == "failed"
    assert factory.column(build_ablation_table(study_result), "Change") == ["–", "–", "–", "0.00", "0.00"]
    assert factory.column(build_rung_table(study_result), "Parameters")[1] == "not run"


def test_rung_table_lists_changes_and_costs(factory: type[Factory]) -> None:
    table = build_rung_table(_ladder(factory))

    assert factory.column(table, "Changed")[0] == "–"
    assert factory.column(table, "Changed")[3] == "convolution: standard → separable"
    assert factory.column(table, "Elementwise") == ["150"] * 5
    assert factory.column(table, "Multiply-adds")[0] == "5,000,000"
    assert factory.column(table, "Network")[0] == "vgg16 (collapsed under frame)"


OWN = ArchitectureSpec(name="tiny", network="user")
RIGHT = {"proposed": 20, "tiny": 8, "vgg16-bn-gap": 10}


def _study_of_design(factory: type[Factory], design: str, *own: ArchitectureSpec) -> StudyEvaluation:
    """Return a study of a design under `subject`; arm i has RIGHT or 12 + i of 24 clips correct."""
    arms = (*build_ablation_arms(design), *own)
    study = replace(factory.study("ablation", protocols=("subject",)), design=design, arms=arms)

    def choose(spec: RunSpec) -> RunResult:
        count = RIGHT.get(spec.architecture.name, 12 + study.arms.index(spec.architecture))
        return factory.run_from_correctness(spec, [clip < count for clip in range(24)], subjects=8)

    return evaluate_study(factory.finish(study, choose))


@pytest.mark.parametrize("design", ["ladder", "controlled", "leave-one-out", "add-one-in", "placebo"])
def test_gain_has_the_sign_of_the_difference_table(factory: type[Factory], design: str) -> None:
    study = _study_of_design(factory, design, OWN)
    scores, pairs = build_ablation_table(study), build_difference_table(study)

    assert pairs is not None
    gain = scores.header.index("Change" if "Change" in scores.header else "Gain")
    gains = [row[gain].text for row in scores.rows if row[gain].value is not None]
    assert sorted(gains) == sorted(factory.column(pairs, "Difference"))
    last = scores.rows[-1][gain].value
    assert last is not None
    assert last < 0, "the user's network is the worst, and the second of its pair"


def test_other_designs_have_no_rungs(factory: type[Factory]) -> None:
    study = _study_of_design(factory, "leave-one-out")
    scores, costs = build_ablation_table(study), build_rung_table(study)

    assert scores.header[0] == costs.header[0] == "Arm"
    texts = (costs.title, scores.title, *scores.header, *scores.notes, *costs.notes)
    assert not [text for text in texts if "rung" in text.lower() or "step" in text.lower()]
    assert factory.column(scores, "Gain")[:2] == ["–", "+29.17"]
    assert scores.notes[0].startswith("Gain: proposed minus the arm if the arm lacks one of its components")
    assert factory.column(costs, "Changed")[1] == "attention: cbam → none"


def test_user_network_is_no_rung(factory: type[Factory]) -> None:
    study = _study_of_design(factory, "ladder", OWN)
    scores, costs = build_ablation_table(study), build_rung_table(study)

    assert factory.column(scores, "Rung") == factory.column(costs, "Rung") == ["1", "2", "3", "4", "5", "–"]
    assert factory.column(costs, "Changed")[-1] == "network: blocks → user"
    assert factory.column(scores, "Paper: change")[-1] == "–"
    assert scores.notes[0].startswith(
        "Change: from the previous rung; for tiny: tiny minus proposed. In points"
    )


def test_factorial_gains_are_relative_to_the_bare_network(factory: type[Factory]) -> None:
    gains = dict(
        zip(
            *(
                factory.column(build_ablation_table(_study_of_design(factory, "factorial", OWN)), name)
                for name in ("Network", "Gain")
            ),
            strict=True,
        )
    )

    assert (gains["vgg16-bn-gap"], gains["proposed"], gains["tiny"]) == ("–", "+41.67", "-50.00")


def test_placebo_differs_in_its_width(factory: type[Factory]) -> None:
    full, placebo, *_ = build_ablation_arms("placebo")

    assert list_changes(full, replace(placebo, width=1.05)) == (
        ("attention", "cbam → none"),
        ("width", "1.0 → 1.05"),
    )

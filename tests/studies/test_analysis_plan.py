from dataclasses import replace
from itertools import pairwise

import pytest

from studies.analysis_plan import AnalysisPlan, build_analysis_plan, check_matches_plan
from studies.codec import from_json, to_json
from studies.study import Study, build_null_arm
from tests.error_codes import raises_code


def test_plan_holds_the_choices_of_the_study(study: Study) -> None:
    plan = build_analysis_plan(study)
    assert (plan.study_name, plan.metric, plan.margin) == (study.name, "accuracy", study.margin)
    assert (plan.protocols, plan.split_seeds, plan.seeds) == (("frame", "subject"), (0,), (0, 1))


def test_plan_of_a_ladder_pairs_every_rung_with_the_rung_before(study: Study) -> None:
    names = [arm.name for arm in study.arms]
    assert build_analysis_plan(study).pairs == tuple(pairwise(names))


def test_plan_leaves_the_null_arm_out_of_its_pairs(study: Study) -> None:
    arms = (*study.arms, build_null_arm(study.primary_arm))
    assert build_analysis_plan(replace(study, arms=arms)).pairs == build_analysis_plan(study).pairs


def test_digest_survives_a_round_trip_and_changes_with_the_plan(study: Study) -> None:
    plan = build_analysis_plan(study)
    assert len(plan.digest) == 16
    assert from_json(AnalysisPlan, to_json(plan)).digest == plan.digest
    assert replace(plan, margin=0.01).digest != plan.digest


def test_study_matches_its_own_plan(study: Study) -> None:
    check_matches_plan(study, build_analysis_plan(study))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "uar"}, "metric: planned accuracy, got uar"),
        ({"margin": 0.02}, "margin: planned 0.05, got 0.02"),
        ({"seeds": (0, 1, 2)}, "seeds: planned (0, 1), got (0, 1, 2)"),
        ({"protocols": ("subject",)}, "protocols: planned ('frame', 'subject'), got ('subject',)"),
    ],
)
def test_difference_from_the_plan_is_refused_with_both_values(
    study: Study, changes: dict[str, object], message: str
) -> None:
    plan = build_analysis_plan(study)
    with raises_code("analysis-plan.difference", message, "--save-plan"):
        check_matches_plan(replace(study, **changes), plan)  # type: ignore[arg-type]


def test_change_outside_the_listed_fields_is_refused_by_the_name(study: Study) -> None:
    plan = build_analysis_plan(study)
    longer = replace(study, training=replace(study.training, epochs=4))
    with raises_code("analysis-plan.difference", f"study_name: planned {study.name}, got {longer.name}"):
        check_matches_plan(longer, plan)

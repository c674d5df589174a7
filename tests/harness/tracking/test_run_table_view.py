"""Tests of the views that MLflow opens: the columns, the charts, and the size of the tags."""

import json

from harness.tracking.run_table_view import (
    CHARTS_KEY,
    COLUMNS,
    TABLE_KEY,
    build_experiment_tags,
    is_current_view,
    make_view_path,
)

TAGS = build_experiment_tags("0" * 32)
TAG_LIMIT = 5000
"""Maximum length of an experiment's tag in the oldest supported version of MLflow."""


def test_scores_and_costs_are_at_the_left() -> None:
    view = json.loads(TAGS[f"mlflow.sharedViewState.{TABLE_KEY}"])
    assert view["columnOrder"][2:] == list(COLUMNS)
    assert [column.partition("`")[2].rstrip("`") for column in COLUMNS[:7]] == [
        "arm",
        "protocol",
        "seed",
        "test/accuracy",
        "test/uar",
        "cost/parameters_mib",
        "cost/multiply_adds",
    ]


def test_charts_average_the_cells_of_one_study_by_arm_and_protocol() -> None:
    view = json.loads(TAGS[f"mlflow.sharedViewState.{CHARTS_KEY}"])
    assert view["searchFilter"] == f"tags.`mlflow.parentRunId` = '{'0' * 32}'"
    assert [key["groupByData"] for key in view["groupBy"]["groupByKeys"]] == ["arm", "protocol"]


def test_every_chart_has_its_own_id_and_a_section() -> None:
    view = json.loads(TAGS[f"mlflow.sharedViewState.{CHARTS_KEY}"])
    charts, sections = view["compareRunCharts"], {section["uuid"] for section in view["compareRunSections"]}
    assert len({chart["uuid"] for chart in charts}) == len(charts)
    assert {chart["metricSectionId"] for chart in charts} <= sections


def test_a_view_fits_into_a_tag() -> None:
    assert all(len(value) <= TAG_LIMIT for value in TAGS.values())


def test_views_of_earlier_versions_are_not_current() -> None:
    assert is_current_view(TAGS)
    assert not is_current_view({f"mlflow.sharedViewState.{TABLE_KEY}": "{}"})


def test_the_paths_open_the_mode_for_model_training() -> None:
    assert make_view_path("7") == (
        "/#/experiments/7/runs?workflowType=machine_learning&viewStateShareKey=harness"
    )
    assert make_view_path("7", charts=True).endswith("viewStateShareKey=harness-charts&compareRunsMode=CHART")

"""The pages of recorded studies on an MLflow server."""

from __future__ import annotations

from dataclasses import dataclass

from harness.tracking.mlflow_store import MlflowStore
from harness.tracking.run_table_view import (
    EXPANDED_RUN_TYPE,
    build_experiment_tags,
    is_current_view,
    make_view_path,
)
from harness.tracking.tags import ALIAS_TAG, PARENT_TAG, STUDY_TAG
from studies.study import format_study_label


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyView:
    """The pages of an experiment, as URL paths on an MLflow server: the table of its runs, and charts.

    `newest_study` is the name of its newest study, after the alias if it has one.
    """

    experiment_name: str
    newest_study: str
    runs_path: str
    charts_path: str


def set_view(store: MlflowStore, experiment_id: str, *, study_run_id: str) -> None:
    """Let MLflow open an experiment on the study of `study_run_id`."""
    for name, value in build_experiment_tags(study_run_id).items():
        store.client.set_experiment_tag(experiment_id, name, value)
    # Runs of earlier versions have no type. One is enough, among the newest runs, which MLflow loads first.
    children = store.search_runs(f"tags.`{PARENT_TAG}` = '{study_run_id}'", (experiment_id,))
    if children and not EXPANDED_RUN_TYPE.keys() & children[0].data.tags.keys():
        for name, value in EXPANDED_RUN_TYPE.items():
            store.client.set_tag(children[0].info.run_id, name, value)


def list_views(store: MlflowStore) -> list[StudyView]:
    """Return the pages of each experiment that has a study, the one with the newest study first.

    Views that an earlier version of harness made are renewed.
    """
    views: dict[str, StudyView] = {}
    for run in store.search_runs(f"tags.`{STUDY_TAG}` != ''"):
        experiment_id = run.info.experiment_id
        if experiment_id in views:
            continue
        experiment = store.client.get_experiment(experiment_id)
        if not is_current_view(experiment.tags):
            set_view(store, experiment_id, study_run_id=run.info.run_id)
        views[experiment_id] = StudyView(
            experiment_name=experiment.name,
            newest_study=format_study_label(run.data.tags[STUDY_TAG], run.data.tags.get(ALIAS_TAG, "")),
            runs_path=make_view_path(experiment_id),
            charts_path=make_view_path(experiment_id, charts=True),
        )
    return list(views.values())

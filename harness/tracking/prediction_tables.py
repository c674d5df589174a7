"""Load the predictions of a run or of a study from the tracking store as tables of clips."""

from __future__ import annotations

from harness.errors import HarnessError
from harness.tracking.study_index import RUN_PREFIX
from harness.tracking.study_reader import StudyReader
from reports.outcomes import Outcome
from reports.training_predictions import build_run_table, build_study_tables
from studies.prediction_files.table import PredictionTable


def load_prediction_tables(tracker: StudyReader, name: str) -> tuple[PredictionTable, ...]:
    """Return the tables of the finished trainings of a study, or the table of one run.

    `name` is STUDY, STUDY:ARM, STUDY:PROTOCOL or STUDY:ARM:PROTOCOL; or the id or key of a run, of which the
    first 4 digits suffice. STUDY is the name or the alias of a study, or its start.

    Raises:
        HarnessError: The store has no such study or run, several match, or it has no finished training.
    """
    if RUN_PREFIX.fullmatch(name.lower()) and not _names_a_study(tracker, name):
        return (_load_run_table(tracker, name.lower()),)
    study_name, *selectors = name.split(":")
    study, parent = tracker.find_study(study_name)
    tables = list(build_study_tables(tracker.collect_results(study, parent=parent)))
    selected = [table for outcome, table in tables if set(selectors) <= {outcome.arm.name, outcome.protocol}]
    if not selected:
        trainings = ", ".join(dict.fromkeys(_name_outcome(outcome) for outcome, _ in tables)) or "none"
        raise HarnessError(
            "training.unknown",
            f"no finished training of {study.name} is {':'.join(selectors) or 'there'}; "
            f"finished: {trainings}",
        )
    return tuple(selected)


def _names_a_study(tracker: StudyReader, name: str) -> bool:
    """Return True if `name`, which may also be the start of a run's id or key, names a study.

    Raises:
        HarnessError: it is the start of a study's name and of the id or key of a run.
    """
    studies = tracker.index.match_studies(name)
    if any(name in (study.name, study.alias) for study in studies):
        return True
    runs = list(tracker.index.find_cells(name.lower())) if studies else []
    if runs:
        raise HarnessError(
            "prediction-name.ambiguous",
            f"the name must be one study or one run; {name} is the start of both the study "
            f"{studies[0].label} and the run {runs[0]}: give more characters",
        )
    return bool(studies)


def _name_outcome(outcome: Outcome) -> str:
    return f"{outcome.arm.name}:{outcome.protocol}"


def _load_run_table(tracker: StudyReader, prefix: str) -> PredictionTable:
    cells = tracker.index.find_cells(prefix)
    finished = {key: run_id for run_id, (key, status) in reversed(cells.items()) if status == "FINISHED"}
    if len(finished) != 1:
        matches = ", ".join(f"{run_id} (key {key})" for key, run_id in list(finished.items())[:5]) or "none"
        raise HarnessError(
            "prediction-run.ambiguous",
            f"one finished run in {tracker.store.display_uri()} must have an id or key that starts with "
            f"{prefix}; found: {matches}: give the whole id of a finished run",
        )
    ((_, run_id),) = finished.items()
    result = tracker.load_result(run_id)
    if result is None:
        raise HarnessError(
            "artifacts.unreadable-predictions",
            f"the artifacts of run {run_id} cannot be read (moved or deleted?); run it again",
        )
    return build_run_table(result, name=f"run {run_id[:8]}, fold {result.spec.fold}")

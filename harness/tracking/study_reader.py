"""Read studies and cells from a tracking store."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.process_settings import disable_gc
from harness.tracking.analysis_plans import is_confirmatory
from harness.tracking.cell_runs import CellRun, CellStatus, list_commands
from harness.tracking.epoch_records import read_result
from harness.tracking.mlflow_store import get_mlflow_exception
from harness.tracking.study_index import StudyIndex
from harness.tracking.tags import (
    ALIAS_TAG,
    END_TIME_TAG,
    IMPORTED_TAG,
    KEY_TAG,
    LOCK_SCOPE_TAG,
    NAME_TAG,
    PARENT_TAG,
    PROCESS_TAG,
    REASON_TAG,
    REUSES_TAG,
    SPEC_TAG,
    STUDY_TAG,
    TRACEBACK_TAG,
    VERSIONS_TAG,
    WEIGHTS_DROPPED_TAG,
)
from studies.codec import from_json
from studies.results import Failure, RunResult, StudyResult
from studies.spec import RunSpec
from studies.study import Study

if TYPE_CHECKING:
    from harness.tracking.mlflow_store import Run

UNREADABLE_REASON = "finished as run {}, whose artifacts cannot be read (moved or deleted?)"
FIGURES_FOLDER = "pictures"
"""Folder of a study's figures among its artifacts."""

WEIGHT_FILES = ("weights.safetensors", "weights.pt")
"""File names of a run's weights: that of this version, and that of earlier versions."""

IDS_PER_QUERY = 200
"""Maximum number of run ids per query."""

MAX_KEY_QUERIES = 50
"""Number of keys above which one query of all finished runs takes less time than one query for each key."""


class StudyReader(StudyIndex):
    """Reads studies, cells and results from a tracking server or a SQLite file."""

    def cell_status(self, key: str, *, parent: str) -> CellStatus:
        """Return the finished run of a cell in any study, and its failure reason in the study of `parent`."""
        runs = [
            run for run in self.search_runs(f"tags.`{KEY_TAG}` = '{key}'") if REUSES_TAG not in run.data.tags
        ]
        finished_run_id = next((run.info.run_id for run in runs if run.info.status == "FINISHED"), None)
        study_runs = [run for run in runs if run.data.tags.get(PARENT_TAG) == parent]
        failed_run = _find_failed_runs(study_runs).get(key)
        return CellStatus(
            finished_run_id=finished_run_id,
            failure_reason=_get_reason(failed_run) if failed_run else None,
            traceback_run_id=_get_traceback_run_id(failed_run) if failed_run else "",
        )

    def cell_states(self, study: Study) -> dict[str, str]:
        """Return the state of each cell that has ended: "done" in any study, or "failed" in this one."""
        study_runs = self.search_runs(f"tags.`{STUDY_TAG}` = '{study.name}'")
        runs = self.search_runs(f"tags.`{PARENT_TAG}` = '{study_runs[0].info.run_id}'") if study_runs else []
        # Compare the keys under which the runs were recorded: an older training version is not reused.
        failed_runs = [run for run in runs if KEY_TAG in run.data.tags and run.info.status == "FAILED"]
        states = {run.data.tags[KEY_TAG]: "failed" for run in failed_runs}
        states |= {run.data.tags[KEY_TAG]: "done" for run in self._find_own_runs(runs).values()}
        other_keys = [spec.key for spec in study.list_runs() if spec.key not in states]
        return states | dict.fromkeys(self.find_finished_runs(other_keys), "done")

    def find_finished_run(self, key: str) -> str | None:
        """Return the id of the newest finished run with this key in any study, or None."""
        runs = self.find_finished_runs([key])
        return str(runs[key].info.run_id) if runs else None

    def find_finished_runs(self, keys: Sequence[str]) -> dict[str, Run]:
        """Return the newest finished run of each key that has one, in any study."""
        condition = f"attributes.status = 'FINISHED' and tags.`{KEY_TAG}`"
        filters = [f"{condition} = '{key}'" for key in keys]
        if len(keys) > MAX_KEY_QUERIES:
            filters = [f"{condition} != ''"]
        runs = {run.data.tags[KEY_TAG]: run for text in filters for run in reversed(self.search_runs(text))}
        return {key: runs[key] for key in keys if key in runs}

    def load_result(self, run_id: str) -> RunResult | None:
        """Load the result of a finished run, or return None if its artifacts are missing or unreadable."""
        try:
            return self._read_result(self.client.get_run(run_id))
        except get_mlflow_exception():
            return None

    def download_weights(self, run_id: str, folder: str) -> Path:
        """Download the best weights of a finished run to `folder`; return the path of the file.

        Raises:
            HarnessError: the run did not keep its weights, it was imported without them, or its artifacts are
                missing.
        """
        run = self.client.get_run(run_id)
        if WEIGHTS_DROPPED_TAG in run.data.tags:
            raise HarnessError("weights.not-kept", self._describe_dropped_weights(run))
        try:
            names = {item.path for item in self.client.list_artifacts(run_id)}
            name = next((name for name in WEIGHT_FILES if name in names), WEIGHT_FILES[0])
            if IMPORTED_TAG in run.data.tags and name not in names:
                raise HarnessError(
                    "weights.not-exported",
                    f"run {run_id} was imported without its weights: where the study was run, export again "
                    f"(`harness export {self._get_study_name(run)} --weights`), then `harness import` that "
                    "archive here. It holds only the weights that --keep-weights kept",
                )
            return self.download_artifact(run_id, name, folder)
        except (get_mlflow_exception(), OSError) as error:
            message = f"the weights of run {run_id} are missing (moved or deleted?): {error}; put them back"
            raise HarnessError("weights.missing", message) from error

    def _describe_dropped_weights(self, run: Run) -> str:
        """Return why a run has no weights, which run of its arm has some, and how to get those of the run."""
        run_id, rule = run.info.run_id, run.data.tags[WEIGHTS_DROPPED_TAG]
        siblings = self.search_runs(
            f"tags.`{PARENT_TAG}` = '{run.data.tags[PARENT_TAG]}' and attributes.status = 'FINISHED'"
        )
        ids_with_weights = [
            sibling.info.run_id
            for sibling in siblings
            if _describe_arm(sibling) == _describe_arm(run)
            and not {WEIGHTS_DROPPED_TAG, REUSES_TAG} & sibling.data.tags.keys()
        ]
        alternative = (
            f"name run {ids_with_weights[0]}, whose weights were kept, or " if ids_with_weights else ""
        )
        return (
            f"the weights of run {run_id} were not kept (--keep-weights {rule}): {alternative}delete the run "
            "in `harness ui` and start its study's command again with --keep-weights all"
        )

    def find_study(self, name: str) -> tuple[Study, str]:
        """Return the study that `name` names and the id of its run (see `StudyIndex.find_study_entry`).

        Raises:
            HarnessError: no study or several studies match.
        """
        run_id = self.find_study_entry(name).run_id
        return from_json(Study, self.read_text(self.client.get_run(run_id), "study.json")), run_id

    def list_cell_runs(self, parent: str) -> list[CellRun]:
        """Return the runs of a study's cells, newest first, then the reused runs of other studies."""
        runs = self.search_runs(f"tags.`{PARENT_TAG}` = '{parent}'")
        own_runs = [run for run in runs if KEY_TAG in run.data.tags]
        own_ids = {run.info.run_id for run in own_runs}
        other_runs = [run for run in self._find_own_runs(runs).values() if run.info.run_id not in own_ids]
        return [self._to_cell_run(run) for run in (*own_runs, *other_runs)]

    def _to_cell_run(self, run: Run) -> CellRun:
        is_running, tags = run.info.status == "RUNNING", run.data.tags
        history = self.client.get_metric_history(run.info.run_id, "train/loss") if is_running else ()
        return CellRun(
            key=_current_key(run),
            name=tags.get(NAME_TAG, ""),
            status=run.info.status,
            reason=tags.get(REASON_TAG, ""),
            traceback_run_id=_get_traceback_run_id(run),
            seconds=run.data.metrics.get("seconds"),
            end_time=tags.get(END_TIME_TAG, ""),
            versions=tags.get(VERSIONS_TAG, ""),
            epoch_times=tuple(metric.timestamp / 1000 for metric in history),
            lock_scope=tags.get(LOCK_SCOPE_TAG, ""),
            process=tags.get(PROCESS_TAG, ""),
        )

    def load_study(self, name: str) -> tuple[StudyResult, dict[str, bytes]]:
        """Load the outcomes so far of the study that `name` names, and its figures by name.

        Raises:
            HarnessError: no study or several studies match.
        """
        study, parent = self.find_study(name)
        with tempfile.TemporaryDirectory() as folder:
            # Use the study's current name: it is a digest, and new fields have changed it.
            figures = {
                f"{study.name}/{Path(item.path).stem}": self.download_artifact(
                    parent, item.path, folder
                ).read_bytes()
                for item in self.client.list_artifacts(parent, FIGURES_FOLDER)
            }
        return self.add_study_tags(self.collect_results(study, parent=parent), parent=parent), figures

    def add_study_tags(self, result: StudyResult, *, parent: str) -> StudyResult:
        """Return the result of the study of `parent` with what the tags of that run say about it."""
        run = self.client.get_run(parent)
        return replace(
            result,
            is_confirmatory=is_confirmatory(run, result.study),
            commands=list_commands(run.data.tags),
            alias=run.data.tags.get(ALIAS_TAG, ""),
        )

    def load_commands(self, parent: str) -> tuple[str, ...]:
        """Return the command lines that ran the study of `parent`, in order."""
        return list_commands(self.client.get_run(parent).data.tags)

    @disable_gc()
    def collect_results(self, study: Study, *, parent: str) -> StudyResult:
        """Collect the results and failures of `study` from the store."""
        results, failures, run_ids = [], [], []
        children = self.search_runs(f"tags.`{PARENT_TAG}` = '{parent}'")
        finished_runs, failed_runs = self._find_own_runs(children), _find_failed_runs(children)
        specs = study.list_runs()
        own_results = {spec.key: self._read_result(finished_runs.get(spec.key)) for spec in specs}
        # Another study may have run a cell since it was lost, or instead of this one.
        other_runs = self.find_finished_runs([key for key, result in own_results.items() if result is None])
        for spec in specs:
            run, result = finished_runs.get(spec.key), own_results[spec.key]
            if result is None:
                run = other_runs.get(spec.key)
                result = self._read_result(run)
            if run and result:
                results.append(result)
                run_ids.append((spec.key, run.info.run_id))
            elif run:
                failures.append(Failure(spec=spec, reason=UNREADABLE_REASON.format(run.info.run_id)))
            elif failed_run := failed_runs.get(spec.key):
                traceback_run_id = _get_traceback_run_id(failed_run)
                failures.append(
                    Failure(spec=spec, reason=_get_reason(failed_run), traceback_run_id=traceback_run_id)
                )
        return StudyResult(
            study=study, results=tuple(results), failures=tuple(failures), run_ids=tuple(run_ids)
        )

    def _find_own_runs(self, children: Sequence[Run]) -> dict[str, Run]:
        """Return the newest finished run of each key among a study's child runs.

        A link run is replaced by the run that it refers to.
        """
        original_ids = [run.data.tags[REUSES_TAG] for run in children if REUSES_TAG in run.data.tags]
        id_lists = (
            ", ".join(map(repr, original_ids[start : start + IDS_PER_QUERY]))
            for start in range(0, len(original_ids), IDS_PER_QUERY)
        )
        original_runs = [run for ids in id_lists for run in self.search_runs(f"attributes.run_id IN ({ids})")]
        finished_runs = [
            run
            for run in (*children, *original_runs)
            if KEY_TAG in run.data.tags and run.info.status == "FINISHED"
        ]
        return {_current_key(run): run for run in sorted(finished_runs, key=lambda run: run.info.start_time)}

    def _read_result(self, run: Run | None) -> RunResult | None:
        if run is None:
            return None
        try:
            return read_result(run, partial(self.read_text, run))
        except (get_mlflow_exception(), OSError, ValueError, TypeError, LookupError):
            return None


def _current_key(run: Run) -> str:
    """Return the current key of a run's spec.

    It differs from the tagged key for runs of an earlier training version, which stay part of their study.
    """
    try:
        return from_json(RunSpec, run.data.tags[SPEC_TAG]).key
    except (ValueError, KeyError):
        return str(run.data.tags[KEY_TAG])


def _describe_arm(run: Run) -> tuple[str | None, ...]:
    """Return the arm, the variant and the protocol of a run, from its parameters."""
    return tuple(run.data.params.get(name) for name in ("arm", "variant", "protocol"))


def _find_failed_runs(children: Iterable[Run]) -> dict[str, Run]:
    """Return the latest failed run of each cell, by key; `children` are sorted newest first."""
    failed_runs = [run for run in children if KEY_TAG in run.data.tags and run.info.status == "FAILED"]
    return {_current_key(run): run for run in reversed(failed_runs)}


def _get_reason(failed_run: Run) -> str:
    return str(failed_run.data.tags.get(REASON_TAG, "unknown"))


def _get_traceback_run_id(run: Run) -> str:
    """Return the id of the run if it has an artifact with its traceback, otherwise ""."""
    return str(run.info.run_id) if TRACEBACK_TAG in run.data.tags else ""

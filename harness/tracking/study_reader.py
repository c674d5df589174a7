"""Read studies and cells from a tracking store."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.process_settings import disable_gc
from harness.tracking.analysis_plans import is_confirmatory
from harness.tracking.cell_runs import CellRun, CellStatus
from harness.tracking.mlflow_store import MlflowStore, get_mlflow_exception
from harness.tracking.result_files import (
    parse_result,
)
from harness.tracking.tags import (
    KEY_TAG,
    LOCK_SCOPE_TAG,
    NAME_TAG,
    PARENT_TAG,
    PROCESS_TAG,
    REASON_TAG,
    REUSES_TAG,
    SPEC_TAG,
    STUDY_TAG,
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


class StudyReader(MlflowStore):
    """Reads studies, cells and results from a tracking server or a SQLite file."""

    def cell_status(self, key: str, *, parent: str) -> CellStatus:
        """Return the finished run of a cell in any study, and its failure reason in the study of `parent`."""
        runs = [
            run for run in self.search_runs(f"tags.`{KEY_TAG}` = '{key}'") if REUSES_TAG not in run.data.tags
        ]
        finished_run_id = next((run.info.run_id for run in runs if run.info.status == "FINISHED"), None)
        study_runs = [run for run in runs if run.data.tags.get(PARENT_TAG) == parent]
        return CellStatus(
            finished_run_id=finished_run_id, failure_reason=_collect_failure_reasons(study_runs).get(key)
        )

    def cell_states(self, study: Study) -> dict[str, str]:
        """Return the state of each cell that has ended: "done" in any study, or "failed" in this one."""
        study_runs = self.search_runs(f"tags.`{STUDY_TAG}` = '{study.name}'")
        runs = self.search_runs(f"tags.`{PARENT_TAG}` = '{study_runs[0].info.run_id}'") if study_runs else []
        # Compare the keys from when the runs ran: runs of an older training version are not reused.
        failed_runs = [run for run in runs if KEY_TAG in run.data.tags and run.info.status == "FAILED"]
        states = {run.data.tags[KEY_TAG]: "failed" for run in failed_runs}
        states |= {run.data.tags[KEY_TAG]: "done" for run in self._find_finished_runs(runs).values()}
        other_keys = [spec.key for spec in study.list_runs() if spec.key not in states]
        return states | {key: "done" for key in other_keys if self.find_finished_run(key) is not None}

    def find_finished_run(self, key: str) -> str | None:
        """Return the id of the newest finished run with this key in any study, or None."""
        run = self._find_newest_run(key)
        return run.info.run_id if run else None

    def find_cells(self, prefix: str) -> dict[str, tuple[str, str]]:
        """Return the key and status, by run id, of the cells whose run id or key starts with `prefix`.

        A link run is replaced by the run that it refers to.
        """
        filter_strings = (f"{field} LIKE '{prefix}%'" for field in (f"tags.`{KEY_TAG}`", "attributes.run_id"))
        runs = [run for filter_string in filter_strings for run in self.search_runs(filter_string)]
        runs = [
            self.client.get_run(r.data.tags[REUSES_TAG]) if REUSES_TAG in r.data.tags else r for r in runs
        ]
        return {r.info.run_id: (r.data.tags[KEY_TAG], r.info.status) for r in runs if KEY_TAG in r.data.tags}

    def load_result(self, run_id: str) -> RunResult | None:
        """Load the result of a finished run, or return None if its artifacts are missing or unreadable."""
        try:
            return self._read_result(self.client.get_run(run_id))
        except get_mlflow_exception():
            return None

    def download_weights(self, run_id: str, folder: str) -> Path:
        """Download the best weights of a finished run to `folder`; return the path of the file.

        Raises:
            ValueError: the run did not keep its weights, or its artifacts are missing.
        """
        rule = self.client.get_run(run_id).data.tags.get(WEIGHTS_DROPPED_TAG)
        if rule:
            raise ValueError(
                f"the weights of run {run_id} were not kept (--keep-weights {rule}): delete the run in "
                "`harness ui` and start its study's command again with --keep-weights all"
            )
        try:
            names = {item.path for item in self.client.list_artifacts(run_id)}
            name = next((name for name in WEIGHT_FILES if name in names), WEIGHT_FILES[0])
            return self.download_artifact(run_id, name, folder)
        except (get_mlflow_exception(), OSError) as error:
            raise ValueError(
                f"the weights of run {run_id} are missing (moved or deleted?): {error}"
            ) from error

    def list_study_names(self) -> list[str]:
        """Return the names of all studies in the store, newest first."""
        return [run.data.tags[STUDY_TAG] for run in self.search_runs(f"tags.`{STUDY_TAG}` != ''")]

    def find_study(self, name: str) -> tuple[Study, str]:
        """Return the study with this name and the id of its run.

        Raises:
            ValueError: the store has no such study; the message lists its studies.
        """
        names = self.list_study_names()
        if name not in names:
            name_list = ", ".join(names) or "none, so run a study first"
            raise ValueError(
                f"no study {name!r} on {self.display_uri()}; studies there: {name_list} "
                "(--tracking-uri names another store)"
            )
        runs = self.search_runs(f"tags.`{STUDY_TAG}` = '{name}'")
        return from_json(Study, self.read_text(runs[0], "study.json")), runs[0].info.run_id

    def list_cell_runs(self, parent: str) -> list[CellRun]:
        """Return the runs of a study's cells, newest first, then the reused runs of other studies."""
        runs = self.search_runs(f"tags.`{PARENT_TAG}` = '{parent}'")
        own_runs = [run for run in runs if KEY_TAG in run.data.tags]
        own_ids = {run.info.run_id for run in own_runs}
        other_runs = [
            run for run in self._find_finished_runs(runs).values() if run.info.run_id not in own_ids
        ]
        return [self._to_cell_run(run) for run in (*own_runs, *other_runs)]

    def _to_cell_run(self, run: Run) -> CellRun:
        is_running, tags = run.info.status == "RUNNING", run.data.tags
        history = self.client.get_metric_history(run.info.run_id, "train/loss") if is_running else ()
        return CellRun(
            key=_current_key(run),
            name=tags.get(NAME_TAG, ""),
            status=run.info.status,
            reason=tags.get(REASON_TAG, ""),
            seconds=run.data.metrics.get("seconds"),
            epoch_times=tuple(metric.timestamp / 1000 for metric in history),
            lock_scope=tags.get(LOCK_SCOPE_TAG, ""),
            process=tags.get(PROCESS_TAG, ""),
        )

    def load_study(self, name: str) -> tuple[StudyResult, dict[str, bytes]]:
        """Load the outcomes so far of a study, and its figures by name.

        Raises:
            ValueError: the store has no such study; the message lists its studies.
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
        confirmatory = is_confirmatory(self.client.get_run(parent), study)
        return replace(self.collect_results(study, parent=parent), is_confirmatory=confirmatory), figures

    @disable_gc()
    def collect_results(self, study: Study, *, parent: str) -> StudyResult:
        """Collect the results and failures of `study` from the store."""
        results, failures, run_ids = [], [], []
        children = self.search_runs(f"tags.`{PARENT_TAG}` = '{parent}'")
        finished_runs, reasons = self._find_finished_runs(children), _collect_failure_reasons(children)
        for spec in study.list_runs():
            run = finished_runs.get(spec.key)
            result = self._read_result(run)
            if result is None:
                # Another study may have run the cell since it was lost, or instead of this one.
                run = self._find_newest_run(spec.key)
                result = self._read_result(run)
            if run and result:
                results.append(result)
                run_ids.append((spec.key, run.info.run_id))
            elif run:
                failures.append(Failure(spec=spec, reason=UNREADABLE_REASON.format(run.info.run_id)))
            elif reason := reasons.get(spec.key):
                failures.append(Failure(spec=spec, reason=reason))
        return StudyResult(
            study=study, results=tuple(results), failures=tuple(failures), run_ids=tuple(run_ids)
        )

    def _find_newest_run(self, key: str) -> Run | None:
        runs = self.search_runs(f"tags.`{KEY_TAG}` = '{key}' and attributes.status = 'FINISHED'")
        return runs[0] if runs else None

    def _find_finished_runs(self, children: Sequence[Run]) -> dict[str, Run]:
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
            return parse_result(partial(self.read_text, run))
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


def _collect_failure_reasons(children: Iterable[Run]) -> dict[str, str]:
    """Return the latest failure reason of each failed cell, by key; `children` are sorted newest first."""
    failed_runs = [run for run in children if KEY_TAG in run.data.tags and run.info.status == "FAILED"]
    return {_current_key(run): run.data.tags.get(REASON_TAG, "unknown") for run in reversed(failed_runs)}

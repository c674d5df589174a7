"""The ledger: MLflow, and nothing else, knows what has been run.

A study is a parent run, a cell a child run tagged with its key. What a result is made of lies in the cell's
artifacts; resuming and reporting read it from there. A cell that another study has finished is entered
again as a light child that points to it, so that each study is whole in the MLflow UI while a key has one
finished run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from harness.labels import format_run_name, format_study_note
from harness.memory import disable_gc
from harness.tracking.analysis_plans import is_confirmatory
from harness.tracking.cells import CellRun, CellStatus
from harness.tracking.patience import AsyncLogger
from harness.tracking.record import (
    build_epoch_metrics,
    compute_final_metrics,
    flatten_spec,
    parse_result,
    render_result_files,
)
from harness.tracking.store import MlflowException, MlflowStore, Run
from studies.codec import from_json, to_json
from studies.results import Epoch, Failure, RunResult, StudyResult
from studies.spec import RunSpec, Study

KEY_TAG, REUSES_TAG, STUDY_TAG, REASON_TAG, SPEC_TAG, LOCK_SCOPE_TAG, PROCESS_TAG, WEIGHTS_DROPPED_TAG = (
    "harness.key",
    "harness.reuses",
    "harness.study",
    "harness.reason",
    "harness.spec",
    "harness.claims",
    "harness.process",
    "harness.weights_dropped",
)
PARENT_TAG, NAME_TAG, NOTE_TAG = "mlflow.parentRunId", "mlflow.runName", "mlflow.note.content"
UNREADABLE_REASON = "finished as run {}, whose artifacts cannot be read (moved or deleted?)"
EPOCHS_PER_CALL = 100
"""Epochs sent at once: MLflow takes 1000 figures."""

WEIGHT_FILES = ("weights.safetensors", "weights.pt")
"""Names that a run's file of weights can have: as it is written, and as earlier versions wrote it."""
IDS_PER_QUERY = 200
"""Runs asked for by id at once."""


class Tracker(MlflowStore):
    """Studies and cells on one tracking server or in one SQLite file.

    Epochs are sent from a thread of their own, so that training does not wait for a server.
    """

    def __init__(self, uri: str | None = None) -> None:
        super().__init__(uri)
        self.async_logger = AsyncLogger()

    def open_study(self, study: Study) -> str:
        """The parent run of `study`, resumed if it is there, begun if not."""
        experiment = self.get_or_create_experiment(study.dataset.name)
        runs = self.search_runs(f"tags.`{STUDY_TAG}` = '{study.name}'", (experiment,))
        if runs:
            run_id: str = runs[0].info.run_id
            self.client.update_run(run_id, status="RUNNING")
        else:
            tags = {STUDY_TAG: study.name, NAME_TAG: study.name, NOTE_TAG: format_study_note(study)}
            run_id = self.client.create_run(experiment, tags=tags).info.run_id
        self.log_texts(run_id, {"study.json": to_json(study, indent=1)})
        return run_id

    def log_time(self, run_id: str, seconds: float, *, estimate: tuple[float, float] | None) -> None:
        """Keep with a study's run how long a command ran its cells, and the bounds that it had estimated."""
        bounds = dict(zip(("estimated_seconds_low", "estimated_seconds_high"), estimate or (), strict=False))
        self.log_batch(run_id, metrics={"seconds": seconds, **bounds})

    def close_run(self, run_id: str, status: str) -> None:
        """End a run as FINISHED, FAILED or KILLED."""
        self.client.set_terminated(run_id, status=status)

    def abandon_run(self, run_id: str) -> None:
        """Close a run as KILLED on the way out: what is still to be sent is dropped, nothing waited for."""
        self.retry_policy.stop()
        self.async_logger.cancel()
        with suppress(Exception):
            self.close_run(run_id, "KILLED")

    def start_run(self, spec: RunSpec, *, parent: str, lock_scope: str = "", process: str = "") -> str:
        """A running child for one cell, with its key and its whole spec.

        `place` and `process` tell later whether whoever runs it is still there: see `bury`.
        """
        tags = {
            KEY_TAG: spec.key,
            PARENT_TAG: parent,
            NAME_TAG: format_run_name(spec),
            SPEC_TAG: to_json(spec),
        }
        tags |= {LOCK_SCOPE_TAG: lock_scope, PROCESS_TAG: process}
        run_id: str = self.client.create_run(
            self.get_or_create_experiment(spec.dataset.name), tags=tags
        ).info.run_id
        self.log_batch(run_id, params=flatten_spec(spec))
        return run_id

    def log_epochs(self, run_id: str, epochs: Iterable[Epoch]) -> None:
        """The figures of epochs, as steps of the run's curves; sent by and by, those of one call at once."""
        steps = {epoch.number: build_epoch_metrics(epoch) for epoch in epochs}
        numbers = list(steps)
        for start in range(0, len(numbers), EPOCHS_PER_CALL):
            chunk = {number: steps[number] for number in numbers[start : start + EPOCHS_PER_CALL]}
            self.async_logger.submit(partial(self.log_steps, run_id, chunk))

    def finish_run(
        self, run_id: str, result: RunResult, *, folder: Path, metrics: Mapping[str, float] | None = None
    ) -> None:
        """Keep a result, other `metrics` and what lies in `folder`, as it is; then the run is FINISHED."""
        self.async_logger.flush()
        # The result's own files go into the folder too: sent one by one, each has the run looked up.
        self.log_batch(run_id, metrics={**compute_final_metrics(result), **(metrics or {})})
        for name, text in render_result_files(result).items():
            if not (folder / name).exists():
                (folder / name).write_text(text, encoding="utf-8")
        self.client.log_artifacts(run_id, str(folder))
        self.close_run(run_id, "FINISHED")

    def fail_run(self, run_id: str, reason: str) -> None:
        """Record that a cell did not finish, and why."""
        self.async_logger.flush()
        self.client.set_tag(run_id, REASON_TAG, reason)
        self.client.set_tag(run_id, NOTE_TAG, f"Failed: {reason}")
        self.close_run(run_id, "FAILED")

    def close_orphaned_runs(self, parent: str, *, lock_scope: str, is_locked: Callable[[str], bool]) -> None:
        """Close the runs of a study that processes of `place` left open as they died.

        `held` says of a key whether a process is at it. Such a run ended with its last epoch.
        """
        open_runs = self.search_runs(f"tags.`{PARENT_TAG}` = '{parent}' and attributes.status = 'RUNNING'")
        for run in open_runs:
            if run.data.tags.get(LOCK_SCOPE_TAG) != lock_scope or is_locked(run.data.tags[KEY_TAG]):
                continue
            history = self.client.get_metric_history(run.info.run_id, "train/loss")
            process = run.data.tags.get(PROCESS_TAG, "unknown")
            note = f"Killed: its process ({process}) ended without a word after {len(history)} epochs."
            self.client.set_tag(run.info.run_id, NOTE_TAG, note)
            end_time = max((metric.timestamp for metric in history), default=run.info.start_time)
            self.client.set_terminated(run.info.run_id, status="KILLED", end_time=end_time)

    def cell_status(self, key: str, *, parent: str) -> CellStatus:
        """What there is of a cell, `reason` in the study of `parent`."""
        runs = [
            run for run in self.search_runs(f"tags.`{KEY_TAG}` = '{key}'") if REUSES_TAG not in run.data.tags
        ]
        finished_run_id = next((run.info.run_id for run in runs if run.info.status == "FINISHED"), None)
        study_runs = [run for run in runs if run.data.tags.get(PARENT_TAG) == parent]
        return CellStatus(
            finished_run_id=finished_run_id, failure_reason=_collect_failure_reasons(study_runs).get(key)
        )

    def cell_states(self, study: Study) -> dict[str, str]:
        """How each cell of a study stands that has ended: "done" in any study, or "failed" in this one."""
        study_runs = self.search_runs(f"tags.`{STUDY_TAG}` = '{study.name}'")
        runs = self.search_runs(f"tags.`{PARENT_TAG}` = '{study_runs[0].info.run_id}'") if study_runs else []
        # By the key that a run had when it ran: an older training of a cell is not reused for it.
        failed_runs = [run for run in runs if KEY_TAG in run.data.tags and run.info.status == "FAILED"]
        states = {run.data.tags[KEY_TAG]: "failed" for run in failed_runs}
        states |= {run.data.tags[KEY_TAG]: "done" for run in self._find_finished_runs(runs).values()}
        other_keys = [spec.key for spec in study.list_runs() if spec.key not in states]
        return states | {key: "done" for key in other_keys if self.find_finished_run(key) is not None}

    def find_finished_run(self, key: str) -> str | None:
        """The finished run of that key, in whatever study it ran."""
        run = self._find_newest_run(key)
        return run.info.run_id if run else None

    def find_cells(self, prefix: str) -> dict[str, tuple[str, str]]:
        """Key and status by run id of the cells whose id or key begins so; a reused one as what it reuses."""
        filter_strings = (f"{field} LIKE '{prefix}%'" for field in (f"tags.`{KEY_TAG}`", "attributes.run_id"))
        runs = [run for filter_string in filter_strings for run in self.search_runs(filter_string)]
        runs = [
            self.client.get_run(r.data.tags[REUSES_TAG]) if REUSES_TAG in r.data.tags else r for r in runs
        ]
        return {r.info.run_id: (r.data.tags[KEY_TAG], r.info.status) for r in runs if KEY_TAG in r.data.tags}

    def reuse_run(self, run_id: str, spec: RunSpec, *, parent: str, result: RunResult) -> bool:
        """Enter a finished cell of another study under `parent`, once; whether it was entered now."""
        original_run = self.client.get_run(run_id)
        if original_run.data.tags.get(PARENT_TAG) == parent:
            return False
        filter_string = f"tags.`{REUSES_TAG}` = '{run_id}' and tags.`{PARENT_TAG}` = '{parent}'"
        link_runs = self.search_runs(filter_string, (original_run.info.experiment_id,))
        if link_runs and link_runs[0].info.status == "FINISHED":
            return False
        note = f"Reused: run {run_id} of another study has the same key and holds the artifacts."
        tags = {REUSES_TAG: run_id, PARENT_TAG: parent, NAME_TAG: format_run_name(spec), NOTE_TAG: note}
        # One that is there and not finished was left so by a process that died here.
        link_run = (
            link_runs[0] if link_runs else self.client.create_run(original_run.info.experiment_id, tags=tags)
        )
        self.log_batch(link_run.info.run_id, params=flatten_spec(spec), metrics=compute_final_metrics(result))
        self.close_run(link_run.info.run_id, "FINISHED")
        return True

    def load_result(self, run_id: str) -> RunResult | None:
        """The result that a finished run holds, or None if its artifacts are gone or cannot be read."""
        try:
            return self._read_result(self.client.get_run(run_id))
        except MlflowException:
            return None

    def download_weights(self, run_id: str, folder: str) -> Path:
        """The file of a finished run's best weights, brought into `folder`.

        Raises:
            ValueError: the run keeps none, or its artifacts are gone.
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
        except (MlflowException, OSError) as error:
            raise ValueError(f"run {run_id} has no weights here (moved or deleted?): {error}") from error

    def delete_weights(self, run_id: str, *, rule: str, parent: str) -> None:
        """Delete the weights of a run as `rule` says, if it was trained in the study of `parent`."""
        run = self.client.get_run(run_id)
        if run.data.tags.get(PARENT_TAG) == parent and WEIGHTS_DROPPED_TAG not in run.data.tags:
            for name in WEIGHT_FILES:
                self.delete_artifact(run, name)
            self.tag_weights_dropped(run_id, rule=rule)

    def tag_weights_dropped(self, run_id: str, *, rule: str) -> None:
        """Note on a run the rule by which its weights are not kept."""
        self.client.set_tag(run_id, WEIGHTS_DROPPED_TAG, rule)

    def list_study_names(self) -> list[str]:
        """Every study on this ledger, newest first."""
        return [run.data.tags[STUDY_TAG] for run in self.search_runs(f"tags.`{STUDY_TAG}` != ''")]

    def find_study(self, name: str) -> tuple[Study, str]:
        """A study by its name, and its own run.

        Raises:
            ValueError: no such study; the message lists those there are.
        """
        names = self.list_study_names()
        if name not in names:
            name_list = ", ".join(names) or "none"
            raise ValueError(f"no study {name!r} on {self.display_uri()}; studies there: {name_list}")
        runs = self.search_runs(f"tags.`{STUDY_TAG}` = '{name}'")
        return from_json(Study, self.read_text(runs[0], "study.json")), runs[0].info.run_id

    def list_cell_runs(self, parent: str) -> list[CellRun]:
        """The runs of a study's cells, new ones first, and then those of others that it reuses."""
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
        """A study as far as it has come, and its pictures by name.

        Raises:
            ValueError: no such study; the message lists those there are.
        """
        study, parent = self.find_study(name)
        with tempfile.TemporaryDirectory() as folder:
            # By the name that the study has now: it is a digest, and new fields have changed it.
            figures = {
                f"{study.name}/{Path(item.path).stem}": self.download_artifact(
                    parent, item.path, folder
                ).read_bytes()
                for item in self.client.list_artifacts(parent, "pictures")
            }
        confirmatory = is_confirmatory(self.client.get_run(parent), study)
        return replace(self.collect_results(study, parent=parent), is_confirmatory=confirmatory), figures

    @disable_gc()
    def collect_results(self, study: Study, *, parent: str) -> StudyResult:
        """Results and failures of `study` as they stand on the ledger."""
        results, failures, run_ids = [], [], []
        children = self.search_runs(f"tags.`{PARENT_TAG}` = '{parent}'")
        finished_runs, reasons = self._find_finished_runs(children), _collect_failure_reasons(children)
        for spec in study.list_runs():
            run = finished_runs.get(spec.key)
            result = self._read_result(run)
            if result is None:
                # Another study may have run it since: a cell of this one that was lost, or never begun.
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

    def log_figures(self, run_id: str, figures: Mapping[str, bytes]) -> None:
        """PNG files by name, among the study's artifacts."""
        with tempfile.TemporaryDirectory() as folder:
            for name, png in figures.items():
                path = Path(folder) / f"{name}.png"
                path.write_bytes(png)
                self.client.log_artifact(run_id, str(path), "pictures")

    def _find_newest_run(self, key: str) -> Run | None:
        runs = self.search_runs(f"tags.`{KEY_TAG}` = '{key}' and attributes.status = 'FINISHED'")
        return runs[0] if runs else None

    def _find_finished_runs(self, children: Sequence[Run]) -> dict[str, Run]:
        """The newest finished run of each key among a study's children; a reused one as what it reuses."""
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
        except (MlflowException, OSError, ValueError, TypeError, LookupError):
            return None


def _current_key(run: Run) -> str:
    """The key that a cell has now: an earlier recipe's runs still belong to the study that they ran in."""
    try:
        return from_json(RunSpec, run.data.tags[SPEC_TAG]).key
    except (ValueError, KeyError):
        return str(run.data.tags[KEY_TAG])


def _collect_failure_reasons(children: Iterable[Run]) -> dict[str, str]:
    """Why cells failed, by key, the last time that each did; `children` from new to old."""
    failed_runs = [run for run in children if KEY_TAG in run.data.tags and run.info.status == "FAILED"]
    return {_current_key(run): run.data.tags.get(REASON_TAG, "unknown") for run in reversed(failed_runs)}

"""The tracker: studies and cells as MLflow runs, the only record of what has been run.

A study is a parent run; a cell is a child run tagged with its key. The artifacts of a cell hold its result;
resuming and reporting read it from there. If another study has finished a cell, the study gets a link run, a
child without artifacts that refers to the finished run. So each study is complete in the MLflow UI, and each
key has one finished run.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from datasets.text import pluralize
from harness.run_names import format_run_name, format_study_note
from harness.tracking.cell_runs import list_commands, make_command_tag
from harness.tracking.epoch_records import RECORD_FILE, format_epoch_record
from harness.tracking.mlflow_store import create_system_monitor
from harness.tracking.result_files import (
    build_epoch_metrics,
    compute_final_metrics,
    flatten_spec,
    render_result_files,
)
from harness.tracking.retry import AsyncLogger
from harness.tracking.run_table_view import EXPANDED_RUN_TYPE
from harness.tracking.study_reader import FIGURES_FOLDER, WEIGHT_FILES, StudyReader
from harness.tracking.study_views import set_view
from harness.tracking.system_metrics import SAMPLE_SECONDS, read_sample, repeat_in_background
from harness.tracking.tags import (
    ALIAS_TAG,
    COMMIT_TAG,
    DIRTY_TAG,
    END_TIME_TAG,
    ENTRY_POINT_TAG,
    EPOCH_RECORD_TAG,
    KEY_TAG,
    LOCK_SCOPE_TAG,
    NAME_TAG,
    NOTE_TAG,
    PARENT_TAG,
    PROCESS_TAG,
    REASON_TAG,
    REUSES_TAG,
    SOURCE_NAME_TAG,
    SOURCE_TYPE_TAG,
    SPEC_TAG,
    STUDY_TAG,
    TRACEBACK_TAG,
    VERSIONS_TAG,
    WEIGHTS_DROPPED_TAG,
)
from studies.codec import to_data, to_json
from studies.results import TRACEBACK_FILE, Environment, Epoch, RunResult
from studies.spec import RunSpec
from studies.study import Study

EPOCHS_PER_CALL = 100
"""Maximum number of epochs per call: MLflow accepts 1000 metrics per call."""

SOURCE_TAGS = {SOURCE_NAME_TAG: "harness", SOURCE_TYPE_TAG: "LOCAL"}
_ENTRY_POINTS = {"ablation": "ablate", "comparison": "compare"}
"""Command of the command line that runs a kind of study."""

_DIGEST_LENGTH = 16
"""Characters of the fingerprint of the data that MLflow shows; it accepts 36."""


class Tracker(StudyReader):
    """Reads and writes studies and cells on a tracking server or in a SQLite file.

    A background thread sends epochs, so that training does not wait for the server.
    """

    def __init__(self, uri: str | None = None) -> None:
        super().__init__(uri)
        self.async_logger = AsyncLogger()
        self._entry_points: dict[str, str] = {}

    def open_study(self, study: Study, *, commands: Sequence[str] = (), alias: str = "") -> str:
        """Resume the parent run of `study`, or create it; return its id.

        `commands` are the command lines that run the study; those that the run does not have yet are added.
        `alias` replaces the alias that the run has; "" keeps it.
        """
        experiment = self.get_or_create_experiment(study.dataset.name)
        runs = self.search_runs(f"tags.`{STUDY_TAG}` = '{study.name}'", (experiment,))
        if runs:
            run_id: str = runs[0].info.run_id
            self.client.update_run(run_id, status="RUNNING")
            earlier_commands = list_commands(runs[0].data.tags)
        else:
            tags = {STUDY_TAG: study.name, NAME_TAG: study.name}
            tags |= {NOTE_TAG: format_study_note(study, alias)}
            tags |= SOURCE_TAGS | {ENTRY_POINT_TAG: _ENTRY_POINTS[study.kind]}
            run_id = self.client.create_run(experiment, tags=tags).info.run_id
            earlier_commands = ()
        if alias:
            self.log_batch(run_id, tags={ALIAS_TAG: alias, NAME_TAG: alias})
        all_commands = dict.fromkeys((*earlier_commands, *commands))
        for number, command in list(enumerate(all_commands, start=1))[len(earlier_commands) :]:
            self.client.set_tag(run_id, make_command_tag(number), command)
        self.log_texts(run_id, {"study.json": to_json(study, indent=1)})
        set_view(self, experiment, study_run_id=run_id)
        return run_id

    def log_time(self, run_id: str, seconds: float, *, estimate: tuple[float, float] | None) -> None:
        """Log to a study's run how long a command took to run its cells, and the bounds of its estimate."""
        bounds = dict(zip(("estimated_seconds_low", "estimated_seconds_high"), estimate or (), strict=False))
        self.log_batch(run_id, metrics={"seconds": seconds, **bounds})

    def close_run(self, run_id: str, status: str) -> None:
        """Close a run as FINISHED, FAILED or KILLED."""
        self.client.set_terminated(run_id, status=status)

    def abandon_run(self, run_id: str) -> None:
        """Close a run as KILLED on exit: drop pending calls and wait for nothing."""
        self.retry_policy.stop()
        self.async_logger.cancel()
        with suppress(Exception):
            self.close_run(run_id, "KILLED")

    def start_run(
        self,
        spec: RunSpec,
        *,
        parent: str,
        lock_scope: str = "",
        process: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """Create the child run of a cell, tagged with its key, its full spec and `tags`; return its id.

        `lock_scope` and `process` identify the process that runs it: see `close_orphaned_runs`.
        """
        own_tags = {
            KEY_TAG: spec.key,
            PARENT_TAG: parent,
            NAME_TAG: format_run_name(spec),
            SPEC_TAG: to_json(spec),
            LOCK_SCOPE_TAG: lock_scope,
            PROCESS_TAG: process,
            **self._build_child_tags(parent),
        }
        run_id: str = self.client.create_run(
            self.get_or_create_experiment(spec.dataset.name), tags={**own_tags, **(tags or {})}
        ).info.run_id
        self.log_batch(run_id, params=flatten_spec(spec))
        self._log_data(run_id, spec)
        return run_id

    def _build_child_tags(self, parent: str) -> dict[str, str]:
        """Return MLflow's tags of a child run: its source, with the entry point of `parent`, and its type."""
        if parent not in self._entry_points:
            self._entry_points[parent] = self.client.get_run(parent).data.tags.get(ENTRY_POINT_TAG, "")
        entry_point = self._entry_points[parent]
        return SOURCE_TAGS | EXPANDED_RUN_TYPE | ({ENTRY_POINT_TAG: entry_point} if entry_point else {})

    def _log_data(self, run_id: str, spec: RunSpec) -> None:
        """Log the data of a run as an MLflow dataset, whose digest is the start of our fingerprint."""
        dataset = to_data(spec.dataset)
        self.log_dataset(
            run_id,
            name=spec.dataset.name,
            digest=spec.fingerprint[:_DIGEST_LENGTH],
            source=json.dumps({"fingerprint": spec.fingerprint}),
            profile=json.dumps({**dataset, "protocol": spec.protocol}),
        )

    def log_epochs(self, run_id: str, epochs: Iterable[Epoch]) -> None:
        """Log the metrics of epochs as steps of the run's curves, in the background."""
        steps = {epoch.number: build_epoch_metrics(epoch) for epoch in epochs}
        numbers = list(steps)
        for start in range(0, len(numbers), EPOCHS_PER_CALL):
            chunk = {number: steps[number] for number in numbers[start : start + EPOCHS_PER_CALL]}
            self.async_logger.submit(partial(self.log_steps, run_id, chunk))

    @contextmanager
    def monitor_system(self, run_id: str) -> Iterator[None]:
        """Log the use of the machine to a run during the context, in the background like epochs."""
        monitor = create_system_monitor()
        read_sample(monitor)  # the first sample starts the measurement of the CPU's use

        def log_sample(step: int) -> None:
            sample = read_sample(monitor)
            self.async_logger.submit(partial(self.log_steps, run_id, {step: sample}))

        with repeat_in_background(log_sample, interval=SAMPLE_SECONDS):
            yield

    def finish_run(
        self, run_id: str, result: RunResult, *, folder: Path, metrics: Mapping[str, float] | None = None
    ) -> None:
        """Log a result, further `metrics` and the files in `folder`, then close the run as FINISHED."""
        self.async_logger.flush()
        # The result's files go into the folder too: MLflow would look up the run for each separate file.
        tags = {END_TIME_TAG: result.end_time, VERSIONS_TAG: _format_versions(result.environment)}
        tags |= build_commit_tags(result.environment)
        files = render_result_files(result)
        if result.epoch_classes:
            tags[EPOCH_RECORD_TAG] = RECORD_FILE
            files[RECORD_FILE] = format_epoch_record(result)
        self.log_batch(
            run_id,
            metrics={**compute_final_metrics(result), **(metrics or {})},
            tags={name: value for name, value in tags.items() if value},
        )
        for name, text in files.items():
            if not (folder / name).exists():
                (folder / name).write_text(text, encoding="utf-8")
        self.client.log_artifacts(run_id, str(folder))
        self.close_run(run_id, "FINISHED")

    def add_epoch_record(self, run_id: str, result: RunResult) -> None:
        """Add the record of `result` to a finished run that has none; nothing else in the run changes."""
        self.log_texts(run_id, {RECORD_FILE: format_epoch_record(result)})
        self.client.set_tag(run_id, EPOCH_RECORD_TAG, RECORD_FILE)

    def fail_run(self, run_id: str, reason: str, *, traceback: str = "") -> None:
        """Record why a cell failed, with the text of its traceback if any, and close its run as FAILED."""
        self.async_logger.flush()
        if traceback:
            self.log_texts(run_id, {TRACEBACK_FILE: traceback})
            self.client.set_tag(run_id, TRACEBACK_TAG, TRACEBACK_FILE)
        self.client.set_tag(run_id, REASON_TAG, reason)
        self.client.set_tag(run_id, NOTE_TAG, f"Failed: {reason}")
        self.close_run(run_id, "FAILED")

    def close_orphaned_runs(self, parent: str, *, lock_scope: str, is_locked: Callable[[str], bool]) -> None:
        """Close the runs of a study that dead processes of `lock_scope` left open, as KILLED.

        `is_locked` returns whether a process has locked the cell of a key. The end time of a run is that of
        its last epoch.
        """
        open_runs = self.search_runs(f"tags.`{PARENT_TAG}` = '{parent}' and attributes.status = 'RUNNING'")
        for run in open_runs:
            if run.data.tags.get(LOCK_SCOPE_TAG) != lock_scope or is_locked(run.data.tags[KEY_TAG]):
                continue
            history = self.client.get_metric_history(run.info.run_id, "train/loss")
            process = run.data.tags.get(PROCESS_TAG, "unknown")
            note = f"Killed: its process ({process}) died after {pluralize(len(history), 'epoch')}."
            self.client.set_tag(run.info.run_id, NOTE_TAG, note)
            end_time = max((metric.timestamp for metric in history), default=run.info.start_time)
            self.client.set_terminated(run.info.run_id, status="KILLED", end_time=end_time)

    def reuse_run(self, run_id: str, spec: RunSpec, *, parent: str, result: RunResult) -> bool:
        """Link a finished run of another study to the study of `parent`.

        Returns:
            True if a link run was added; False if the study already has the run or a link to it.
        """
        original_run = self.client.get_run(run_id)
        if original_run.data.tags.get(PARENT_TAG) == parent:
            return False
        filter_string = f"tags.`{REUSES_TAG}` = '{run_id}' and tags.`{PARENT_TAG}` = '{parent}'"
        link_runs = self.search_runs(filter_string, (original_run.info.experiment_id,))
        if link_runs and link_runs[0].info.status == "FINISHED":
            return False
        note = f"Reused: run {run_id} of another study has the same key and holds the artifacts."
        tags = {REUSES_TAG: run_id, PARENT_TAG: parent, NAME_TAG: format_run_name(spec), NOTE_TAG: note}
        tags |= self._build_child_tags(parent) | build_commit_tags(result.environment)
        # An unfinished link run was left by a process that died at this point.
        link_run = (
            link_runs[0] if link_runs else self.client.create_run(original_run.info.experiment_id, tags=tags)
        )
        self.log_batch(link_run.info.run_id, params=flatten_spec(spec), metrics=compute_final_metrics(result))
        self._log_data(link_run.info.run_id, spec)
        self.close_run(link_run.info.run_id, "FINISHED")
        return True

    def delete_weights(self, run_id: str, *, rule: str, parent: str) -> None:
        """Delete the weights of a run if it belongs to the study of `parent`; tag the run with `rule`."""
        run = self.client.get_run(run_id)
        if run.data.tags.get(PARENT_TAG) == parent and WEIGHTS_DROPPED_TAG not in run.data.tags:
            for name in WEIGHT_FILES:
                self.delete_artifact(run, name)
            self.tag_weights_dropped(run_id, rule=rule)

    def tag_weights_dropped(self, run_id: str, *, rule: str) -> None:
        """Tag a run with the rule by which its weights are not kept."""
        self.client.set_tag(run_id, WEIGHTS_DROPPED_TAG, rule)

    def log_figures(self, run_id: str, figures: Mapping[str, bytes]) -> None:
        """Log PNG files, by name, as artifacts of a study's run."""
        with tempfile.TemporaryDirectory() as folder:
            for name, png in figures.items():
                path = Path(folder) / f"{name}.png"
                path.write_bytes(png)
                self.client.log_artifact(run_id, str(path), FIGURES_FOLDER)


def build_commit_tags(environment: Environment) -> dict[str, str]:
    """Return MLflow's tags for the commit of harness; {} outside a checkout."""
    commit, _, change = environment.commit.partition(" ")
    if commit in ("", "unknown"):
        return {}
    return {COMMIT_TAG: commit, DIRTY_TAG: str(bool(change)).lower()}


def _format_versions(environment: Environment) -> str:
    """Return the versions of harness and torch as text; "" if neither is known."""
    versions = dict(environment.versions)
    return ", ".join(
        f"{package} {versions[package]}" for package in ("harness", "torch") if package in versions
    )

"""Import an archive's study into a tracking store; cells that the store already has are reused."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.archive.members import CELLS_FOLDER, EXPORT_AGAIN
from harness.archive.reader import Archive
from harness.errors import HarnessError, StudyAborted, is_full_disk
from harness.run_names import format_run_name
from harness.scheduling.cell_locks import CellLocks
from harness.tracking.study_reader import FIGURES_FOLDER, WEIGHT_FILES
from harness.tracking.tags import IMPORTED_TAG, KEY_TAG, NOTE_TAG, SPEC_TAG, STUDY_TAG
from harness.tracking.tracker import Tracker
from reports.document import write_report
from studies.results import Failure, RunResult, StudyResult
from studies.spec import RunSpec


@dataclass(kw_only=True)
class ImportSummary:
    """The outcome of an import: keys of cells.

    Attributes:
        imported: finished cells that were imported.
        failed: failed cells that were imported.
        reused: cells that another study of the store had finished; the study got links to them.
        duplicates: cells that the study in the store already had.
        conflicts: cells of `reused` and `duplicates` whose outcome in the store differs from the archive's.
            Reports show the outcome in the store.
        completed: cells of `reused` and `duplicates` that got the weights of the archive, because an earlier
            import had added them without weights.
        recorded: cells of `reused` and `duplicates` that got the record of their epochs from the archive,
            because they had no record.
    """

    imported: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    completed: list[str] = field(default_factory=list)
    recorded: list[str] = field(default_factory=list)

    @property
    def has_changes(self) -> bool:
        """Return True if the import added any run, weights or record."""
        return bool(self.imported or self.failed or self.reused or self.completed or self.recorded)


def dry_run_report(archive: Archive) -> None:
    """Render the archive's report to a temporary folder, to reject results that no report can show.

    Raises:
        HarnessError: rendering the report failed.
    """
    results = {result.spec.key: result for result, _ in map(archive.load_result, archive.cell_keys)}
    study_results = tuple(results[spec.key] for spec in archive.study.list_runs() if spec.key in results)
    result = StudyResult(
        study=archive.study,
        results=study_results,
        failures=archive.failures,
        commands=archive.commands,
        alias=archive.alias,
    )
    names = archive.members.list_folder(FIGURES_FOLDER)
    figures = {f"{archive.study.name}/{Path(name).stem}": archive.members.read_bytes(name) for name in names}
    try:
        with tempfile.TemporaryDirectory() as folder:
            write_report((result,), Path(folder), images=figures)
    except Exception as error:
        if is_full_disk(error):
            raise
        # Contradictory results can make each table fail with another kind of exception.
        raise HarnessError(
            "archive.no-report",
            f"{archive.path} cannot be imported, and nothing was written: the report of its results cannot "
            f"be rendered ({type(error).__name__}: {error}); {EXPORT_AGAIN}",
        ) from error


def import_study(archive: Archive, tracker: Tracker, locks: CellLocks) -> ImportSummary:
    """Import the study and its cells; a repeated call completes an import that was killed.

    Raises:
        ValueError: the archive was changed since it was opened.
        StudyAborted: another process has locked some of the cells; the others were imported.
    """
    with locks.lock(archive.study.name, wait=True):
        study_run_id, status = _open_study(archive, tracker)
    importer = _Importer(archive, tracker, locks, study_run_id)
    try:
        tracker.close_orphaned_runs(study_run_id, lock_scope=locks.scope, is_locked=locks.is_locked)
        for key in archive.cell_keys:
            importer.import_cell(key)
        for failure in archive.failures:
            importer.import_failure(failure)
        _import_figures(archive, tracker, study_run_id)
    except BaseException:
        tracker.abandon_run(study_run_id)
        raise
    final_status = _compute_status(tracker.collect_results(archive.study, parent=study_run_id))
    if status != final_status:
        tracker.close_run(study_run_id, final_status)
    if importer.locked_cells:
        raise StudyAborted(
            f"another process is running {len(importer.locked_cells)} of the cells "
            f"({importer.locked_cells[0]}); the others are imported: start the same command again when it "
            "has ended"
        )
    return importer.summary


def _open_study(archive: Archive, tracker: Tracker) -> tuple[str, str]:
    """Return the id and status of the study's run; create the run if it does not exist, resume it if open."""
    runs = tracker.search_runs(f"tags.`{STUDY_TAG}` = '{archive.study.name}'")
    if runs and runs[0].info.status != "RUNNING":
        return runs[0].info.run_id, runs[0].info.status
    is_taken = tracker.find_alias_owner(archive.alias, study_name=archive.study.name)
    alias = "" if is_taken else archive.alias
    study_run_id = tracker.open_study(archive.study, commands=archive.commands, alias=alias)
    if not runs:
        tracker.client.set_tag(study_run_id, IMPORTED_TAG, archive.path.name)
    return study_run_id, "RUNNING"


def _compute_status(result: StudyResult) -> str:
    if result.failures:
        return "FAILED"
    return "FINISHED" if len(result.results) == len(result.study.list_runs()) else "KILLED"


def _import_figures(archive: Archive, tracker: Tracker, study_run_id: str) -> None:
    figure_names = {item.path for item in tracker.client.list_artifacts(study_run_id, FIGURES_FOLDER)}
    missing = [name for name in archive.members.list_folder(FIGURES_FOLDER) if name not in figure_names]
    tracker.log_figures(study_run_id, {Path(name).stem: archive.members.read_bytes(name) for name in missing})


class _Importer:
    """Imports cells one by one.

    `summary` holds their keys, `locked_cells` the names of cells that another process has locked.
    """

    def __init__(self, archive: Archive, tracker: Tracker, locks: CellLocks, study_run_id: str) -> None:
        self._archive, self._tracker, self._locks, self._study_run_id = archive, tracker, locks, study_run_id
        self.summary = ImportSummary()
        self.locked_cells: list[str] = []

    def import_cell(self, key: str) -> None:
        """Import a finished cell, unless the store has a finished run of it."""
        result, spec_json = self._archive.load_result(key)
        with self._locks.lock(key) as has_lock:
            if not has_lock:
                self.locked_cells.append(format_run_name(result.spec))
            elif not self._reuse_existing((result.spec.key, key), result.spec, result):
                self._import_result(key, result, spec_json)
                self.summary.imported.append(result.spec.key)

    def import_failure(self, failure: Failure) -> None:
        """Import a failed cell, unless the store has an outcome of it."""
        key = failure.spec.key
        with self._locks.lock(key) as has_lock:
            if not has_lock:
                self.locked_cells.append(format_run_name(failure.spec))
                return
            if self._reuse_existing((key,), failure.spec, None):
                return
            reason = self._tracker.cell_status(key, parent=self._study_run_id).failure_reason
            if reason is None:
                run_id = self._start_run(failure.spec, {IMPORTED_TAG: self._archive.path.name})
                self._tracker.fail_run(run_id, failure.reason)
                self.summary.failed.append(key)
                return
            self.summary.duplicates.append(key)
            if reason != failure.reason:
                self.summary.conflicts.append(key)

    def _reuse_existing(self, keys: tuple[str, ...], spec: RunSpec, result: RunResult | None) -> bool:
        """Reuse a finished run of the store with one of `keys`; link it if it belongs to another study.

        Returns:
            True if there is such a run.
        """
        for key in dict.fromkeys(keys):
            run_id = self._tracker.cell_status(key, parent=self._study_run_id).finished_run_id
            local_result = self._tracker.load_result(run_id) if run_id else None
            if run_id is None or local_result is None:
                continue
            if result and not local_result.is_valid_on(result.environment.device):
                continue
            is_new = self._tracker.reuse_run(run_id, spec, parent=self._study_run_id, result=local_result)
            (self.summary.reused if is_new else self.summary.duplicates).append(spec.key)
            if result is None or result != replace(local_result, epoch_classes=result.epoch_classes):
                self.summary.conflicts.append(spec.key)
                return True
            if self._add_missing_weights(run_id, archive_key=keys[-1]):
                self.summary.completed.append(spec.key)
            if result.epoch_classes and not local_result.epoch_classes:
                self._tracker.add_epoch_record(run_id, result)
                self.summary.recorded.append(spec.key)
            return True
        return False

    def _add_missing_weights(self, run_id: str, *, archive_key: str) -> bool:
        """Add the archive's weights to a run that was imported without any; return True if it got them."""
        members = self._archive.members.list_folder(f"{CELLS_FOLDER}/{archive_key}")
        weights = [member for member in members if Path(member).name in WEIGHT_FILES]
        client = self._tracker.client
        if not weights or IMPORTED_TAG not in client.get_run(run_id).data.tags:
            return False
        if {item.path for item in client.list_artifacts(run_id)} & set(WEIGHT_FILES):
            return False
        with tempfile.TemporaryDirectory() as folder:
            for member in weights:
                path = Path(folder) / Path(member).name
                self._archive.members.extract(member, path)
                client.log_artifact(run_id, str(path))
        return True

    def _import_result(self, key: str, result: RunResult, spec_json: str) -> None:
        tracker, name, original_run_id = self._tracker, self._archive.path.name, self._archive.run_ids[key]
        note = f"Imported from {name}, where its run id was {original_run_id}."
        run_id = self._start_run(
            result.spec, {KEY_TAG: key, SPEC_TAG: spec_json, IMPORTED_TAG: original_run_id, NOTE_TAG: note}
        )
        try:
            tracker.log_epochs(run_id, result.history)
            with tempfile.TemporaryDirectory() as folder:
                for member in self._archive.members.list_folder(f"{CELLS_FOLDER}/{key}"):
                    self._archive.members.extract(member, Path(folder) / Path(member).name)
                tracker.finish_run(run_id, result, folder=Path(folder))
        except BaseException:
            tracker.abandon_run(run_id)
            raise

    def _start_run(self, spec: RunSpec, tags: dict[str, str]) -> str:
        lock_scope, process = self._locks.scope, self._locks.process
        return self._tracker.start_run(
            spec, parent=self._study_run_id, lock_scope=lock_scope, process=process, tags=tags
        )

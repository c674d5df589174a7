"""An archive's study onto a ledger: what is there already is reused, what a kill left out is entered."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from harness.archive.members import AGAIN, CELLS, PICTURES
from harness.archive.reading import Archive
from harness.errors import Stopped, is_full_disk
from harness.labels import run_name
from harness.running.claims import Claims
from harness.tracking.ledger import KEY, NOTE, SPEC, STUDY, Ledger
from reports.document import write
from studies.results import Failure, RunResult, StudyResult
from studies.spec import RunSpec

IMPORTED = "harness.imported"
"""The tag of what came from an archive: of a cell the run that it was where it was exported."""


@dataclass(kw_only=True)
class Entered:
    """What became of an archive's cells, each by its key.

    `reused` were finished in another study there; `here` stood in this one; `differing` are those of both
    that have another outcome there than in the archive, whose report therefore shows the ledger's.
    """

    imported: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    here: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether the ledger got anything."""
        return bool(self.imported or self.failed or self.reused)


def rehearse(archive: Archive) -> None:
    """Write the archive's report where nobody sees it: what no report can be made of shall not be entered.

    Raises:
        ValueError: there is none.
    """
    results = {result.spec.key: result for result, _ in map(archive.result, archive.cells)}
    ordered = tuple(results[spec.key] for spec in archive.study.runs() if spec.key in results)
    result = StudyResult(study=archive.study, results=ordered, failures=archive.failures)
    names = archive.members.under(PICTURES)
    pictures = {f"{archive.study.name}/{Path(name).stem}": archive.members.read(name) for name in names}
    try:
        with tempfile.TemporaryDirectory() as folder:
            write((result,), Path(folder), pictures=pictures)
    except Exception as error:
        if is_full_disk(error):
            raise
        # Figures that contradict each other make the tables fail in as many ways as there are tables.
        raise ValueError(
            f"{archive.path} cannot be imported, and nothing was written: no report can be made of its "
            f"results ({type(error).__name__}: {error}); {AGAIN}"
        ) from error


def enter(archive: Archive, ledger: Ledger, claims: Claims) -> Entered:
    """Enter the study and its cells; what a kill leaves out, the next call enters.

    Raises:
        ValueError: the archive was changed since it was opened.
        Stopped: another process is at some of the cells; the others were entered.
    """
    with claims.taken(archive.study.name, wait=True):
        parent, status = _study(archive, ledger)
    entering = _Entering(archive, ledger, claims, parent)
    try:
        ledger.bury(parent, place=claims.place, held=claims.held)
        for key in archive.cells:
            entering.cell(key)
        for failure in archive.failures:
            entering.failure(failure)
        _pictures(archive, ledger, parent)
    except BaseException:
        ledger.abandon(parent)
        raise
    ended = _status(ledger.collect(archive.study, parent=parent))
    if status != ended:
        ledger.close(parent, ended)
    if entering.busy:
        raise Stopped(
            f"another process is at {len(entering.busy)} of the cells ({entering.busy[0]}); the others are "
            "imported: start the same command again when it has ended"
        )
    return entering.entered


def _study(archive: Archive, ledger: Ledger) -> tuple[str, str]:
    """The study's own run and how it stands; begun unless it is there, from anew if it was left open."""
    found = ledger.search(f"tags.`{STUDY}` = '{archive.study.name}'")
    if found and found[0].info.status != "RUNNING":
        return found[0].info.run_id, found[0].info.status
    parent = ledger.open_study(archive.study)
    if not found:
        ledger.client.set_tag(parent, IMPORTED, archive.path.name)
    return parent, "RUNNING"


def _status(result: StudyResult) -> str:
    if result.failures:
        return "FAILED"
    return "FINISHED" if len(result.results) == len(result.study.runs()) else "KILLED"


def _pictures(archive: Archive, ledger: Ledger, parent: str) -> None:
    kept = {item.path for item in ledger.client.list_artifacts(parent, PICTURES)}
    missing = [name for name in archive.members.under(PICTURES) if name not in kept]
    ledger.keep_pictures(parent, {Path(name).stem: archive.members.read(name) for name in missing})


class _Entering:
    """Enters cells one by one, and keeps count; `busy` are names of those that another process is at."""

    def __init__(self, archive: Archive, ledger: Ledger, claims: Claims, parent: str) -> None:
        self._archive, self._ledger, self._claims, self._parent = archive, ledger, claims, parent
        self.entered = Entered()
        self.busy: list[str] = []

    def cell(self, key: str) -> None:
        """Enter a finished cell, unless its run has finished on the ledger."""
        result, spec = self._archive.result(key)
        with self._claims.taken(key) as ours:
            if not ours:
                self.busy.append(run_name(result.spec))
            elif not self._reused((result.spec.key, key), result.spec, result):
                self._finish(key, result, spec)
                self.entered.imported.append(result.spec.key)

    def failure(self, failure: Failure) -> None:
        """Enter a cell that failed, unless it is known how its run ended."""
        key = failure.spec.key
        with self._claims.taken(key) as ours:
            if not ours:
                self.busy.append(run_name(failure.spec))
                return
            if self._reused((key,), failure.spec, None):
                return
            reason = self._ledger.known(key, parent=self._parent).reason
            if reason is None:
                run_id = self._begin(failure.spec, {IMPORTED: self._archive.path.name})
                self._ledger.fail(run_id, failure.reason)
                self.entered.failed.append(key)
                return
            self.entered.here.append(key)
            if reason != failure.reason:
                self.entered.differing.append(key)

    def _reused(self, keys: tuple[str, ...], spec: RunSpec, result: RunResult | None) -> bool:
        """Whether the run has finished here under one of its keys, entered as reused if in another study."""
        for key in dict.fromkeys(keys):
            run_id = self._ledger.known(key, parent=self._parent).finished
            found = self._ledger.load(run_id) if run_id else None
            if run_id is None or found is None or not _answers(found, result):
                continue
            fresh = self._ledger.reuse(run_id, spec, parent=self._parent, result=found)
            (self.entered.reused if fresh else self.entered.here).append(spec.key)
            if found != result:
                self.entered.differing.append(spec.key)
            return True
        return False

    def _finish(self, key: str, result: RunResult, spec: str) -> None:
        ledger, name, original = self._ledger, self._archive.path.name, self._archive.run_ids[key]
        note = f"Imported from {name}, where it was run {original}."
        run_id = self._begin(result.spec, {KEY: key, SPEC: spec, IMPORTED: original, NOTE: note})
        try:
            ledger.log_epochs(run_id, result.history)
            with tempfile.TemporaryDirectory() as folder:
                for member in self._archive.members.under(f"{CELLS}/{key}"):
                    self._archive.members.copy(member, Path(folder) / Path(member).name)
                ledger.finish(run_id, result, folder=Path(folder))
        except BaseException:
            ledger.abandon(run_id)
            raise

    def _begin(self, spec: RunSpec, tags: dict[str, str]) -> str:
        place, process = self._claims.place, self._claims.process
        run_id = self._ledger.begin(spec, parent=self._parent, place=place, process=process)
        for name, value in tags.items():
            self._ledger.client.set_tag(run_id, name, value)
        return run_id


def _answers(found: RunResult, result: RunResult | None) -> bool:
    """Whether a result that is here stands for the archive's: times are those of one device."""
    if result is None or result.spec.control != "latency":
        return True
    return found.environment.device == result.environment.device

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

from harness.labels import run_name, study_note
from harness.memory import without_collector
from harness.tracking.analysis_plans import is_confirmatory
from harness.tracking.cells import Child, Known
from harness.tracking.patience import Outbox
from harness.tracking.record import epoch_metrics, final_metrics, flattened, result_from, result_parts
from harness.tracking.store import MlflowException, Run, Store
from studies.codec import from_json, to_json
from studies.results import Epoch, Failure, RunResult, StudyResult
from studies.spec import RunSpec, Study

KEY, REUSES, STUDY, REASON, SPEC, PLACE, PROCESS, DROPPED = (
    "harness.key",
    "harness.reuses",
    "harness.study",
    "harness.reason",
    "harness.spec",
    "harness.claims",
    "harness.process",
    "harness.weights_dropped",
)
PARENT, NAME, NOTE = "mlflow.parentRunId", "mlflow.runName", "mlflow.note.content"
LOST = "finished as run {}, whose artifacts cannot be read (moved or deleted?)"
EPOCHS = 100
"""Epochs sent at once: MLflow takes 1000 figures."""

WEIGHTS = ("weights.safetensors", "weights.pt")
"""Names that a run's file of weights can have: as it is written, and as earlier versions wrote it."""
NAMED = 200
"""Runs asked for by id at once."""


class Ledger(Store):
    """Studies and cells on one tracking server or in one SQLite file.

    Epochs are sent from a thread of their own, so that training does not wait for a server.
    """

    def __init__(self, uri: str | None = None) -> None:
        super().__init__(uri)
        self.outbox = Outbox()

    def open_study(self, study: Study) -> str:
        """The parent run of `study`, resumed if it is there, begun if not."""
        experiment = self.experiment(study.dataset.name)
        found = self.search(f"tags.`{STUDY}` = '{study.name}'", (experiment,))
        if found:
            run_id: str = found[0].info.run_id
            self.client.update_run(run_id, status="RUNNING")
        else:
            tags = {STUDY: study.name, NAME: study.name, NOTE: study_note(study)}
            run_id = self.client.create_run(experiment, tags=tags).info.run_id
        self.log_texts(run_id, {"study.json": to_json(study, indent=1)})
        return run_id

    def log_time(self, run_id: str, seconds: float, *, estimate: tuple[float, float] | None) -> None:
        """Keep with a study's run how long a command ran its cells, and the bounds that it had estimated."""
        bounds = dict(zip(("estimated_seconds_low", "estimated_seconds_high"), estimate or (), strict=False))
        self.log(run_id, metrics={"seconds": seconds, **bounds})

    def close(self, run_id: str, status: str) -> None:
        """End a run as FINISHED, FAILED or KILLED."""
        self.client.set_terminated(run_id, status=status)

    def abandon(self, run_id: str) -> None:
        """Close a run as KILLED on the way out: what is still to be sent is dropped, nothing waited for."""
        self.patience.end()
        self.outbox.drop()
        with suppress(Exception):
            self.close(run_id, "KILLED")

    def begin(self, spec: RunSpec, *, parent: str, place: str = "", process: str = "") -> str:
        """A running child for one cell, with its key and its whole spec.

        `place` and `process` tell later whether whoever runs it is still there: see `bury`.
        """
        tags = {KEY: spec.key, PARENT: parent, NAME: run_name(spec), SPEC: to_json(spec)}
        tags |= {PLACE: place, PROCESS: process}
        run_id: str = self.client.create_run(self.experiment(spec.dataset.name), tags=tags).info.run_id
        self.log(run_id, params=flattened(spec))
        return run_id

    def log_epochs(self, run_id: str, epochs: Iterable[Epoch]) -> None:
        """The figures of epochs, as steps of the run's curves; sent by and by, those of one call at once."""
        steps = {epoch.number: epoch_metrics(epoch) for epoch in epochs}
        numbers = list(steps)
        for at in range(0, len(numbers), EPOCHS):
            part = {number: steps[number] for number in numbers[at : at + EPOCHS]}
            self.outbox.put(partial(self.log_steps, run_id, part))

    def finish(
        self, run_id: str, result: RunResult, *, folder: Path, metrics: Mapping[str, float] | None = None
    ) -> None:
        """Keep a result, other `metrics` and what lies in `folder`, as it is; then the run is FINISHED."""
        self.outbox.flush()
        # The result's own files go into the folder too: sent one by one, each has the run looked up.
        self.log(run_id, metrics={**final_metrics(result), **(metrics or {})})
        for name, text in result_parts(result).items():
            if not (folder / name).exists():
                (folder / name).write_text(text, encoding="utf-8")
        self.client.log_artifacts(run_id, str(folder))
        self.close(run_id, "FINISHED")

    def fail(self, run_id: str, reason: str) -> None:
        """Record that a cell did not finish, and why."""
        self.outbox.flush()
        self.client.set_tag(run_id, REASON, reason)
        self.client.set_tag(run_id, NOTE, f"Failed: {reason}")
        self.close(run_id, "FAILED")

    def bury(self, parent: str, *, place: str, held: Callable[[str], bool]) -> None:
        """Close the runs of a study that processes of `place` left open as they died.

        `held` says of a key whether a process is at it. Such a run ended with its last epoch.
        """
        running = self.search(f"tags.`{PARENT}` = '{parent}' and attributes.status = 'RUNNING'")
        for run in running:
            if run.data.tags.get(PLACE) != place or held(run.data.tags[KEY]):
                continue
            epochs = self.client.get_metric_history(run.info.run_id, "train/loss")
            process = run.data.tags.get(PROCESS, "unknown")
            note = f"Killed: its process ({process}) ended without a word after {len(epochs)} epochs."
            self.client.set_tag(run.info.run_id, NOTE, note)
            ended = max((metric.timestamp for metric in epochs), default=run.info.start_time)
            self.client.set_terminated(run.info.run_id, status="KILLED", end_time=ended)

    def known(self, key: str, *, parent: str) -> Known:
        """What there is of a cell, `reason` in the study of `parent`."""
        runs = [run for run in self.search(f"tags.`{KEY}` = '{key}'") if REUSES not in run.data.tags]
        finished = next((run.info.run_id for run in runs if run.info.status == "FINISHED"), None)
        here = [run for run in runs if run.data.tags.get(PARENT) == parent]
        return Known(finished=finished, reason=_reasons(here).get(key))

    def standing(self, study: Study) -> dict[str, str]:
        """How each cell of a study stands that has ended: "done" in any study, or "failed" in this one."""
        found = self.search(f"tags.`{STUDY}` = '{study.name}'")
        runs = self.search(f"tags.`{PARENT}` = '{found[0].info.run_id}'") if found else []
        # By the key that a run had when it ran: an older training of a cell is not reused for it.
        failed = [run for run in runs if KEY in run.data.tags and run.info.status == "FAILED"]
        ended = {run.data.tags[KEY]: "failed" for run in failed}
        ended |= {run.data.tags[KEY]: "done" for run in self._finished(runs).values()}
        others = [spec.key for spec in study.runs() if spec.key not in ended]
        return ended | {key: "done" for key in others if self.find(key) is not None}

    def find(self, key: str) -> str | None:
        """The finished run of that key, in whatever study it ran."""
        run = self._newest(key)
        return run.info.run_id if run else None

    def cells(self, start: str) -> dict[str, tuple[str, str]]:
        """Key and status by run id of the cells whose id or key begins so; a reused one as what it reuses."""
        wheres = (f"{what} LIKE '{start}%'" for what in (f"tags.`{KEY}`", "attributes.run_id"))
        runs = [run for where in wheres for run in self.search(where)]
        runs = [self.client.get_run(r.data.tags[REUSES]) if REUSES in r.data.tags else r for r in runs]
        return {r.info.run_id: (r.data.tags[KEY], r.info.status) for r in runs if KEY in r.data.tags}

    def reuse(self, run_id: str, spec: RunSpec, *, parent: str, result: RunResult) -> bool:
        """Enter a finished cell of another study under `parent`, once; whether it was entered now."""
        original = self.client.get_run(run_id)
        if original.data.tags.get(PARENT) == parent:
            return False
        where = f"tags.`{REUSES}` = '{run_id}' and tags.`{PARENT}` = '{parent}'"
        found = self.search(where, (original.info.experiment_id,))
        if found and found[0].info.status == "FINISHED":
            return False
        note = f"Reused: run {run_id} of another study has the same key and holds the artifacts."
        tags = {REUSES: run_id, PARENT: parent, NAME: run_name(spec), NOTE: note}
        # One that is there and not finished was left so by a process that died here.
        copy = found[0] if found else self.client.create_run(original.info.experiment_id, tags=tags)
        self.log(copy.info.run_id, params=flattened(spec), metrics=final_metrics(result))
        self.close(copy.info.run_id, "FINISHED")
        return True

    def load(self, run_id: str) -> RunResult | None:
        """The result that a finished run holds, or None if its artifacts are gone or cannot be read."""
        try:
            return self._result(self.client.get_run(run_id))
        except MlflowException:
            return None

    def weights(self, run_id: str, folder: str) -> Path:
        """The file of a finished run's best weights, brought into `folder`.

        Raises:
            ValueError: the run keeps none, or its artifacts are gone.
        """
        rule = self.client.get_run(run_id).data.tags.get(DROPPED)
        if rule:
            raise ValueError(
                f"the weights of run {run_id} were not kept (--keep-weights {rule}): delete the run in "
                "`harness ui` and start its study's command again with --keep-weights all"
            )
        try:
            names = {item.path for item in self.client.list_artifacts(run_id)}
            name = next((name for name in WEIGHTS if name in names), WEIGHTS[0])
            return self.download(run_id, name, folder)
        except (MlflowException, OSError) as error:
            raise ValueError(f"run {run_id} has no weights here (moved or deleted?): {error}") from error

    def drop_weights(self, run_id: str, *, rule: str, parent: str) -> None:
        """Delete the weights of a run as `rule` says, if it was trained in the study of `parent`."""
        run = self.client.get_run(run_id)
        if run.data.tags.get(PARENT) == parent and DROPPED not in run.data.tags:
            for name in WEIGHTS:
                self.delete_artifact(run, name)
            self.note_dropped(run_id, rule=rule)

    def note_dropped(self, run_id: str, *, rule: str) -> None:
        """Note on a run the rule by which its weights are not kept."""
        self.client.set_tag(run_id, DROPPED, rule)

    def study_names(self) -> list[str]:
        """Every study on this ledger, newest first."""
        return [run.data.tags[STUDY] for run in self.search(f"tags.`{STUDY}` != ''")]

    def study(self, name: str) -> tuple[Study, str]:
        """A study by its name, and its own run.

        Raises:
            ValueError: no such study; the message lists those there are.
        """
        names = self.study_names()
        if name not in names:
            there = ", ".join(names) or "none"
            raise ValueError(f"no study {name!r} on {self.shown()}; studies there: {there}")
        found = self.search(f"tags.`{STUDY}` = '{name}'")
        return from_json(Study, self.text(found[0], "study.json")), found[0].info.run_id

    def children(self, parent: str) -> list[Child]:
        """The runs of a study's cells, new ones first, and then those of others that it reuses."""
        runs = self.search(f"tags.`{PARENT}` = '{parent}'")
        own = [run for run in runs if KEY in run.data.tags]
        there = {run.info.run_id for run in own}
        others = [run for run in self._finished(runs).values() if run.info.run_id not in there]
        return [self._child(run) for run in (*own, *others)]

    def _child(self, run: Run) -> Child:
        running, tags = run.info.status == "RUNNING", run.data.tags
        told = self.client.get_metric_history(run.info.run_id, "train/loss") if running else ()
        return Child(
            key=_key(run),
            name=tags.get(NAME, ""),
            status=run.info.status,
            reason=tags.get(REASON, ""),
            seconds=run.data.metrics.get("seconds"),
            epochs=tuple(metric.timestamp / 1000 for metric in told),
            place=tags.get(PLACE, ""),
            process=tags.get(PROCESS, ""),
        )

    def load_study(self, name: str) -> tuple[StudyResult, dict[str, bytes]]:
        """A study as far as it has come, and its pictures by name.

        Raises:
            ValueError: no such study; the message lists those there are.
        """
        study, parent = self.study(name)
        with tempfile.TemporaryDirectory() as folder:
            # By the name that the study has now: it is a digest, and new fields have changed it.
            pictures = {
                f"{study.name}/{Path(item.path).stem}": self.download(parent, item.path, folder).read_bytes()
                for item in self.client.list_artifacts(parent, "pictures")
            }
        confirmatory = is_confirmatory(self.client.get_run(parent), study)
        return replace(self.collect(study, parent=parent), confirmatory=confirmatory), pictures

    @without_collector()
    def collect(self, study: Study, *, parent: str) -> StudyResult:
        """Results and failures of `study` as they stand on the ledger."""
        results, failures, run_ids = [], [], []
        children = self.search(f"tags.`{PARENT}` = '{parent}'")
        finished, reasons = self._finished(children), _reasons(children)
        for spec in study.runs():
            run = finished.get(spec.key)
            result = self._result(run)
            if result is None:
                # Another study may have run it since: a cell of this one that was lost, or never begun.
                run = self._newest(spec.key)
                result = self._result(run)
            if run and result:
                results.append(result)
                run_ids.append((spec.key, run.info.run_id))
            elif run:
                failures.append(Failure(spec=spec, reason=LOST.format(run.info.run_id)))
            elif reason := reasons.get(spec.key):
                failures.append(Failure(spec=spec, reason=reason))
        return StudyResult(
            study=study, results=tuple(results), failures=tuple(failures), run_ids=tuple(run_ids)
        )

    def keep_pictures(self, run_id: str, pictures: Mapping[str, bytes]) -> None:
        """PNG files by name, among the study's artifacts."""
        with tempfile.TemporaryDirectory() as folder:
            for name, png in pictures.items():
                path = Path(folder) / f"{name}.png"
                path.write_bytes(png)
                self.client.log_artifact(run_id, str(path), "pictures")

    def _newest(self, key: str) -> Run | None:
        runs = self.search(f"tags.`{KEY}` = '{key}' and attributes.status = 'FINISHED'")
        return runs[0] if runs else None

    def _finished(self, children: Sequence[Run]) -> dict[str, Run]:
        """The newest finished run of each key among a study's children; a reused one as what it reuses."""
        reused = [run.data.tags[REUSES] for run in children if REUSES in run.data.tags]
        asked = (", ".join(map(repr, reused[at : at + NAMED])) for at in range(0, len(reused), NAMED))
        first = [run for ids in asked for run in self.search(f"attributes.run_id IN ({ids})")]
        done = [run for run in (*children, *first) if KEY in run.data.tags and run.info.status == "FINISHED"]
        return {_key(run): run for run in sorted(done, key=lambda run: run.info.start_time)}

    def _result(self, run: Run | None) -> RunResult | None:
        if run is None:
            return None
        try:
            return result_from(partial(self.text, run))
        except (MlflowException, OSError, ValueError, TypeError, LookupError):
            return None


def _key(run: Run) -> str:
    """The key that a cell has now: an earlier recipe's runs still belong to the study that they ran in."""
    try:
        return from_json(RunSpec, run.data.tags[SPEC]).key
    except (ValueError, KeyError):
        return str(run.data.tags[KEY])


def _reasons(children: Iterable[Run]) -> dict[str, str]:
    """Why cells failed, by key, the last time that each did; `children` from new to old."""
    failed = [run for run in children if KEY in run.data.tags and run.info.status == "FAILED"]
    return {_key(run): run.data.tags.get(REASON, "unknown") for run in reversed(failed)}

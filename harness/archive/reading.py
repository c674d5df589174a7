"""A study as one zip archive, read back with every number, name and key checked before anyone uses it.

manifest.json                    format, version, study, run ids, size and sha256 of every other member
study.json, failures.json        the study; the cells that failed, each with its reason
cells/<key>/result.json, ...     a finished cell's artifacts, as they lie on the ledger
pictures/*.png, report/...       the study's pictures; its report with everything that belongs to it
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.text import named, shown
from harness.archive.members import AGAIN, CELLS, FAILURES, MANIFEST, STUDY, Members, as_damage, data_of
from harness.tracking.record import final_metrics, flattened, result_from
from studies.codec import from_data, to_json
from studies.results import Failure, RunResult
from studies.spec import TRAINING_VERSION, RunSpec, Study

MOST_RUNS = 100_000
"""More runs than any study has; to count those of a forged one can take for ever."""

_NEEDED = ("result.json", "predictions.csv")
_STUDY_NAME = re.compile(r"[A-Za-z0-9_.+-]{1,200}")
_RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

# What MLflow takes.
_METRIC = re.compile(r"[A-Za-z0-9_ ./:-]{1,250}")
_LONGEST_PARAM, _LONGEST_TAG, _LAST_STEP = 6000, 8000, (1 << 31) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """What failures.json holds."""

    failures: tuple[Failure, ...]


def fits(key: str, spec: Mapping[str, Any]) -> bool:
    """Whether a run of this spec, as written at the time, had that key under this training version or an
    earlier one.

    The key is worked out from the text: the value has got the fields that came later.
    """
    architecture = spec["architecture"]
    nameless = {**architecture, **{name: "" for name in ("name", "source") if name in architecture}}
    text = to_json({**spec, "architecture": nameless})
    digests = (
        hashlib.sha256(f"{version} {text}".encode()).hexdigest() for version in range(1, TRAINING_VERSION + 1)
    )
    return any(digest[:16] == key for digest in digests)


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The archive at `path`, every byte of it checked.

    Raises:
        ValueError: it is no archive, a damaged one, or holds what an exported study does not.
    """
    if not path.is_file():
        raise ValueError(f"import takes a file that `harness export` has written; there is none at {path}")
    with path.open("rb") as file:
        try:
            with as_damage():
                packed = zipfile.ZipFile(file)
            archive = Archive(Members(packed), path)
        except ValueError as error:
            raise ValueError(f"{path} cannot be imported, and nothing was written: {error}") from error
        yield archive


class Archive:
    """An exported study; made by `opened`. `cells` are the keys under which its finished runs stood."""

    def __init__(self, members: Members, path: Path) -> None:
        self.path, self.members = path, members
        self.run_ids = dict(members.manifest.runs)
        self.cells = tuple(sorted({name.split("/")[1] for name in members.under(CELLS)}))
        self.study = _study(data_of(members.read(STUDY), STUDY))
        self.failures = from_data(Failed, data_of(members.read(FAILURES), FAILURES)).failures
        self._check_runs()
        self._check_ends()

    def result(self, key: str) -> tuple[RunResult, str]:
        """A finished cell's result, and the JSON of its spec as it was written.

        Raises:
            ValueError: the artifacts are no result, or another run's.
        """
        folder = f"{CELLS}/{key}"
        try:
            spec = data_of(self.members.read(f"{folder}/result.json"), "result.json")["spec"]
            result = result_from(lambda name: self.members.read(f"{folder}/{name}").decode())
            if not fits(key, spec):
                raise ValueError(f"that of another run, {result.spec.key}")
            _check_recordable(result)
        except (ValueError, LookupError, TypeError, ArithmeticError) as error:
            raise ValueError(f"{folder} must hold the result of run {key}: {error}; {AGAIN}") from error
        return result, to_json(spec)

    def _check_runs(self) -> None:
        """Each cell has the artifacts of a result, and one run that it is from."""
        if set(self.run_ids) != set(self.cells) or len(self.run_ids) != len(self.members.manifest.runs):
            raise ValueError(f"{MANIFEST} must name the run of every cell, and of no other; {AGAIN}")
        odd = [run_id for run_id in self.run_ids.values() if not _RUN_ID.fullmatch(run_id)]
        if odd:
            raise ValueError(f"a run's id must be of letters and digits; got {named(odd)}")
        for key in self.cells:
            lacking = [name for name in _NEEDED if f"{CELLS}/{key}/{name}" not in self.members]
            if lacking:
                raise ValueError(f"{CELLS}/{key} must hold {named(lacking)}; {AGAIN}")

    def _check_ends(self) -> None:
        """Every run that finished or failed is one of the study's, and did so once."""
        runs, ended = {spec.key for spec in self.study.runs()}, set[str]()
        for spec in self._ended():
            if spec.key not in runs:
                raise ValueError(f"every run must be one of the study's; {shown(spec.name)} is not")
            if spec.key in ended:
                raise ValueError(f"every run must have ended once; {shown(spec.name)} is there twice")
            ended.add(spec.key)

    def _ended(self) -> Iterator[RunSpec]:
        for key in self.cells:
            yield self.result(key)[0].spec
        for failure in self.failures:
            if max(len(to_json(failure.spec)), len(failure.reason)) > _LONGEST_TAG:
                raise ValueError(f"{FAILURES} must hold texts of at most {_LONGEST_TAG} characters; {AGAIN}")
            yield failure.spec


def _study(data: Any) -> Study:
    if isinstance(data, dict):
        _check_size(data)
    study = from_data(Study, data)
    if not _STUDY_NAME.fullmatch(study.name):
        raise ValueError(f"a study's name must be of letters, digits and ._+-; got {shown(study.name)}")
    return study


def _check_size(data: Mapping[str, Any]) -> None:
    """See that the runs of a study can be counted, before it does so itself; other faults are the codec's."""

    def length(name: str) -> int:
        return len(value) if isinstance(value := data.get(name), list) else 0

    told = data["folds"] if length("folds") else [1] * length("protocols")
    folds = sum(max(count, 0) for count in told if isinstance(count, int))
    if folds * length("seeds") * (3 * length("arms") + length("controls") + 1) > MOST_RUNS:
        raise ValueError(f"a study must have at most {MOST_RUNS:,} runs; {STUDY} tells of more")


def _check_recordable(result: RunResult) -> None:
    """See that MLflow takes the result's figures and texts: it would refuse them half-way."""
    if not all(map(_METRIC.fullmatch, final_metrics(result))):
        raise ValueError("it has a figure whose name MLflow does not take")
    texts = map(str, flattened(result.spec).values())
    if len(to_json(result.spec)) > _LONGEST_TAG or max(map(len, texts)) > _LONGEST_PARAM:
        raise ValueError("its spec is longer than MLflow takes")
    if not all(0 <= epoch.number <= _LAST_STEP for epoch in result.history):
        raise ValueError("it has epochs whose number MLflow does not take")

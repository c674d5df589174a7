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

from datasets.text import sanitize, summarize_names
from harness.archive.members import (
    CELLS_FOLDER,
    EXPORT_AGAIN,
    FAILURES_FILE,
    MANIFEST_FILE,
    STUDY_FILE,
    MemberReader,
    convert_zip_errors,
    parse_json,
)
from harness.tracking.record import compute_final_metrics, flatten_spec, parse_result
from studies.codec import from_data, to_json
from studies.results import Failure, RunResult
from studies.spec import TRAINING_VERSION, RunSpec, Study

MAX_RUNS = 100_000
"""More runs than any study has; to count those of a forged one can take for ever."""

_REQUIRED_FILES = ("result.json", "predictions.csv")
_STUDY_NAME_PATTERN = re.compile(r"[A-Za-z0-9_.+-]{1,200}")
_RUN_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")

# What MLflow takes.
_METRIC_PATTERN = re.compile(r"[A-Za-z0-9_ ./:-]{1,250}")
_MAX_PARAM_CHARS, _MAX_TAG_CHARS, _MAX_STEP = 6000, 8000, (1 << 31) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureList:
    """What failures.json holds."""

    failures: tuple[Failure, ...]


def is_key_of(key: str, spec: Mapping[str, Any]) -> bool:
    """Whether a run of this spec, as written at the time, had that key under this training version or an
    earlier one.

    The key is worked out from the text: the value has got the fields that came later.
    """
    architecture = spec["architecture"]
    anonymous_architecture = {
        **architecture,
        **{name: "" for name in ("name", "source") if name in architecture},
    }
    spec_json = to_json({**spec, "architecture": anonymous_architecture})
    digests = (
        hashlib.sha256(f"{version} {spec_json}".encode()).hexdigest()
        for version in range(1, TRAINING_VERSION + 1)
    )
    return any(digest[:16] == key for digest in digests)


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """The archive at `path`, every byte of it checked.

    Raises:
        ValueError: it is no archive, a damaged one, or holds what an exported study does not.
    """
    if not path.is_file():
        raise ValueError(f"import takes a file that `harness export` has written; there is none at {path}")
    with path.open("rb") as file:
        try:
            with convert_zip_errors():
                zip_file = zipfile.ZipFile(file)
            archive = Archive(MemberReader(zip_file), path)
        except ValueError as error:
            raise ValueError(f"{path} cannot be imported, and nothing was written: {error}") from error
        yield archive


class Archive:
    """An exported study; made by `opened`. `cells` are the keys under which its finished runs stood."""

    def __init__(self, members: MemberReader, path: Path) -> None:
        self.path, self.members = path, members
        self.run_ids = dict(members.manifest.runs)
        self.cell_keys = tuple(sorted({name.split("/")[1] for name in members.list_folder(CELLS_FOLDER)}))
        self.study = _parse_study(parse_json(members.read_bytes(STUDY_FILE), STUDY_FILE))
        self.failures = from_data(
            FailureList, parse_json(members.read_bytes(FAILURES_FILE), FAILURES_FILE)
        ).failures
        self._check_runs()
        self._check_outcomes()

    def load_result(self, key: str) -> tuple[RunResult, str]:
        """A finished cell's result, and the JSON of its spec as it was written.

        Raises:
            ValueError: the artifacts are no result, or another run's.
        """
        folder = f"{CELLS_FOLDER}/{key}"
        try:
            spec = parse_json(self.members.read_bytes(f"{folder}/result.json"), "result.json")["spec"]
            result = parse_result(lambda name: self.members.read_bytes(f"{folder}/{name}").decode())
            if not is_key_of(key, spec):
                raise ValueError(f"that of another run, {result.spec.key}")
            _check_mlflow_limits(result)
        except (ValueError, LookupError, TypeError, ArithmeticError) as error:
            raise ValueError(
                f"{folder} must hold the result of run {key}: {error}; {EXPORT_AGAIN}"
            ) from error
        return result, to_json(spec)

    def _check_runs(self) -> None:
        """Each cell has the artifacts of a result, and one run that it is from."""
        if set(self.run_ids) != set(self.cell_keys) or len(self.run_ids) != len(self.members.manifest.runs):
            raise ValueError(
                f"{MANIFEST_FILE} must name the run of every cell, and of no other; {EXPORT_AGAIN}"
            )
        invalid_ids = [run_id for run_id in self.run_ids.values() if not _RUN_ID_PATTERN.fullmatch(run_id)]
        if invalid_ids:
            raise ValueError(f"a run's id must be of letters and digits; got {summarize_names(invalid_ids)}")
        for key in self.cell_keys:
            missing = [name for name in _REQUIRED_FILES if f"{CELLS_FOLDER}/{key}/{name}" not in self.members]
            if missing:
                raise ValueError(f"{CELLS_FOLDER}/{key} must hold {summarize_names(missing)}; {EXPORT_AGAIN}")

    def _check_outcomes(self) -> None:
        """Every run that finished or failed is one of the study's, and did so once."""
        study_keys, outcome_keys = {spec.key for spec in self.study.list_runs()}, set[str]()
        for spec in self._iter_outcome_specs():
            if spec.key not in study_keys:
                raise ValueError(f"every run must be one of the study's; {sanitize(spec.name)} is not")
            if spec.key in outcome_keys:
                raise ValueError(f"every run must have ended once; {sanitize(spec.name)} is there twice")
            outcome_keys.add(spec.key)

    def _iter_outcome_specs(self) -> Iterator[RunSpec]:
        for key in self.cell_keys:
            yield self.load_result(key)[0].spec
        for failure in self.failures:
            if max(len(to_json(failure.spec)), len(failure.reason)) > _MAX_TAG_CHARS:
                raise ValueError(
                    f"{FAILURES_FILE} must hold texts of at most {_MAX_TAG_CHARS} characters; {EXPORT_AGAIN}"
                )
            yield failure.spec


def _parse_study(data: Any) -> Study:
    if isinstance(data, dict):
        _check_size(data)
    study = from_data(Study, data)
    if not _STUDY_NAME_PATTERN.fullmatch(study.name):
        raise ValueError(f"a study's name must be of letters, digits and ._+-; got {sanitize(study.name)}")
    return study


def _check_size(data: Mapping[str, Any]) -> None:
    """See that the runs of a study can be counted, before it does so itself; other faults are the codec's."""

    def count_items(name: str) -> int:
        return len(value) if isinstance(value := data.get(name), list) else 0

    fold_counts = data["folds"] if count_items("folds") else [1] * count_items("protocols")
    total_folds = sum(max(count, 0) for count in fold_counts if isinstance(count, int))
    if (
        total_folds * count_items("seeds") * (3 * count_items("arms") + count_items("controls") + 1)
        > MAX_RUNS
    ):
        raise ValueError(f"a study must have at most {MAX_RUNS:,} runs; {STUDY_FILE} tells of more")


def _check_mlflow_limits(result: RunResult) -> None:
    """See that MLflow takes the result's figures and texts: it would refuse them half-way."""
    if not all(map(_METRIC_PATTERN.fullmatch, compute_final_metrics(result))):
        raise ValueError("it has a figure whose name MLflow does not take")
    texts = map(str, flatten_spec(result.spec).values())
    if len(to_json(result.spec)) > _MAX_TAG_CHARS or max(map(len, texts)) > _MAX_PARAM_CHARS:
        raise ValueError("its spec is longer than MLflow takes")
    if not all(0 <= epoch.number <= _MAX_STEP for epoch in result.history):
        raise ValueError("it has epochs whose number MLflow does not take")

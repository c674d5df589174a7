"""Read an exported study from a zip archive; all numbers, names and keys are checked before use.

manifest.json                    format, version, study, run ids, size and sha256 of every other member
study.json, failures.json        the study; the failed cells with their reasons
cells/<key>/result.json, ...     the artifacts of a finished cell, as in the tracking store
pictures/*.png, report/...       the study's figures; its report with all its files
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.text import pluralize, sanitize, summarize_names
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
from harness.errors import HarnessError
from harness.tracking.epoch_records import RECORD_FILE, parse_epoch_record
from harness.tracking.result_files import compute_final_metrics, flatten_spec, parse_result
from harness.tracking.study_index import check_alias
from studies.codec import from_data, to_json
from studies.results import Failure, RunResult
from studies.spec import TRAINING_VERSION, RunSpec, hash_run
from studies.study import Study

MAX_RUNS = 100_000
"""Maximum number of runs of a study; listing the runs of a forged study could take forever."""

_REQUIRED_FILES = ("result.json", "predictions.csv")
_STUDY_NAME_PATTERN = re.compile(r"[A-Za-z0-9_.+-]{1,200}")
_RUN_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")

# Limits of MLflow.
_METRIC_PATTERN = re.compile(r"[A-Za-z0-9_ ./:-]{1,250}")
_MAX_PARAM_CHARS, _MAX_TAG_CHARS, _MAX_STEP = 6000, 8000, (1 << 31) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureList:
    """The content of failures.json."""

    failures: tuple[Failure, ...]


def is_key_of(key: str, spec: Mapping[str, Any]) -> bool:
    """Return True if `key` is the key of `spec` under the current or an earlier training version.

    `spec` is the JSON object as it was written: a parsed `RunSpec` would add the fields of later versions,
    which changes the key.
    """
    architecture = spec["architecture"]
    anonymous_architecture = {
        **architecture,
        **{name: "" for name in ("name", "source") if name in architecture},
    }
    spec_json = to_json({**spec, "architecture": anonymous_architecture})
    return any(hash_run(spec_json, version=version) == key for version in range(1, TRAINING_VERSION + 1))


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open the archive at `path` and check all of it.

    Raises:
        HarnessError: the file is not an archive, is damaged, or holds files that no exported study has.
    """
    if not path.is_file():
        raise HarnessError(
            "archive.no-file",
            f"import takes a file that `harness export` wrote; there is no file {path}: check its name",
        )
    with path.open("rb") as file:
        try:
            with convert_zip_errors():
                zip_file = zipfile.ZipFile(file)
            archive = Archive(MemberReader(zip_file), path)
        except ValueError as error:
            raise HarnessError(
                "archive.unusable", f"{path} cannot be imported, and nothing was written: {error}"
            ) from error
        yield archive


class Archive:
    """An exported study, opened by `open_archive`; `cell_keys` are the tagged keys of its finished runs."""

    def __init__(self, members: MemberReader, path: Path) -> None:
        self.path, self.members = path, members
        self.run_ids, self.commands = dict(members.manifest.runs), members.manifest.commands
        self.alias = members.manifest.alias
        self.cell_keys = tuple(sorted({name.split("/")[1] for name in members.list_folder(CELLS_FOLDER)}))
        self.study = _parse_study(parse_json(members.read_bytes(STUDY_FILE), STUDY_FILE))
        self.failures = from_data(
            FailureList, parse_json(members.read_bytes(FAILURES_FILE), FAILURES_FILE)
        ).failures
        self._check_runs()
        self._check_outcomes()

    def load_result(self, key: str) -> tuple[RunResult, str]:
        """Load the result of a finished cell, and the JSON of its spec as it was written.

        Raises:
            HarnessError: the artifacts do not form a result, or belong to another run.
        """
        folder = f"{CELLS_FOLDER}/{key}"
        try:
            spec = parse_json(self.members.read_bytes(f"{folder}/result.json"), "result.json")["spec"]
            result = parse_result(lambda name: self.members.read_bytes(f"{folder}/{name}").decode())
            if f"{folder}/{RECORD_FILE}" in self.members:
                record = self.members.read_bytes(f"{folder}/{RECORD_FILE}").decode()
                result = parse_epoch_record(record, result)
            if not is_key_of(key, spec):
                raise HarnessError(
                    "archive.result-of-another-run", f"it is that of another run, {result.spec.key}"
                )
            _check_mlflow_limits(result)
        except (ValueError, LookupError, TypeError, ArithmeticError) as error:
            raise HarnessError(
                "archive.invalid-result",
                f"{folder} must hold the result of run {key}: {error}; {EXPORT_AGAIN}",
            ) from error
        return result, to_json(spec)

    def _check_runs(self) -> None:
        """Check commands and alias, and that each finished cell has one run id and a result's artifacts."""
        max_length = max(map(len, self.commands), default=0)
        if max_length > _MAX_TAG_CHARS:
            raise HarnessError(
                "archive.invalid-command",
                f"{MANIFEST_FILE} must hold commands of at most {_MAX_TAG_CHARS} characters; one has "
                f"{max_length}: {EXPORT_AGAIN}",
            )
        if self.alias:
            check_alias(self.alias)
        manifest_runs = self.members.manifest.runs
        mismatches = set(self.run_ids) ^ set(self.cell_keys)
        if mismatches or len(self.run_ids) != len(manifest_runs):
            raise HarnessError(
                "archive.run-mismatch",
                f"{MANIFEST_FILE} must name one run for each cell, and no other; it names "
                f"{len(manifest_runs)} for {pluralize(len(self.cell_keys), 'cell')}"
                + (f", and {summarize_names(sorted(mismatches))} differ" if mismatches else "")
                + f": {EXPORT_AGAIN}",
            )
        invalid_ids = [run_id for run_id in self.run_ids.values() if not _RUN_ID_PATTERN.fullmatch(run_id)]
        if invalid_ids:
            raise HarnessError(
                "archive.invalid-run-id",
                f"a run's id must consist of up to 64 letters, digits, _ and -; got "
                f"{summarize_names(invalid_ids)}: {EXPORT_AGAIN}",
            )
        for key in self.cell_keys:
            missing = [name for name in _REQUIRED_FILES if f"{CELLS_FOLDER}/{key}/{name}" not in self.members]
            if missing:
                raise HarnessError(
                    "archive.file-missing",
                    f"{CELLS_FOLDER}/{key} must hold {' and '.join(_REQUIRED_FILES)}; "
                    f"{' and '.join(missing)} is missing: {EXPORT_AGAIN}",
                )

    def _check_outcomes(self) -> None:
        """Check that every finished or failed run belongs to the study and occurs once."""
        study_keys, outcome_keys = {spec.key for spec in self.study.list_runs()}, set[str]()
        for spec in self._iter_outcome_specs():
            if spec.key not in study_keys:
                raise HarnessError(
                    "archive.run-of-another-study",
                    f"every run must belong to the study; {sanitize(spec.name)} does not: {EXPORT_AGAIN}",
                )
            if spec.key in outcome_keys:
                raise HarnessError(
                    "archive.run-twice",
                    f"every run must occur once; {sanitize(spec.name)} occurs twice: {EXPORT_AGAIN}",
                )
            outcome_keys.add(spec.key)

    def _iter_outcome_specs(self) -> Iterator[RunSpec]:
        for key in self.cell_keys:
            yield self.load_result(key)[0].spec
        for failure in self.failures:
            max_length = max(len(to_json(failure.spec)), len(failure.reason))
            if max_length > _MAX_TAG_CHARS:
                raise HarnessError(
                    "archive.invalid-failure",
                    f"{FAILURES_FILE} must hold texts of at most {_MAX_TAG_CHARS} characters; one has "
                    f"{max_length}: {EXPORT_AGAIN}",
                )
            yield failure.spec


def _parse_study(data: Any) -> Study:
    if isinstance(data, dict):
        _check_size(data)
    study = from_data(Study, data)
    if not _STUDY_NAME_PATTERN.fullmatch(study.name):
        raise HarnessError(
            "archive.invalid-study-name",
            f"a study's name must consist of up to 200 letters, digits and ._+-; got {sanitize(study.name)}: "
            f"{EXPORT_AGAIN}",
        )
    return study


def _check_size(data: Mapping[str, Any]) -> None:
    """Check the number of runs of a study before listing them; the codec reports other errors."""

    def count_items(name: str, *, default: int = 0) -> int:
        return len(value) if isinstance(value := data.get(name), list) else default

    fold_counts = data["folds"] if count_items("folds") else [1] * count_items("protocols")
    total_folds = sum(max(count, 0) for count in fold_counts if isinstance(count, int))
    trainings = count_items("seeds", default=1) * count_items("training_seeds", default=1)
    runs_per_training = 3 * count_items("arms") + count_items("controls") + 1
    max_runs = total_folds * trainings * runs_per_training
    if max_runs > MAX_RUNS:
        raise HarnessError(
            "archive.too-many-runs",
            f"a study must have at most {MAX_RUNS:,} runs; {STUDY_FILE} lists up to {max_runs:,}: "
            f"{EXPORT_AGAIN}",
        )


def _check_mlflow_limits(result: RunResult) -> None:
    """Check the result's metrics and texts against MLflow's limits, before half of them are written."""
    invalid_names = [name for name in compute_final_metrics(result) if not _METRIC_PATTERN.fullmatch(name)]
    if invalid_names:
        raise HarnessError(
            "archive.invalid-metric-name",
            f"MLflow does not accept the name of its metric {summarize_names(invalid_names)}",
        )
    spec_length = len(to_json(result.spec))
    max_length = max(len(str(value)) for value in flatten_spec(result.spec).values())
    if spec_length > _MAX_TAG_CHARS or max_length > _MAX_PARAM_CHARS:
        raise HarnessError(
            "archive.spec-too-long",
            f"MLflow accepts specs of {_MAX_TAG_CHARS} characters and values of {_MAX_PARAM_CHARS}; its spec "
            f"has {spec_length}, and its longest value {max_length}",
        )
    invalid_epochs = [epoch.number for epoch in result.history if not 0 <= epoch.number <= _MAX_STEP]
    if invalid_epochs:
        raise HarnessError(
            "archive.invalid-epoch",
            f"MLflow accepts epochs from 0 to {_MAX_STEP}; it has {invalid_epochs[0]}",
        )

"""Export a study from the tracking store to an archive; equal studies give equal bytes."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from datasets.io.file_digest import compute_sha256
from harness.archive.members import (
    CELLS_FOLDER,
    CHUNK_BYTES,
    FAILURES_FILE,
    MANIFEST_FILE,
    REPORT_FOLDER,
    STUDY_FILE,
    Manifest,
    Member,
    is_member_name,
)
from harness.archive.reader import FailureList, is_key_of
from harness.errors import HarnessError
from harness.output_folders import check_writable
from harness.tracking.study_reader import FIGURES_FOLDER, WEIGHT_FILES
from harness.tracking.tags import KEY_TAG
from harness.tracking.tracker import Tracker
from reports.document import write_report
from studies.codec import decode_json, to_json
from studies.results import StudyResult

_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE_MODE = 0o100644 << 16
_UNIX_SYSTEM = 3
_STORED_SUFFIXES = (".png", *WEIGHT_FILES)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSummary:
    """The result of an export: the study, the size and digest of the archive, and its numbers of cells."""

    study_name: str
    path: Path
    size: int
    sha256: str
    finished_count: int
    failed_count: int
    cell_count: int
    weights_count: int


def export_study(tracker: Tracker, name: str, out: Path, *, include_weights: bool = False) -> ExportSummary:
    """Write the study with this name to `out`, atomically; include weights if `include_weights`.

    Raises:
        HarnessError: the store has no such study, `out` exists or cannot be written, or weights are requested
            and no run has any.
    """
    _check_output_free(out)
    check_writable(out.parent)
    result, figures = tracker.load_study(name)
    # An archive holds no tracebacks.
    result = replace(result, failures=tuple(replace(f, traceback_run_id="") for f in result.failures))
    temporary_path = out.parent / f".{out.name}.{os.getpid()}"
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(temporary_path, "w") as zip_file, tempfile.TemporaryDirectory() as staging:
            writer = _ArchiveWriter(zip_file)
            runs = tuple(_pack_cells(writer, result, tracker, include_weights=include_weights))
            weights_count = sum(member.name.rpartition("/")[2] in WEIGHT_FILES for member in writer.members)
            if include_weights and not weights_count:
                raise HarnessError(
                    "export.no-weights",
                    f"--weights includes the weights that runs have kept; no run of {name} has kept any: "
                    "leave --weights out, or delete the runs in `harness ui` and start the study's command "
                    "again with --keep-weights all",
                )
            writer.add_text(FAILURES_FILE, to_json(FailureList(failures=result.failures), indent=1))
            _pack_figures_and_report(writer, result, figures, staging=Path(staging))
            writer.add_text(STUDY_FILE, to_json(result.study, indent=1))
            manifest = Manifest(
                study=result.study.name,
                runs=runs,
                members=tuple(writer.members),
                commands=result.commands,
                alias=result.alias,
            )
            writer.add_text(MANIFEST_FILE, to_json(manifest, indent=1))
        _check_output_free(out)
        digest = compute_sha256(temporary_path)
        os.replace(temporary_path, out)
    finally:
        temporary_path.unlink(missing_ok=True)
    return ExportSummary(
        study_name=result.study.name,
        path=out,
        size=out.stat().st_size,
        sha256=digest,
        finished_count=len(result.results),
        failed_count=len(result.failures),
        cell_count=len(result.study.list_runs()),
        weights_count=weights_count,
    )


def _check_output_free(out: Path) -> None:
    if out.exists():
        raise HarnessError(
            "export.file-exists", f"--out must name a new file; {out} exists: name another, or move it away"
        )


def _pack_cells(
    writer: _ArchiveWriter, result: StudyResult, tracker: Tracker, *, include_weights: bool
) -> Iterator[tuple[str, str]]:
    """Add the artifacts of each finished cell, sorted by key; yield its key and run id."""
    runs = [tracker.client.get_run(run_id) for _, run_id in result.run_ids]
    for run in sorted(runs, key=lambda run: (run.data.tags[KEY_TAG], run.info.run_id)):
        key, run_id = run.data.tags[KEY_TAG], run.info.run_id
        names = sorted(item.path for item in tracker.client.list_artifacts(run_id) if not item.is_dir)
        # Skip artifacts that users added by hand.
        names = [name for name in names if is_member_name(f"{CELLS_FOLDER}/{key}/{name}")]
        with tempfile.TemporaryDirectory() as folder:
            paths = {
                name: tracker.fetch_artifact(run, name, folder)
                for name in names
                if include_weights or name not in WEIGHT_FILES
            }
            for name, path in paths.items():
                writer.add_file(f"{CELLS_FOLDER}/{key}/{name}", path)
            if not is_key_of(key, decode_json(paths["result.json"].read_text(encoding="utf-8"))["spec"]):
                raise HarnessError(
                    "export.key-mismatch",
                    f"the tag {KEY_TAG} of a run must be the key of its spec; that of run {run_id} is {key}, "
                    "which is not: delete the run, or restore the tag",
                )
        yield key, run_id


def _pack_figures_and_report(
    writer: _ArchiveWriter, result: StudyResult, figures: Mapping[str, bytes], *, staging: Path
) -> None:
    """Add the study's figures and its report with all its files."""
    for name in sorted(figures):
        writer.add_bytes(f"{FIGURES_FOLDER}/{name.rpartition('/')[2]}.png", figures[name])
    write_report((result,), staging, images=figures)
    for path in sorted(path for path in staging.rglob("*") if path.is_file()):
        writer.add_file(f"{REPORT_FOLDER}/{path.relative_to(staging).as_posix()}", path)


class _ArchiveWriter:
    """Adds files to a zip and collects their manifest entries in `members`."""

    def __init__(self, zip_file: zipfile.ZipFile) -> None:
        self._zip = zip_file
        self.members: list[Member] = []

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            self._write_member(name, iter(lambda: file.read(CHUNK_BYTES), b""), size=path.stat().st_size)

    def add_bytes(self, name: str, content: bytes) -> None:
        self._write_member(name, iter((content,)), size=len(content))

    def add_text(self, name: str, text: str) -> None:
        self.add_bytes(name, text.encode())

    def _write_member(self, name: str, chunks: Iterator[bytes], *, size: int) -> None:
        assert is_member_name(name), f"no member can be named {name}"
        entry = zipfile.ZipInfo(name, _TIMESTAMP)
        entry.external_attr, entry.create_system, entry.file_size = _REGULAR_FILE_MODE, _UNIX_SYSTEM, size
        is_stored = name.endswith(_STORED_SUFFIXES)
        entry.compress_type = zipfile.ZIP_STORED if is_stored else zipfile.ZIP_DEFLATED
        digest = hashlib.sha256()
        with self._zip.open(entry, "w") as target:
            for chunk in chunks:
                digest.update(chunk)
                target.write(chunk)
        self.members.append(Member(name=name, size=size, sha256=digest.hexdigest()))

"""A study on the ledger into one archive: the same bytes for the same study."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.archive.members import (
    CELLS,
    CHUNK,
    FAILURES,
    MANIFEST,
    PICTURES,
    REPORT,
    STUDY,
    Manifest,
    Member,
    is_member,
)
from harness.archive.reading import Failed, fits
from harness.output import check_writable
from harness.tracking.ledger import KEY, WEIGHTS, Ledger
from reports.document import write
from studies.codec import parsed, to_json
from studies.results import StudyResult

_TIME = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16
_UNIX = 3
_PACKED_ALREADY = (".png", *WEIGHTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """An archive that was written: its study, bytes, digest, and how many cells it has of each kind."""

    study: str
    path: Path
    size: int
    sha256: str
    finished: int
    failed: int
    cells: int
    with_weights: int


def export(ledger: Ledger, name: str, out: Path, *, weights: bool = False) -> Exported:
    """Write the study of that name to `out`, put in place whole; weights only if asked for.

    Raises:
        ValueError: no such study, `out` is there already or cannot be written, or no run has weights.
    """
    _check_free(out)
    check_writable(out.parent)
    result, drawn = ledger.load_study(name)
    temporary = out.parent / f".{out.name}.{os.getpid()}"
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(temporary, "w") as packed, tempfile.TemporaryDirectory() as staging:
            pack = _Pack(packed)
            runs = tuple(_cells(pack, result, ledger, weights=weights))
            with_weights = sum(member.name.rpartition("/")[2] in WEIGHTS for member in pack.members)
            if weights and not with_weights:
                raise ValueError(
                    f"--weights packs the weights that runs have kept; no run of {name} has kept any: leave "
                    "--weights out, or delete the runs in `harness ui` and start the study's command again "
                    "with --keep-weights all"
                )
            pack.text(FAILURES, to_json(Failed(failures=result.failures), indent=1))
            _rest(pack, result, drawn, staging=Path(staging))
            pack.text(STUDY, to_json(result.study, indent=1))
            manifest = Manifest(study=result.study.name, runs=runs, members=tuple(pack.members))
            pack.text(MANIFEST, to_json(manifest, indent=1))
        _check_free(out)
        digest = _sha256(temporary)
        os.replace(temporary, out)
    finally:
        temporary.unlink(missing_ok=True)
    return Exported(
        study=result.study.name,
        path=out,
        size=out.stat().st_size,
        sha256=digest,
        finished=len(result.results),
        failed=len(result.failures),
        cells=len(result.study.runs()),
        with_weights=with_weights,
    )


def _check_free(out: Path) -> None:
    if out.exists():
        raise ValueError(
            f"--out must name a file that is not there yet; {out} is: name another, or move it away"
        )


def _cells(pack: _Pack, result: StudyResult, ledger: Ledger, *, weights: bool) -> Iterator[tuple[str, str]]:
    """Pack each finished cell's artifacts, in the order of their keys; yields key and run."""
    ids = (run_id for _, run_id in result.run_ids)
    for key, run_id in sorted((ledger.client.get_run(run_id).data.tags[KEY], run_id) for run_id in ids):
        names = sorted(item.path for item in ledger.client.list_artifacts(run_id) if not item.is_dir)
        with tempfile.TemporaryDirectory() as folder:
            for name in names:
                member = f"{CELLS}/{key}/{name}"
                # What people have put beside a run by hand stays where it is.
                if is_member(member) and (weights or name not in WEIGHTS):
                    pack.file(member, ledger.download(run_id, name, folder))
            if not fits(key, parsed((Path(folder) / "result.json").read_text(encoding="utf-8"))["spec"]):
                raise ValueError(
                    f"a run must stand under the key of its spec; {run_id} stands under {key}: its tag "
                    f"{KEY} was changed; delete that run, or mend the tag"
                )
        yield key, run_id


def _rest(pack: _Pack, result: StudyResult, drawn: Mapping[str, bytes], *, staging: Path) -> None:
    """Pack the study's pictures and its report with all that lies beside it."""
    for name in sorted(drawn):
        pack.content(f"{PICTURES}/{name.rpartition('/')[2]}.png", drawn[name])
    write((result,), staging, pictures=drawn)
    for path in sorted(path for path in staging.rglob("*") if path.is_file()):
        pack.file(f"{REPORT}/{path.relative_to(staging).as_posix()}", path)


class _Pack:
    """Puts files into a zip, and remembers what the manifest is to say of each."""

    def __init__(self, packed: zipfile.ZipFile) -> None:
        self._zip = packed
        self.members: list[Member] = []

    def file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            self._put(name, iter(lambda: file.read(CHUNK), b""), size=path.stat().st_size)

    def content(self, name: str, content: bytes) -> None:
        self._put(name, iter((content,)), size=len(content))

    def text(self, name: str, text: str) -> None:
        self.content(name, text.encode())

    def _put(self, name: str, chunks: Iterator[bytes], *, size: int) -> None:
        assert is_member(name), f"no member can be named {name}"
        entry = zipfile.ZipInfo(name, _TIME)
        entry.external_attr, entry.create_system, entry.file_size = _PLAIN_FILE, _UNIX, size
        packed = name.endswith(_PACKED_ALREADY)
        entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
        digest = hashlib.sha256()
        with self._zip.open(entry, "w") as target:
            for chunk in chunks:
                digest.update(chunk)
                target.write(chunk)
        self.members.append(Member(name=name, size=size, sha256=digest.hexdigest()))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

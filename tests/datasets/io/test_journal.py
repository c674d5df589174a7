import errno
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from datasets.io.journal import Journal


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "a.rgb"


def write_killed_run(target: Path, steps: Sequence[tuple[bytes, int]] = ((b"one", 1), (b"two", 2))) -> None:
    """Leave a journal as a killed run does, without a call of `__exit__`."""
    journal = Journal(target)
    journal.__enter__()
    for data, number in steps:
        journal.append({"number": number}, data)
    journal._close()


def hidden_path(target: Path, suffix: str) -> Path:
    return target.with_name(f".{target.name}.{suffix}")


def numbers(target: Path) -> list[int]:
    return [entry["number"] for entry in Journal(target).entries]


def test_killed_run_resumes_after_its_last_step(target: Path) -> None:
    write_killed_run(target)
    with Journal(target) as journal:
        assert [entry["number"] for entry in journal.entries] == [1, 2]
        journal.append({"number": 3}, b"three")
        journal.finalize()
    assert target.read_bytes() == b"onetwothree"
    assert list(target.parent.iterdir()) == [target]


def test_data_without_a_journal_line_are_truncated(target: Path) -> None:
    write_killed_run(target)
    with open(hidden_path(target, "part"), "ab") as file:
        file.write(b"torn")
    with Journal(target) as journal:
        journal.append({"number": 3}, b"three")
        journal.finalize()
    assert target.read_bytes() == b"onetwothree"


@pytest.mark.parametrize(
    "tail", [b'{"number": 3, "e', b'{"number": 3, "end": 6}', b"[3]\n", b"\xff\n", b"{}\n"]
)
def test_torn_or_invalid_last_line_is_ignored(target: Path, tail: bytes) -> None:
    write_killed_run(target)
    with open(hidden_path(target, "journal"), "ab") as file:
        file.write(tail)
    assert numbers(target) == [1, 2]
    write_killed_run(target, [(b"three", 3)])
    assert numbers(target) == [1, 2, 3]
    assert hidden_path(target, "part").read_bytes() == b"onetwothree"


def test_line_beyond_the_data_ends_the_journal(target: Path) -> None:
    write_killed_run(target)
    os.truncate(hidden_path(target, "part"), 5)
    assert numbers(target) == [1]
    write_killed_run(target, [(b"2", 2)])
    assert hidden_path(target, "part").read_bytes() == b"one2"


def test_line_in_the_middle_that_is_torn_ends_the_journal(target: Path) -> None:
    write_killed_run(target)
    lines = hidden_path(target, "journal").read_bytes().splitlines()
    hidden_path(target, "journal").write_bytes(b"\n".join([lines[0], b"{torn", lines[1], b""]))
    assert numbers(target) == [1]


def test_journal_needs_both_files(target: Path) -> None:
    write_killed_run(target)
    hidden_path(target, "part").unlink()
    assert numbers(target) == []
    write_killed_run(target)
    hidden_path(target, "journal").unlink()
    assert numbers(target) == []
    write_killed_run(target, [(b"new", 1)])
    assert hidden_path(target, "part").read_bytes() == b"new"


def test_run_killed_after_its_rename_loses_nothing(target: Path) -> None:
    journal = Journal(target)
    journal.__enter__()
    journal.append({"number": 1}, b"one")
    journal.finalize()
    assert numbers(target) == [1]
    with Journal(target) as again:
        again.finalize()
    assert target.read_bytes() == b"one"
    assert list(target.parent.iterdir()) == [target]


def test_discarded_journal_restarts_from_zero(target: Path) -> None:
    write_killed_run(target)
    journal = Journal(target)
    journal.reset()
    with journal:
        journal.append({"number": 9}, b"nine")
        journal.finalize()
    assert target.read_bytes() == b"nine"


def test_error_preserves_steps_and_leaves_no_empty_journal(target: Path) -> None:
    write_killed_run(target, [(b"one", 1)])
    for path in (target, target.with_name("b")):
        with pytest.raises(KeyboardInterrupt), Journal(path):
            raise KeyboardInterrupt
    assert numbers(target) == [1]
    assert not list(target.parent.glob(".b*"))


def test_full_disk_is_an_error_naming_the_file(target: Path) -> None:
    write_killed_run(target)
    with pytest.raises(OSError, match=r"a\.rgb"), Journal(target):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(target.parent.iterdir()) == []


def test_other_disk_error_keeps_the_steps(target: Path) -> None:
    write_killed_run(target)
    with pytest.raises(OSError, match=r"image\.jpg"), Journal(target):
        raise OSError(errno.EACCES, "Permission denied", "image.jpg")
    assert numbers(target) == [1, 2]


def test_journal_line_is_written_after_its_data(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def record_fsync(handle: int) -> None:
        synced.append(os.fstat(handle).st_size)
        fsync(handle)

    monkeypatch.setattr("datasets.io.journal.os.fsync", record_fsync)
    with Journal(target) as journal:
        journal.append({"number": 1}, b"0" * 1000)
        line = len(json.dumps({"number": 1, "end": 1000})) + 1
        assert synced == [1000, line]

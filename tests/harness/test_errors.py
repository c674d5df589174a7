"""Tests of which errors are user errors or mean a full disk, and of messages about unknown names."""

import errno
import json
import pickle
import sqlite3
from pathlib import Path

import pytest

from datasets.errors import DatasetError
from harness.errors import UserError, check_choice, is_full_disk, suggest_nearest, wrap_user_errors
from tests.error_codes import raises_code


def raised(*errors: BaseException, suppressed: bool = False) -> BaseException:
    """Return the last of `errors`, each raised from the previous one."""
    try:
        if len(errors) > 1:
            try:
                raise raised(*errors[:-1])
            except BaseException as before:
                if suppressed:
                    raise errors[-1] from None
                raise errors[-1] from before
        raise errors[0]
    except BaseException as found:
        return found


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "x"),
        OSError(errno.EDQUOT, "x"),
        OSError(errno.EFBIG, "x"),
        sqlite3.OperationalError("database or disk is full"),
        RuntimeError("(sqlite3.OperationalError) database or disk is full [SQL: INSERT]"),
        RuntimeError("PytorchStreamWriter failed: No space left on device"),
    ],
)
def test_a_full_disk_is_known_by_itself_and_below_what_came_of_it(error: BaseException) -> None:
    assert is_full_disk(error)
    assert is_full_disk(raised(error, KeyError("a"), ValueError("b")))
    assert is_full_disk(raised(error, ValueError("b"), suppressed=True))
    told = ValueError("raised elsewhere, so that it has a cause and no context")
    told.__cause__ = error
    assert is_full_disk(told)


@pytest.mark.parametrize(
    "error",
    [
        None,
        OSError(errno.EACCES, "Permission denied"),
        OSError("no number"),
        sqlite3.OperationalError("no such table: full"),
        ValueError("the answer is full of holes"),
        raised(OSError(errno.ENOENT, "x"), ValueError("y")),
    ],
)
def test_nothing_else_is_one(error: BaseException | None) -> None:
    assert not is_full_disk(error)


def test_an_error_met_while_a_full_disk_was_handled_is_one_too() -> None:
    def handled() -> None:
        try:
            raise FULL
        except OSError:
            {}["gone"]

    with pytest.raises(KeyError) as found:
        handled()
    assert found.value.__cause__ is None
    assert is_full_disk(found.value)


def test_a_device_without_space_and_a_database_without_pages_are_told(tmp_path: Path) -> None:
    if Path("/dev/full").exists():
        with pytest.raises(OSError, match="No space left") as written:
            Path("/dev/full").write_text("x")
        assert is_full_disk(written.value)
    store = sqlite3.connect(tmp_path / "full.db")
    try:
        store.execute("CREATE TABLE t (x)")
        store.execute("PRAGMA max_page_count = 3")
        with pytest.raises(sqlite3.OperationalError) as kept:
            store.execute("INSERT INTO t VALUES (?)", ("x" * 100_000,))
    finally:
        store.close()
    assert is_full_disk(kept.value)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("--seeds must be at least 1; got 0"),
        FileNotFoundError("there is no x"),
        NotADirectoryError("x is a file"),
        PermissionError("x is locked"),
        json.JSONDecodeError("no JSON", "x", 0),
    ],
)
def test_what_the_user_gave_becomes_one_message_that_leads_to_the_error(error: Exception) -> None:
    with pytest.raises(UserError) as found, wrap_user_errors():
        raise error
    assert str(found.value) == str(error)
    assert found.value.__cause__ is error


def test_a_user_error_has_the_code_of_its_cause() -> None:
    with pytest.raises(UserError) as found, wrap_user_errors():
        raise DatasetError("fold.range", "the protocol frame has one fold, 0; got fold 1")
    copy = pickle.loads(pickle.dumps(found.value))
    assert (copy.code, str(copy)) == ("fold.range", "the protocol frame has one fold, 0; got fold 1")
    assert UserError("without a rule of its own").code == ""


@pytest.mark.parametrize(
    "error", [KeyError("ours"), FULL, RuntimeError("ours"), KeyboardInterrupt(), UserError("told already")]
)
def test_other_errors_pass_as_they_are(error: BaseException) -> None:
    with pytest.raises(type(error)) as found, wrap_user_errors():
        raise error
    assert found.value is error


@pytest.mark.parametrize(
    ("value", "suggestion"),
    [
        ("propsed", ". Did you mean 'proposed'?"),
        ("VGG16", ". Did you mean 'vgg16'?"),
        ("resnet", ""),
        ("", ""),
    ],
)
def test_the_nearest_name_is_suggested_whatever_its_case(value: str, suggestion: str) -> None:
    assert suggest_nearest(value, ("vgg16", "proposed")) == suggestion


def test_an_unknown_choice_is_listed_with_those_accepted() -> None:
    check_choice("preset", "quick", ("paper", "quick"))
    with raises_code("choice.unknown", "preset 'quik'", "paper, quick", "Did you mean"):
        check_choice("preset", "quik", ("paper", "quick"))

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


def chain_errors(*errors: BaseException, suppressed: bool = False) -> BaseException:
    """Return the last of `errors`, each raised from the previous one."""
    try:
        if len(errors) > 1:
            try:
                raise chain_errors(*errors[:-1])
            except BaseException as before:
                if suppressed:
                    raise errors[-1] from None
                raise errors[-1] from before
        raise errors[0]
    except BaseException as caught:
        return caught


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
def test_full_disk_is_recognized_below_other_errors(error: BaseException) -> None:
    assert is_full_disk(error)
    assert is_full_disk(chain_errors(error, KeyError("a"), ValueError("b")))
    assert is_full_disk(chain_errors(error, ValueError("b"), suppressed=True))
    chained = ValueError("raised elsewhere, so that it has a cause and no context")
    chained.__cause__ = error
    assert is_full_disk(chained)


@pytest.mark.parametrize(
    "error",
    [
        None,
        OSError(errno.EACCES, "Permission denied"),
        OSError("no number"),
        sqlite3.OperationalError("no such table: full"),
        ValueError("the answer is full of holes"),
        chain_errors(OSError(errno.ENOENT, "x"), ValueError("y")),
    ],
)
def test_other_errors_are_no_full_disk(error: BaseException | None) -> None:
    assert not is_full_disk(error)


def test_error_during_handling_of_a_full_disk_is_one() -> None:
    def raise_while_handling() -> None:
        try:
            raise FULL
        except OSError:
            {"x": 1}["gone"]

    with pytest.raises(KeyError) as caught:
        raise_while_handling()
    assert caught.value.__cause__ is None
    assert is_full_disk(caught.value)


def test_full_device_and_full_database_are_recognized(tmp_path: Path) -> None:
    if Path("/dev/full").exists():
        with pytest.raises(OSError, match="No space left") as disk_error:
            Path("/dev/full").write_text("x")
        assert is_full_disk(disk_error.value)
    store = sqlite3.connect(tmp_path / "full.db")
    try:
        store.execute("CREATE TABLE t (x)")
        store.execute("PRAGMA max_page_count = 3")
        with pytest.raises(sqlite3.OperationalError) as database_error:
            store.execute("INSERT INTO t VALUES (?)", ("x" * 100_000,))
    finally:
        store.close()
    assert is_full_disk(database_error.value)


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
def test_user_error_keeps_message_and_cause(error: Exception) -> None:
    with pytest.raises(UserError) as caught, wrap_user_errors():
        raise error
    assert str(caught.value) == str(error)
    assert caught.value.__cause__ is error


def test_user_error_has_the_code_of_its_cause() -> None:
    with pytest.raises(UserError) as caught, wrap_user_errors():
        raise DatasetError("fold.range", "the protocol frame has one fold, 0; got fold 1")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.code, str(copy)) == ("fold.range", "the protocol frame has one fold, 0; got fold 1")
    assert UserError("without a rule of its own").code == ""


@pytest.mark.parametrize(
    "error", [KeyError("ours"), FULL, RuntimeError("ours"), KeyboardInterrupt(), UserError("told already")]
)
def test_other_errors_are_not_wrapped(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, wrap_user_errors():
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    ("value", "suggestion"),
    [
        ("propsed", ". Did you mean 'proposed'?"),
        ("VGG16", ". Did you mean 'vgg16'?"),
        ("resnet", ""),
        ("", ""),
    ],
)
def test_nearest_name_is_suggested_whatever_its_case(value: str, suggestion: str) -> None:
    assert suggest_nearest(value, ("vgg16", "proposed")) == suggestion


def test_unknown_choice_error_lists_accepted_ones() -> None:
    check_choice("preset", "quick", ("paper", "quick"))
    with raises_code("choice.unknown", "preset 'quik'", "paper, quick", "Did you mean"):
        check_choice("preset", "quik", ("paper", "quick"))

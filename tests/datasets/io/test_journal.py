import errno
import json
import os

import pytest

from datasets.io.journal import Journal


@pytest.fixture
def place(tmp_path):
    return tmp_path / "cache" / "a.rgb"


def killed(place, steps=((b"one", 1), (b"two", 2))):
    """Leave a journal as a killed run does, without a call of `__exit__`."""
    journal = Journal(place)
    journal.__enter__()
    for data, number in steps:
        journal.append({"number": number}, data)
    journal._close()


def hidden(place, suffix):
    return place.with_name(f".{place.name}.{suffix}")


def numbers(place):
    return [entry["number"] for entry in Journal(place).entries]


def test_a_killed_run_goes_on_from_its_last_finished_step(place):
    killed(place)
    with Journal(place) as journal:
        assert [entry["number"] for entry in journal.entries] == [1, 2]
        journal.append({"number": 3}, b"three")
        journal.finalize()
    assert place.read_bytes() == b"onetwothree"
    assert list(place.parent.iterdir()) == [place]


def test_data_that_no_line_vouches_for_are_cut_off(place):
    killed(place)
    with open(hidden(place, "part"), "ab") as file:
        file.write(b"torn")
    with Journal(place) as journal:
        journal.append({"number": 3}, b"three")
        journal.finalize()
    assert place.read_bytes() == b"onetwothree"


@pytest.mark.parametrize(
    "tail", [b'{"number": 3, "e', b'{"number": 3, "end": 6}', b"[3]\n", b"\xff\n", b"{}\n"]
)
def test_a_torn_or_strange_last_line_is_not_there(place, tail):
    killed(place)
    with open(hidden(place, "journal"), "ab") as file:
        file.write(tail)
    assert numbers(place) == [1, 2]
    killed(place, [(b"three", 3)])
    assert numbers(place) == [1, 2, 3]
    assert hidden(place, "part").read_bytes() == b"onetwothree"


def test_a_line_that_vouches_for_more_than_there_is_ends_the_journal(place):
    killed(place)
    os.truncate(hidden(place, "part"), 5)
    assert numbers(place) == [1]
    killed(place, [(b"2", 2)])
    assert hidden(place, "part").read_bytes() == b"one2"


def test_a_line_in_the_middle_that_is_torn_ends_the_journal(place):
    killed(place)
    lines = hidden(place, "journal").read_bytes().splitlines()
    hidden(place, "journal").write_bytes(b"\n".join([lines[0], b"{torn", lines[1], b""]))
    assert numbers(place) == [1]


def test_one_file_without_the_other_is_nothing(place):
    killed(place)
    hidden(place, "part").unlink()
    assert numbers(place) == []
    killed(place)
    hidden(place, "journal").unlink()
    assert numbers(place) == []
    killed(place, [(b"new", 1)])
    assert hidden(place, "part").read_bytes() == b"new"


def test_a_run_killed_after_naming_its_data_has_lost_nothing(place):
    journal = Journal(place)
    journal.__enter__()
    journal.append({"number": 1}, b"one")
    journal.finalize()
    assert numbers(place) == [1]
    with Journal(place) as again:
        again.finalize()
    assert place.read_bytes() == b"one"
    assert list(place.parent.iterdir()) == [place]


def test_forgetting_starts_from_nothing(place):
    killed(place)
    journal = Journal(place)
    journal.reset()
    with journal:
        journal.append({"number": 9}, b"nine")
        journal.finalize()
    assert place.read_bytes() == b"nine"


def test_an_error_keeps_finished_steps_and_leaves_nothing_where_there_are_none(place):
    killed(place, [(b"one", 1)])
    for begun in (place, place.with_name("b")):
        with pytest.raises(KeyboardInterrupt), Journal(begun):
            raise KeyboardInterrupt
    assert numbers(place) == [1]
    assert not list(place.parent.glob(".b*"))


def test_a_full_disk_leaves_nothing_and_its_error_names_the_file(place):
    killed(place)
    with pytest.raises(OSError, match=r"a\.rgb"), Journal(place):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(place.parent.iterdir()) == []


def test_another_error_of_the_disk_keeps_its_file_and_the_steps(place):
    killed(place)
    with pytest.raises(OSError, match=r"image\.jpg"), Journal(place):
        raise OSError(errno.EACCES, "Permission denied", "image.jpg")
    assert numbers(place) == [1, 2]


def test_a_line_is_on_the_disk_only_after_its_data(place, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(
        "datasets.io.journal.os.fsync",
        lambda handle: synced.append(os.fstat(handle).st_size) or fsync(handle),
    )
    with Journal(place) as journal:
        journal.append({"number": 1}, b"0" * 1000)
        line = len(json.dumps({"number": 1, "end": 1000})) + 1
        assert synced == [1000, line]

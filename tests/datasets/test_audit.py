import pytest

from datasets.audit import leakage
from datasets.spec import Leakage, Split
from datasets.splits import split


def made(train, test):
    return Split(protocol="frame", fold=0, seed=0, train=train, validation=(), test=test)


@pytest.fixture
def table(table_of):
    """Rows 0-2: s1/c1; 3-4: s1/c2; 5-6: s2/c3."""
    return table_of([("anger", "s1", "c1", 3), ("joy", "s1", "c2", 2), ("joy", "s2", "c3", 2)])


@pytest.mark.parametrize(
    ("train", "test", "clip", "subject"),
    [
        ((0, 1), (2,), 1.0, 1.0),
        ((0, 1), (2, 3, 4, 5), 0.25, 0.75),
        ((0, 1, 2), (3, 4), 0.0, 1.0),
        ((0, 3), (5, 6), 0.0, 0.0),
    ],
)
def test_known_shares(table, train, test, clip, subject):
    assert leakage(table, made(train, test)) == Leakage(clip=clip, subject=subject)


def test_validation_is_not_training(table):
    found = Split(protocol="frame", fold=0, seed=0, train=(5,), validation=(0, 1), test=(2,))
    assert leakage(table, found) == Leakage(clip=0.0, subject=0.0)


def test_protocols_leak_what_they_say(table_of):
    table = table_of([(("anger", "joy")[clip % 2], f"s{clip % 10}", f"c{clip}", 20) for clip in range(40)])
    assert leakage(table, split(table, "frame", seed=0)) == Leakage(clip=1.0, subject=1.0)
    clips = leakage(table, split(table, "clip", seed=0))
    assert clips.clip == 0.0
    assert clips.subject > 0.0
    assert leakage(table, split(table, "subject", seed=0)) == Leakage(clip=0.0, subject=0.0)

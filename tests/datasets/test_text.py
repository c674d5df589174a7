from datasets.spec import Anomaly
from datasets.text import EACH, gathered, named, shown


def anomaly(number, code="no row", action="left out"):
    return Anomaly(code=code, where=f"sub01/EP{number}", what=f"what {number}", action=action)


def test_text_is_shown_on_one_line_and_cut():
    assert shown("sub01/EP02_01f") == "sub01/EP02_01f"
    assert shown("a\nb\x1b[31m\udc80") == r"a\nb\x1b[31m\udc80"
    assert shown("情绪 *b*") == "情绪 *b*"
    assert shown("x" * 81) == "x" * 79 + "…"
    assert shown("x" * 80) == "x" * 80


def test_many_names_are_counted():
    assert named(["a", "b"]) == "a, b"
    assert named(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert named(list("abc"), most=1) == "a and 2 more"


def test_a_few_anomalies_of_a_kind_stand_each_on_its_own():
    few = [anomaly(number) for number in range(EACH)]
    assert gathered(few) == tuple(few)


def test_too_many_of_a_kind_become_one_that_counts_them():
    many = [anomaly(number) for number in range(EACH + 1)]
    other = [anomaly(0, code="no folder"), anomaly(1, action="kept")]
    one, *rest = gathered([*many, *other])
    assert one == Anomaly(
        code="no row",
        where=f"sub01/EP0, sub01/EP1, sub01/EP2, sub01/EP3, sub01/EP4 and {EACH - 4} more",
        what=f"{EACH + 1} cases; the first: what 0",
        action="left out",
    )
    assert rest == other

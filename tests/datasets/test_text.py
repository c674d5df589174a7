from datasets.spec import Anomaly
from datasets.text import MAX_LISTED_ANOMALIES, group_anomalies, sanitize, summarize_names


def anomaly(number, code="no row", action="left out"):
    return Anomaly(code=code, location=f"sub01/EP{number}", description=f"what {number}", action=action)


def test_text_is_shown_on_one_line_and_cut():
    assert sanitize("sub01/EP02_01f") == "sub01/EP02_01f"
    assert sanitize("a\nb\x1b[31m\udc80") == r"a\nb\x1b[31m\udc80"
    assert sanitize("情绪 *b*") == "情绪 *b*"
    assert sanitize("x" * 81) == "x" * 79 + "…"
    assert sanitize("x" * 80) == "x" * 80


def test_many_names_are_counted():
    assert summarize_names(["a", "b"]) == "a, b"
    assert summarize_names(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert summarize_names(list("abc"), max_names=1) == "a and 2 more"


def test_a_few_anomalies_of_a_kind_stand_each_on_its_own():
    few = [anomaly(number) for number in range(MAX_LISTED_ANOMALIES)]
    assert group_anomalies(few) == tuple(few)


def test_too_many_of_a_kind_become_one_that_counts_them():
    many = [anomaly(number) for number in range(MAX_LISTED_ANOMALIES + 1)]
    other = [anomaly(0, code="no folder"), anomaly(1, action="kept")]
    one, *rest = group_anomalies([*many, *other])
    assert one == Anomaly(
        code="no row",
        location=f"sub01/EP0, sub01/EP1, sub01/EP2, sub01/EP3, sub01/EP4 and {MAX_LISTED_ANOMALIES - 4} more",
        description=f"{MAX_LISTED_ANOMALIES + 1} cases; the first: what 0",
        action="left out",
    )
    assert rest == other

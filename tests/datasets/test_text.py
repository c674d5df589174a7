from datasets.text import pluralize, sanitize, summarize_names


def test_text_is_escaped_to_one_line_and_truncated() -> None:
    assert sanitize("sub01/EP02_01f") == "sub01/EP02_01f"
    assert sanitize("a\nb\x1b[31m\udc80") == r"a\nb\x1b[31m\udc80"
    assert sanitize("情绪 *b*") == "情绪 *b*"
    assert sanitize("x" * 81) == "x" * 79 + "…"
    assert sanitize("x" * 80) == "x" * 80


def test_count_of_one_has_a_singular_noun() -> None:
    assert [pluralize(count, "image") for count in (0, 1, 2)] == ["0 images", "1 image", "2 images"]
    assert (pluralize(1, "class"), pluralize(3, "class")) == ("1 class", "3 classes")
    assert (pluralize(1, "anomaly"), pluralize(3, "study")) == ("1 anomaly", "3 studies")


def test_many_names_are_summarized() -> None:
    assert summarize_names(["a", "b"]) == "a, b"
    assert summarize_names(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert summarize_names(list("abc"), max_names=1) == "a and 2 more"

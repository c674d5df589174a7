import pytest

from datasets.megc2019.labels import parse_label


@pytest.mark.parametrize(
    ("text", "label"),
    [("0", 0), (" 12 ", 12), ("1.0", 1), ("Surprise", 2), ("'negative'", 0)]
    + [(text, None) for text in ("", "-1", "1.5", "100", "joy", "nan", "１")],
)
def test_label_is_a_small_number_or_a_class(text: str, label: int | None) -> None:
    assert parse_label(text) == label

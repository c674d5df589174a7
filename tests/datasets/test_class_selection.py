import pytest

from datasets.class_selection import ClassScheme, keep_emotions, select_scheme
from tests.error_codes import raises_code

EMOTIONS = ("anger", "joy", "surprise")
MERGED = ClassScheme(classes=("bad", "surprise"), emotions={"anger": "bad", "surprise": "surprise"})
SCHEMES = {"2-class": MERGED, "3-class": keep_emotions(EMOTIONS)}


def select(*names: str) -> ClassScheme:
    return select_scheme(names, schemes=SCHEMES, default=("anger", "joy"), choices=EMOTIONS, dataset="made")


def test_a_scheme_is_selected_by_its_name_or_by_its_classes() -> None:
    assert select("2-class") is MERGED
    assert select("surprise", "bad") is MERGED
    assert select("3-class").classes == EMOTIONS


def test_without_a_scheme_each_emotion_is_a_class_in_the_order_of_the_data_set() -> None:
    assert select() == keep_emotions(("anger", "joy"))
    assert select("surprise", "anger") == keep_emotions(("anger", "surprise"))


@pytest.mark.parametrize("names", [("fear", "joy"), ("2-class", "joy"), ("4-class",)])
def test_an_unknown_class_is_an_error_that_lists_classes_and_schemes(names: tuple[str, ...]) -> None:
    with raises_code("class.unknown", "anger, joy, surprise", "2-class, 3-class alone"):
        select(*names)


def test_one_class_is_too_few() -> None:
    with raises_code("class.too-few", "joy alone"):
        select("joy")


def test_clips_of_merged_emotions_add_up_and_an_unknown_number_gives_none() -> None:
    assert MERGED.count_clips({"anger": 3, "joy": 5, "surprise": 2}) == (3, 2)
    merged = ClassScheme(classes=("bad",), emotions={"anger": "bad", "joy": "bad"})
    assert merged.count_clips({"anger": 3, "joy": 5}) == (8,)
    assert merged.count_clips({"anger": 3}) == ()

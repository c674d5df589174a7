from pathlib import Path

import pytest

from datasets.megc2019.truth_list import read_truth_list
from tests.error_codes import raises_code

LIST = "casme2,sub01,EP02_01f,1\nsamm,6,006_1_2,0\n"


def test_clips_match_any_spelling(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(LIST + LIST)
    clips = read_truth_list(path)

    assert [clip.label for clip in clips.values()] == [1, 0]
    assert ("samm", "6", "6_1_2") in clips


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("set,subject,clip,label\n" + LIST, ("truth-list.header", "line 1")),
        (
            LIST + "smic,s01,s01_ne_01\n",
            ("truth-list.fields", "line 3", "set,subject,clip,label", "'smic,s01,s01_ne_01'"),
        ),
        (LIST + "smic,s01,s01_ne_01,joy\n", ("truth-list.fields", "line 3", "whole number from 0")),
        (LIST + "samm,006,006_1_2,2\n", ("truth-list.several-labels", "line 3", "has 0")),
        ('casme2,"sub01,EP02_01f,1\n', ("truth-list.fields", "line 1", "set,subject,clip,label")),
    ],
)
def test_wrong_line_is_named(tmp_path: Path, text: str, error: tuple[str, ...]) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)
    with raises_code(*error):
        read_truth_list(path)

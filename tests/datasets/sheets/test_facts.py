import pytest

from datasets.casme2.constants import FACTS as CASME2
from datasets.samm.constants import FACTS as SAMM
from datasets.sheets.facts import COLUMN_ALIASES, SheetFacts
from datasets.smic.constants import FACTS as SMIC


@pytest.mark.parametrize(
    ("facts", "texts", "subject"),
    [
        (CASME2, ("1", "01", "1.0", "sub1", "Sub01"), "sub01"),
        (SMIC, ("1", "s1", "S01", "s001"), "s01"),
        (SAMM, ("6", "06", "006", "6.0"), "006"),
    ],
)
def test_every_spelling_of_a_subject_is_one_subject(
    facts: SheetFacts, texts: tuple[str, ...], subject: str
) -> None:
    assert {facts.parse_subject(text) for text in texts} == {subject}
    assert facts.parse_subject("x1") == ""


@pytest.mark.parametrize("facts", [CASME2, SMIC, SAMM], ids=lambda facts: facts.name)
def test_facts_fit_together(facts: SheetFacts) -> None:
    assert set(facts.default_classes) <= set(facts.classes)
    assert set(facts.example_paths) == set(facts.layouts)
    for scheme in facts.schemes.values():
        assert set(scheme.emotions) <= set(facts.classes)
        assert set(scheme.emotions.values()) == set(scheme.classes)


def test_a_sheet_may_lack_optional_columns_only() -> None:
    assert SAMM.columns == CASME2.columns == tuple(COLUMN_ALIASES)[:6]
    assert SMIC.columns == ("Subject", "Filename", "OnsetFrame", "OffsetFrame")
    assert SMIC.parse_emotion(" NE") == "negative"
    assert CASME2.parse_emotion("Other") == "others"

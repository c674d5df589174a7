from dataclasses import replace

import pytest

from reports.question import describe_question
from studies.arms import DESIGNS
from tests.reports.conftest import Factory

QUESTIONS = {
    "": "does proposed differ from the other networks in accuracy?",
    "ladder": "does each component, added to the rung before it, change the accuracy?",
    "leave-one-out": "lose without each of its components?",
    "add-one-in": "how much accuracy does each component alone add to",
    "factorial": "how much accuracy does each component add, over all combinations with the others?",
    "placebo": "does each component add more accuracy than as many parameters without it?",
}


@pytest.mark.parametrize("design", QUESTIONS)
def test_each_design_asks_its_own_question(factory: type[Factory], design: str) -> None:
    study = replace(factory.study("ablation" if design else "comparison"), design=design)
    text = describe_question(replace(study, metric="accuracy", margin=0.05))
    assert QUESTIONS[design] in text
    assert sum(question in text for question in QUESTIONS.values()) == 1
    assert text.endswith("Differences within ±5 points do not matter (the margin).")


def test_every_design_has_a_question(factory: type[Factory]) -> None:
    for design in DESIGNS:
        assert describe_question(replace(factory.study("ablation"), design=design)).startswith(
            "Question: on "
        )

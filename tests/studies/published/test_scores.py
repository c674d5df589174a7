from decimal import Decimal
from typing import get_args

import pytest

from datasets.megc2019.constants import NAME
from studies.published.scores import (
    SELECTION_ON_TEST,
    STATUS_MEANINGS,
    PublishedScore,
    SelectionRule,
    Status,
    get_official_counts,
    list_comparable_scores,
    load_published_scores,
    parse_repository_file,
)
from studies.scoring.claims import FULL

SCORES = load_published_scores()
VALUES = [score for score in SCORES if score.printed is not None]


def _get_values(method: str, scope: str) -> dict[str, PublishedScore]:
    return {score.metric: score for score in SCORES if (score.method, score.scope) == (method, scope)}


def test_rows_are_distinct_and_every_status_has_a_meaning() -> None:
    assert len({(score.method, score.scope, score.metric) for score in SCORES}) == len(SCORES) == 32
    assert set(STATUS_MEANINGS) == set(get_args(Status))
    assert {score.status for score in SCORES} == set(STATUS_MEANINGS)
    assert {score.selection_rule for score in SCORES} <= set(get_args(SelectionRule))


@pytest.mark.parametrize("score", SCORES, ids=lambda score: f"{score.method} {score.scope} {score.metric}")
def test_status_and_selection_rule_have_evidence(score: PublishedScore) -> None:
    if score.status != "unverifiable":
        assert score.evidence
        assert score.evidence.commit
        assert score.evidence.file
    else:
        assert score.recomputed is None
        assert score.evidence or score.remark
    if score.selection_rule != "not stated":
        source = score.selection_evidence or score.evidence
        assert source
        assert source.commit
        assert source.lines
    else:
        assert score.selection_evidence is None
    assert score.status != "selected on test" or score.selection_rule == SELECTION_ON_TEST


@pytest.mark.parametrize("score", VALUES, ids=lambda score: f"{score.method} {score.scope} {score.metric}")
def test_values_fit_their_status(score: PublishedScore) -> None:
    assert score.dataset == NAME
    assert score.metric in ("UF1", "UAR")
    assert 0 < (score.clips or 0) <= get_official_counts(score.scope).num_clips
    assert all(value is None or 0 <= value <= 1 for value in (score.printed, score.recomputed))
    match score.status:
        case "log scored again":
            assert score.recomputed == score.printed
            assert score.metric_in_truth == score.metric
        case "metric mislabelled":
            assert score.recomputed not in (None, score.printed)
            assert score.metric_in_truth not in (score.metric, "unknown", "")
        case _:
            assert score.recomputed is None


def test_comparable_values_come_from_logs_over_the_official_clips() -> None:
    assert [(score.method, score.metric) for score in list_comparable_scores(FULL)] == [
        ("STSTNet", "UF1"),
        ("STSTNet", "UAR"),
        ("STSTNet (Python port)", "UF1"),
        ("STSTNet (Python port)", "UAR"),
    ]
    assert [score.recomputed for score in list_comparable_scores("samm")] == [
        Decimal(".6588"),
        Decimal(".6415"),
    ]


def test_method_without_a_value_has_no_scope() -> None:
    methods = [score for score in SCORES if score.printed is None]
    assert [score.method for score in methods] == ["SKD-TSTSAN", "MMNet"]
    assert {(score.dataset, score.scope, score.clips, score.metric) for score in methods} == {
        ("", "", None, "")
    }


def test_ststnets_printed_uar_is_the_macro_precision_of_its_log() -> None:
    uar = _get_values("STSTNet", FULL)["UAR"]
    assert (uar.printed, uar.recomputed) == (Decimal(".7605"), Decimal(".7186"))
    assert (uar.metric_in_truth, uar.status) == ("macro precision", "metric mislabelled")


@pytest.mark.parametrize(
    "text",
    [
        "owner/a.name at 1afb56e: folder/a file.py, lines 3-14",
        "owner/name: images/a list, of clips.pdf",
    ],
)
def test_repository_file_is_written_as_it_is_read(text: str) -> None:
    file = parse_repository_file(text)
    assert file
    assert file.text == text


def test_parts_of_a_repository_file() -> None:
    file = parse_repository_file("owner/name at 1afb56e: folder/a file.py, lines 3-14")
    assert file
    assert (file.repository, file.commit, file.file, file.lines) == (
        "owner/name",
        "1afb56e",
        "folder/a file.py",
        "3-14",
    )
    assert parse_repository_file("") is None
    with pytest.raises(AssertionError, match="lines FIRST-LAST"):
        parse_repository_file("as quoted")

from dataclasses import replace

import pytest

from studies.scoring.claims import parse_claims
from studies.scoring.scored_table import compare_tables, score_table
from tests.error_codes import raises_code
from tests.studies.prediction_files.synthetic import make_predictions, make_table

PREDICTIONS = make_predictions()


def test_all_clips_and_every_set_have_official_counts() -> None:
    scored = score_table(make_table())

    assert [scope.title for scope in scored.scopes] == ["Full", "SMIC", "CASME II", "SAMM"]
    assert [scope.scores.num_samples for scope in scored.scopes] == [120, 40, 40, 40]
    assert [scope.num_subjects for scope in scored.scopes] == [24, 8, 8, 8]
    assert [scope.official.num_clips for scope in scored.scopes if scope.official] == [442, 164, 145, 133]
    assert not any(scope.has_official_counts for scope in scored.scopes)


def test_single_set_has_one_scope_that_a_claim_may_name() -> None:
    table = make_table([p for p in PREDICTIONS if p.dataset == "samm"])
    uf1 = score_table(table).scopes[0].values["UF1"]
    scored = score_table(table, claims=parse_claims([f"samm:UF1={uf1:.4f}", f"UF1={uf1:.4f}"]))

    assert [scope.title for scope in scored.scopes] == ["SAMM"]
    assert [claim.status for claim in scored.claims] == ["yes", "yes"]


def test_absent_class_is_excluded_from_means() -> None:
    without_surprise = [replace(p, truth=min(p.truth, 1)) for p in PREDICTIONS]
    (full, *_) = score_table(make_table(without_surprise)).scopes

    assert full.scores.absent_classes == (2,)
    recalls = [full.scores.per_class[c].recall for c in (0, 1)]
    assert full.values["UAR"] == pytest.approx(sum(recalls) / 2)


def test_other_sets_have_no_official_counts() -> None:
    table = make_table([replace(p, dataset="mmew") for p in PREDICTIONS])

    assert [scope.official for scope in score_table(table).scopes] == [None]


def test_difference_uses_common_clips_with_equal_labels() -> None:
    first, second = make_predictions(seed=0), make_predictions(seed=1)
    relabeled = replace(second[0], truth=(second[0].truth + 1) % 3)
    difference = compare_tables(make_table(first[:-2]), make_table([relabeled, *second[1:]], name="b.txt"))
    pairs = list(zip(first[1:-2], second[1:-2], strict=True))

    assert (difference.num_clips, difference.num_relabeled, difference.num_unpaired) == (117, 1, (0, 2))
    assert difference.wins == sum(
        p.truth != p.predicted_class and q.truth == q.predicted_class for p, q in pairs
    )
    estimate = difference.estimates["accuracy"]
    assert estimate
    assert estimate.value == pytest.approx((difference.wins - difference.losses) / 117)


def test_tables_without_a_common_clip_have_no_difference() -> None:
    other = make_table([replace(p, clip=f"#{n}") for n, p in enumerate(PREDICTIONS)], name="b.txt")
    with raises_code("paired-score.no-common-clip", "a.txt", "b.txt", 0):
        compare_tables(make_table(), other)

from pathlib import Path

import pytest

from datasets.splits import DEFAULT_FOLDS
from harness.data.leak_audit import LeakAudit, audit_splits, explain_fold_count
from harness.data.loading import DataRequest


def _audit(
    tree: Path, *protocols: str, folds: int | None = None, splits: int = 1, all_examples: bool = False
) -> LeakAudit:
    return audit_splits(
        DataRequest(dataset="casme2", root=tree, frames="onset_offset"),
        protocols=protocols,
        folds=folds,
        num_splits=splits,
        image_size=16,
        all_examples=all_examples,
    )


def test_frame_split_shares_clips_and_the_document_says_so(tree: Path) -> None:
    document = _audit(tree, "frame").to_dict()
    (split,) = document["splits"]
    assert (split["protocol"], split["split_seed"], split["fold"]) == ("frame", 0, 0)
    assert split["leakage"]["clip"] > 0
    assert "shared-clip" in {finding["code"] for finding in split["findings"]}


def test_every_seed_and_fold_of_a_protocol_is_audited(tree: Path) -> None:
    audit = _audit(tree, "subject", "kfold", folds=2, splits=2)
    assert [(split.protocol, split.seed, split.fold) for split, *_ in audit.splits] == [
        ("subject", 0, 0),
        ("subject", 1, 0),
        *(("kfold", seed, fold) for seed in (0, 1) for fold in (0, 1)),
    ]
    assert all(leakage.subject == 0 for _, leakage, _ in audit.splits)


def test_text_limits_the_examples_unless_all_are_requested(tree: Path) -> None:
    assert "which --all-examples lists" in _audit(tree, "frame").render_text()
    assert "which --all-examples lists" not in _audit(tree, "frame", all_examples=True).render_text()


@pytest.mark.parametrize(
    ("protocols", "folds", "splits", "message"),
    [
        (("frame",), None, 0, "--splits must be at least 1"),
        (("frame",), 3, 1, "--folds needs --protocol kfold"),
        (("kfold",), 99, 1, "99"),
    ],
)
def test_wrong_split_is_refused(
    tree: Path, protocols: tuple[str, ...], folds: int | None, splits: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        _audit(tree, *protocols, folds=folds, splits=splits)


@pytest.mark.parametrize(
    ("counts", "requested_folds", "has_note"),
    [
        ({"kfold": 4}, None, True),
        ({"kfold": 4}, 4, False),
        ({"kfold": DEFAULT_FOLDS}, None, False),
        ({"frame": 1}, None, False),
    ],
)
def test_fewer_folds_than_the_default_are_explained(
    counts: dict[str, int], requested_folds: int | None, has_note: bool
) -> None:
    assert bool(explain_fold_count(counts, requested_folds=requested_folds)) == has_note

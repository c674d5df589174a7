from dataclasses import replace

from datasets.megc2019.clip_names import ClipKey
from datasets.megc2019.truth_list import TrueClip
from studies.scoring.truth_comparison import compare_with_truth
from tests.studies.prediction_files.synthetic import make_predictions, make_table

PREDICTIONS = make_predictions(subjects=2, clips=2)
LIST: dict[ClipKey, TrueClip] = {
    p.key: TrueClip(dataset=p.dataset, subject=p.subject, clip=p.clip, label=p.truth) for p in PREDICTIONS
}


def test_clips_of_the_list_are_equal_in_any_spelling() -> None:
    variants = [replace(p, subject=p.subject.lstrip("0")) for p in PREDICTIONS]
    comparison = compare_with_truth(make_table(variants), LIST)

    assert comparison.is_equal
    assert comparison.num_listed == 12


def test_missing_unknown_and_relabeled_clips_are_named() -> None:
    first, second, *others = PREDICTIONS
    other_label = (first.truth + 1) % 3
    table = make_table([replace(first, truth=other_label), replace(second, clip="s01_09"), *others])
    comparison = compare_with_truth(table, LIST)

    assert comparison.missing == ("smic s01 s01_02",)
    assert comparison.unknown == ("smic s01 s01_09",)
    assert comparison.relabeled == (f"smic s01 s01_01: {other_label} instead of {first.truth}",)
    assert [p.truth for p in comparison.relabeled_predictions] == [first.truth, *(p.truth for p in others)]


def test_clips_without_names_are_compared_by_their_number() -> None:
    unnamed = [replace(p, clip=f"#{n}") for n, p in enumerate(PREDICTIONS)]
    table = replace(make_table(unnamed), has_clip_names=False)
    changed = replace(make_table([replace(unnamed[0], truth=2), *unnamed[1:]]), has_clip_names=False)
    comparison = compare_with_truth(changed, LIST)

    assert compare_with_truth(table, LIST).is_equal
    assert PREDICTIONS[0].truth != 2
    assert len(comparison.missing) == len(comparison.unknown) == 1
    assert comparison.unknown == ("smic 1: 1 surprise",)

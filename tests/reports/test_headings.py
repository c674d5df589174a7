from dataclasses import replace

from reports.headings import build_study_headings
from tests.reports.conftest import Factory


def test_different_studies_have_separate_headings(factory: type[Factory]) -> None:
    comparison, ablation = factory.study(), factory.study("ablation")

    assert build_study_headings([comparison, ablation, comparison]) == {
        comparison.name: "Comparison on CASME II (preset paper)",
        ablation.name: "Ablation on CASME II (preset paper, design ladder)",
    }


def test_equal_headings_add_their_differences(factory: type[Factory]) -> None:
    first = factory.study(protocols=("frame",))
    second = factory.study(protocols=("subject", "loso"), seeds=(0, 1))
    small = replace(first, dataset=replace(first.dataset, image_size=112))

    assert list(build_study_headings([first, second, small]).values()) == [
        "Comparison on CASME II (preset paper, under frame, seed 0, 224 px)",
        "Comparison on CASME II (preset paper, under subject and loso, seeds 0, 1, 224 px)",
        "Comparison on CASME II (preset paper, under frame, seed 0, 112 px)",
    ]


def test_training_counts_too(factory: type[Factory]) -> None:
    first = factory.study()
    longer = replace(first, training=replace(first.training, epochs=200))

    assert list(build_study_headings([first, longer]).values()) == [
        "Comparison on CASME II (preset paper, epochs 100)",
        "Comparison on CASME II (preset paper, epochs 200)",
    ]


def test_digest_distinguishes_equal_headings(factory: type[Factory]) -> None:
    first, other = factory.study(), replace(factory.study(), fingerprint="e" * 64)
    headings = build_study_headings([first, other])

    assert len(set(headings.values())) == 2
    assert all(text.endswith(f", {name[-6:]})") for name, text in headings.items())

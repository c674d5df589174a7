from dataclasses import replace

from reports.headings import build_headings
from tests.reports.conftest import Built


def test_studies_of_their_own_have_their_headline(built: type[Built]) -> None:
    comparison, ablation = built.study(), built.study("ablation")

    assert build_headings([comparison, ablation, comparison]) == {
        comparison.name: "Comparison on CASME II (preset paper)",
        ablation.name: "Ablation on CASME II (preset paper, design ladder)",
    }


def test_the_same_headline_is_told_apart_by_what_differs(built: type[Built]) -> None:
    first = built.study(protocols=("frame",))
    second = built.study(protocols=("subject", "loso"), seeds=(0, 1))
    small = replace(first, dataset=replace(first.dataset, image_size=112))

    assert list(build_headings([first, second, small]).values()) == [
        "Comparison on CASME II (preset paper, under frame, seed 0, 224 px)",
        "Comparison on CASME II (preset paper, under subject and loso, seeds 0, 1, 224 px)",
        "Comparison on CASME II (preset paper, under frame, seed 0, 112 px)",
    ]


def test_training_counts_too(built: type[Built]) -> None:
    first = built.study()
    longer = replace(first, training=replace(first.training, epochs=200))

    assert list(build_headings([first, longer]).values()) == [
        "Comparison on CASME II (preset paper, epochs 100)",
        "Comparison on CASME II (preset paper, epochs 200)",
    ]


def test_at_last_the_digest_tells_them_apart(built: type[Built]) -> None:
    first, other = built.study(), replace(built.study(), fingerprint="e" * 64)
    told = build_headings([first, other])

    assert len(set(told.values())) == 2
    assert all(text.endswith(f", {name[-6:]})") for name, text in told.items())

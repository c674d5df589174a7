from itertools import pairwise
from typing import Any

import pytest

from architectures.catalogue import CONTROLLED, LADDER
from reports.ablation import ablation_table, changes, rung_table
from reports.outcomes import outcomes


def test_what_a_rung_changes() -> None:
    assert changes(LADDER[0], LADDER[1]) == (("attention", "none → cbam"),)
    assert changes(LADDER[1], LADDER[2]) == (
        ("residual", "no → yes"),
        ("norm", "none → batch"),
        ("head", "vgg → gap"),
    )
    assert changes(LADDER[3], LADDER[4]) == (("activation", "relu → prelu"),)


def test_the_controlled_ladder_changes_one_thing_at_a_time() -> None:
    steps = [changes(a, b) for a, b in pairwise(CONTROLLED)]

    assert [len(step) for step in steps] == [1, 1, 1, 1]


def _ladder(built: Any, **kwargs: Any) -> Any:
    def choose(spec: Any) -> Any:
        weak = spec.architecture.name in ("vgg16", "vgg16+cbam")
        return built.run(spec, built.collapsed if weak else built.good)

    return outcomes(built.finish(built.study("ablation", **kwargs), choose))


def test_scores_and_changes_rung_by_rung(built: Any) -> None:
    table = ablation_table(_ladder(built))

    assert built.column(table, "Rung") == ["1", "2", "3", "4", "5"]
    assert built.column(table, "Accuracy") == ["33.33", "33.33", "86.67", "86.67", "86.67"]
    assert built.column(table, "Change") == ["–", "0.00", "+53.33", "0.00", "0.00"]
    assert built.column(table, "Recall (UAR)")[0] == "16.67"
    assert built.column(table, "Network")[:2] == ["vgg16 (collapsed)", "vgg16+cbam (collapsed)"]
    assert built.column(table, "Subject seen") == ["100.00"] * 5
    change = table.rows[2][table.header.index("Change")]
    assert change.value == pytest.approx(100 * 16 / 30)
    assert len(change.run_keys) == 2


def test_what_the_paper_gives_stands_in_the_rows_of_its_split(built: Any) -> None:
    table = ablation_table(_ladder(built, protocols=("frame", "subject")))

    assert built.column(table, "Paper: accuracy")[::2] == ["94.41", "–", "–", "–", "98.23"]
    assert built.column(table, "Paper: change")[::2] == ["–", "+3.2", "+2.8", "–", "–"]
    assert set(built.column(table, "Paper: accuracy")[1::2]) == {"–"}
    assert table.paper == ("Figure 16", "Figure 18")


@pytest.mark.parametrize("dataset", ["ckplus", "mine"])
def test_the_papers_ablation_is_on_casme2_alone(built: Any, dataset: str) -> None:
    table = ablation_table(_ladder(built, dataset=dataset))

    assert not [name for name in table.header if "Paper" in name]
    assert table.paper == ()


def test_a_missing_rung_leaves_its_changes_open(built: Any) -> None:
    def choose(spec: Any) -> Any:
        return "no memory" if spec.architecture.name == "vgg16+cbam" else built.run(spec)

    found = outcomes(built.finish(built.study("ablation"), choose))

    assert built.column(ablation_table(found), "Accuracy")[1] == "failed"
    assert built.column(ablation_table(found), "Change") == ["–", "–", "–", "0.00", "0.00"]
    assert built.column(rung_table(found), "Parameters")[1] == "not run"


def test_rungs_tell_what_changed_and_what_it_costs(built: Any) -> None:
    table = rung_table(_ladder(built))

    assert built.column(table, "Changed")[0] == "–"
    assert built.column(table, "Changed")[3] == "convolution: standard → separable"
    assert built.column(table, "Elementwise") == ["150"] * 5
    assert built.column(table, "Multiply-adds")[0] == "5,000,000"
    assert built.column(table, "Network")[0] == "vgg16 (collapsed under frame)"

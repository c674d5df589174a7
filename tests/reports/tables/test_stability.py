from dataclasses import replace
from typing import Any

from reports.outcomes import StudyEvaluation, evaluate_study
from reports.tables.stability import build_stability_table, rank_networks
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory

# By network and seed, one letter per clip: "r" is correct.
CORRECTNESS = {
    "vgg16": ("rrrr", "rwrw", "wwww"),
    "proposed": ("rrrw", "rrrw", "rrrw"),
}


def _run_from_letters(factory: type[Factory], spec: RunSpec, letters: str) -> RunResult:
    return factory.run_from_correctness(spec, [letter == "r" for letter in letters], subjects=2)


def _study(factory: type[Factory], choose: Any, **more: Any) -> StudyEvaluation:
    return evaluate_study(
        factory.finish(factory.study(**{"seeds": (0, 1, 2), "protocols": ("kfold",), **more}), choose)
    )


def _study_of_three_seeds(factory: type[Factory]) -> StudyEvaluation:
    return _study(
        factory, lambda spec: _run_from_letters(factory, spec, CORRECTNESS[spec.architecture.name][spec.seed])
    )


def test_changes_deviation_and_ranks_of_three_seeds(factory: type[Factory]) -> None:
    table = build_stability_table(_study_of_three_seeds(factory))

    # vgg16: every clip changes; accuracies 1, 1/2, 0. proposed: none changes; 3/4 three times.
    assert table is not None
    assert [[factory.replace_no_break_spaces(cell.text) for cell in row] for row in table.rows] == [
        [
            *("vgg16", "kfold", "4 clips × 3 seeds", "4", "100.00", "50.00"),
            *("1.67", "1 of 3", "0.00", "0.00"),
        ],
        [
            *("proposed", "kfold", "4 clips × 3 seeds", "4", "0.00", "0.00"),
            *("1.33", "2 of 3", "0.00", "0.00"),
        ],
    ]
    assert "Under kfold, 3 seeds give 2 different rankings of 2 networks." in table.notes
    assert "Best mean rank under kfold: proposed (first in 2 of 3 seeds)." in table.notes
    assert not any("test sets," in note for note in table.notes)


def test_ranks_have_run_keys_of_all_networks(factory: type[Factory]) -> None:
    table = build_stability_table(_study_of_three_seeds(factory))

    assert table is not None
    first, second = (row[table.header.index("Mean rank")].run_keys for row in table.rows)
    assert first == second
    assert len(set(first)) == 6


def test_one_ranking_in_all_seeds(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return _run_from_letters(factory, spec, "rrrr" if spec.architecture.name == "proposed" else "rrrw")

    table = build_stability_table(_study(factory, choose))

    assert table is not None
    assert "Under kfold, 3 seeds give the same ranking of 2 networks." in table.notes


def test_seeds_that_tested_different_units_are_not_compared(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        run = _run_from_letters(factory, spec, CORRECTNESS[spec.architecture.name][spec.seed])
        return replace(
            run,
            predictions=tuple(
                replace(p, id=f"{spec.seed}/{p.id}", clip=f"{spec.seed}/{p.clip}") for p in run.predictions
            ),
        )

    table = build_stability_table(_study(factory, choose))

    assert table is not None
    for name in ("Units compared", "Class changes, %", "SD of accuracy, points"):
        assert factory.column(table, name) == ["–", "–"]
    assert factory.column(table, "Seeds ranked first") == ["1 of 3", "2 of 3"]
    assert "Under kfold, the seeds have 3 test sets, so rankings depend on them too." in table.notes
    assert "Under kfold, no two seeds of a network have the same test units: there is no SD." in table.notes


def test_ranks_use_the_seeds_that_all_networks_have_finished(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult | str:
        name = spec.architecture.name
        if (name, spec.seed) == ("proposed", 0):
            return "no memory"
        return _run_from_letters(factory, spec, CORRECTNESS[name][spec.seed])

    study = _study(factory, choose)
    ranking = rank_networks(study, "kfold")

    # Only seeds 1 and 2, in which proposed has 3 correct, and vgg16 has 2 and 0.
    assert ranking is not None
    assert ranking.ranks == ((2, 1), (2, 1))


def test_separately_tuned_networks_share_a_ranking(factory: type[Factory]) -> None:
    study = _study_of_three_seeds(factory)
    rows = tuple(
        replace(
            row,
            trainings=tuple(
                replace(
                    seed,
                    runs=tuple(
                        replace(
                            run,
                            spec=replace(run.spec, training=replace(run.spec.training, gamma=float(index))),
                        )
                        for run in seed.runs
                    ),
                )
                for seed in row.trainings
            ),
        )
        for index, row in enumerate(study.outcomes)
    )

    assert rank_networks(replace(study, outcomes=rows), "kfold") == rank_networks(study, "kfold")


def test_network_without_results_is_not_ranked(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult | None:
        return _run_from_letters(factory, spec, "rrrw") if spec.architecture.name == "vgg16" else None

    table = build_stability_table(_study(factory, choose))

    assert table is not None
    assert factory.column(table, "Mean rank") == ["–", "–"]
    assert factory.column(table, "Units compared") == ["4", "–"]
    assert not any("rank" in note for note in table.notes)


def test_one_seed_has_no_stability(factory: type[Factory]) -> None:
    assert build_stability_table(_study(factory, factory.run, seeds=(0,))) is None
    assert (
        build_stability_table(_study(factory, lambda spec: factory.run(spec) if spec.seed == 0 else None))
        is None
    )
    assert rank_networks(_study(factory, lambda spec: None), "kfold") is None

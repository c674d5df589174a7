from dataclasses import replace
from typing import Any

import pytest

from reports.claim_checks import CHECKS
from reports.claims import FACELESS, claim_table, claims_in_words
from reports.convergence import convergence
from reports.outcomes import outcomes
from studies.arms import ablation
from studies.claims import CLAIMS
from studies.results import Epoch

ORDER = ("vgg16", "vgg16+cbam", "vgg16+cbam+residual", "vgg16+cbam+residual+separable", "proposed")


def _ladder(built: Any, right: Any, *, design: str = "ladder", protocol: str = "frame") -> Any:
    """A ladder on CASME II whose rung r answers clip n, 0..9, of each of 20 subjects right if right(r, n)."""
    base = built.study("ablation", protocols=(protocol,))
    study = replace(base, design=design, arms=ablation(design))
    names = [arm.name for arm in study.arms]

    def choose(spec: Any) -> Any:
        rung = names.index(spec.architecture.name)
        return built.answered(spec, [right(rung, clip // 20) for clip in range(200)], subjects=20)

    return outcomes(built.finish(study, choose))


def test_every_claim_has_a_check() -> None:
    assert list(CHECKS) == [claim.id for claim in CLAIMS]


def test_the_ladder_is_reproduced_only_if_every_step_is_better(built: Any) -> None:
    rising = _ladder(built, lambda rung, n: n < 3 + rung)
    assert CHECKS["ladder"]([rising], "frame").word == "reproduced"
    assert CHECKS["prelu-best"]([rising], "frame").word == "reproduced"
    level = _ladder(built, lambda rung, n: n < 3 + min(rung, 3))
    assert CHECKS["ladder"]([level], "frame").word == "undecidable at this n"
    falling = _ladder(built, lambda rung, n: n < 3 + rung - 2 * (rung == 4))
    assert CHECKS["ladder"]([falling], "frame").word == "not reproduced"
    assert CHECKS["prelu-best"]([falling], "frame").word == "not reproduced"
    assert CHECKS["ladder"]([rising], "subject").word == "not testable here"


@pytest.mark.parametrize(
    ("step", "word"), [(1, "not reproduced"), (0, "not reproduced"), (5, "not reproduced")]
)
def test_a_gain_is_judged_by_whether_its_interval_holds_the_papers(built: Any, step: int, word: str) -> None:
    study = _ladder(built, lambda rung, n: n < 3 + step * (rung > 0), design="controlled")
    assert CHECKS["cbam-gain"]([study], "frame").word == word


def test_a_gain_near_the_papers_is_reproduced_and_one_that_may_be_nothing_is_undecidable(built: Any) -> None:
    def study(better: int, worse: int) -> Any:
        base = built.study("ablation", protocols=("frame",))
        controlled = replace(base, design="controlled", arms=ablation("controlled"))

        def choose(spec: Any) -> Any:
            foot = spec.architecture.name == "vgg16-bn-gap"
            won = [subject < better for subject in range(40)]
            lost = [40 - worse <= subject for subject in range(40)]
            right = [
                not (foot and won[c % 40]) and (foot or not lost[c % 40]) if c < 40 else True
                for c in range(600)
            ]
            return built.answered(spec, right, subjects=40)

        return outcomes(built.finish(controlled, choose))

    sure, unsure = study(better=20, worse=0), study(better=19, worse=10)
    assert CHECKS["cbam-gain"]([sure], "frame").ours.startswith("+3.33 points")
    assert CHECKS["cbam-gain"]([sure], "frame").word == "reproduced"
    assert CHECKS["cbam-gain"]([unsure], "frame").word == "undecidable at this n"


def test_sizes_are_counted_and_the_first_block_is_worked_out(built: Any) -> None:
    assert CHECKS["size"]([], "frame").ours == "9.05 MiB, 1.77 %"
    assert CHECKS["size"]([], "frame").word == "reproduced"
    assert CHECKS["size-vgg"]([], "frame").ours == "138,357,544"
    assert CHECKS["cost-block1"]([], "frame").word == "not reproduced"


def test_the_papers_accuracy_is_held_against_ours_at_its_own_settings_alone(built: Any) -> None:
    def at(correct: int, *, width: float = 1.0) -> str:
        study = built.study(only=("proposed",), width=width)
        right = [clip < correct for clip in range(1074)]
        done = built.finish(study, lambda spec: built.answered(spec, right, subjects=24))
        return str(CHECKS["acc-casme2"]([outcomes(done)], "frame").word)

    assert at(1055) == "reproduced"
    assert at(900) == "not reproduced"
    assert at(1055, width=0.5) == "not testable here"


def test_an_accuracy_whose_leaks_are_unknown_says_so(built: Any) -> None:
    study = built.study(dataset="ckplus", only=("proposed",))
    found = outcomes(built.finish(study, lambda spec: built.nameless(built.run(spec), "clip", "subject")))
    told = CHECKS["acc-ckplus"]([found], "frame")
    assert told.ours.endswith("(clip seen unknown, subject seen unknown)")


def test_convergence_counts_epochs_to_95_percent_and_falls_alone() -> None:
    def curve(*values: float) -> list[Epoch]:
        return [
            Epoch(
                number=n,
                train_loss=1,
                train_accuracy=0,
                validation_loss=1,
                validation_accuracy=value,
                seconds=1,
            )
            for n, value in enumerate(values, start=1)
        ]

    assert convergence(curve(0.2, 0.96, 1.0)).epochs == 2
    assert convergence(curve(0.2, 0.6, 1.0)).roughness == 0
    assert convergence(curve(0.5, 0.3, 0.6)).roughness == pytest.approx(0.1)


def test_the_table_has_the_claims_that_the_runs_bear_on_and_names_the_rest_for_the_papers_sets_only(
    built: Any,
) -> None:
    table = claim_table([_ladder(built, lambda rung, n: n < 3 + rung, protocol="loso")])
    assert table is not None
    told = built.column(table, "Claim")
    assert told == ["acc-casme2", "size", "cost-block1", "ladder", "separable-free", "prelu-best", "size-vgg"]
    left = next(note for note in table.notes if "say nothing of" in note)
    assert all(claim.id in told or claim.id in left for claim in CLAIMS)
    verdicts = dict(zip(told, built.column(table, "Verdict, loso"), strict=True))
    assert verdicts["ladder"] == "reproduced"
    drawn = outcomes(built.finish(built.study(dataset="synthetic")))
    assert claim_table([drawn]) is None


def test_drawn_faces_show_their_numbers_and_decide_nothing_about_faces(built: Any) -> None:
    def choose(spec: Any) -> Any:
        run = built.answered(spec, [True] * 200, subjects=20)
        return replace(run, data=replace(run.data, drawn=True))

    base = built.study("ablation", protocols=("frame",))
    drawn_faces = outcomes(built.finish(base, choose))
    table = claim_table([drawn_faces])
    assert table is not None
    verdicts = dict(zip(built.column(table, "Claim"), built.column(table, "Verdict, frame"), strict=True))
    assert verdicts["size"] == "reproduced"
    assert {word for claim, word in verdicts.items() if claim not in FACELESS} == {"not testable here"}
    ours = dict(zip(built.column(table, "Claim"), built.column(table, "Ours, frame"), strict=True))
    assert ours["acc-casme2"].startswith("100.00 %")
    assert any(note.endswith(": the faces are drawn.") for note in table.notes)

    real = _ladder(built, lambda rung, n: n < 3 + rung)
    both = claim_table([drawn_faces, real])
    assert both is not None
    place = built.column(both, "Claim").index("ladder")
    assert built.column(both, "Verdict, frame")[place] == "reproduced"


def test_the_verdicts_are_counted_in_words(built: Any) -> None:
    (told,) = claims_in_words([_ladder(built, lambda rung, n: n < 3 + rung)])
    assert told.startswith("On the paper's own split, frame: of 17 claims ")
    assert "reproduced (size, ladder, " in told
    assert claims_in_words([outcomes(built.finish(built.study(dataset="synthetic")))]) == ()


def _converging(built: Any, curves: Any, *, seeds: int = 3, protocol: str = "subject") -> Any:
    """VGG16, AlexNet and the proposal with curves(network, seed) of validation; None: no such run."""
    names = ("vgg16", "alexnet", "proposed")
    study = built.study(only=names, protocols=(protocol,), seeds=tuple(range(seeds)))

    def choose(spec: Any) -> Any:
        curve = curves(spec.architecture.name, spec.seed)
        if curve is None:
            return None
        run = built.run(spec, built.collapsed if len(set(curve)) == 1 else built.good)
        first = run.history[0]
        epochs = [replace(first, number=n, validation_accuracy=a) for n, a in enumerate(curve, start=1)]
        return replace(run, history=tuple(epochs))

    return CHECKS["converges"]([outcomes(built.finish(study, choose))], protocol)


FAST, SLOW, LEVEL = (0.5, 0.9, 0.9), (0.5, 0.3, 0.9), (0.2, 0.2, 0.2)


def test_convergence_is_compared_seed_by_seed(built: Any) -> None:
    faster = _converging(built, lambda name, seed: FAST if name == "proposed" else SLOW)
    assert (faster.word, faster.why) == ("reproduced", "faster and smoother in 6 of 6 pairs of runs")
    slower = _converging(built, lambda name, seed: SLOW if name == "proposed" else FAST)
    assert slower.word == "not reproduced"

    def by_seed(name: str, seed: int) -> Any:
        # Every seed has a pace of its own, and the proposal lacks the first.
        if name == "proposed":
            return None if seed == 0 else FAST
        return FAST if seed == 0 else SLOW

    paired = _converging(built, by_seed, seeds=4)
    assert (paired.word, paired.why) == ("reproduced", "faster and smoother in 6 of 6 pairs of runs")
    few = _converging(built, by_seed, seeds=3)
    assert (few.word, few.why) == ("undecidable at this n", "fewer than 3 runs of each")


def test_what_never_learned_did_not_converge_first(built: Any) -> None:
    found = _converging(built, lambda name, seed: {"proposed": FAST, "vgg16": LEVEL, "alexnet": SLOW}[name])
    assert found.word == "undecidable at this n"
    assert found.why.startswith("vgg16 collapsed")
    once = _converging(
        built,
        lambda name, seed: FAST if name == "proposed" else LEVEL if seed == 3 else SLOW,
        seeds=4,
    )
    assert (once.word, once.why) == ("reproduced", "faster and smoother in 6 of 6 pairs of runs")


def test_a_ladder_in_another_order_or_without_a_rung_says_nothing_of_the_papers_steps(built: Any) -> None:
    def found(order: tuple[str, ...] = (), missing: str = "") -> str:
        base = built.study("ablation", protocols=("frame",))
        study = replace(base, design="controlled", arms=ablation("controlled", order=order))

        def choose(spec: Any) -> Any:
            if spec.architecture.name == missing:
                return None
            return built.answered(spec, [True] * 200, subjects=20)

        return str(CHECKS["cbam-gain"]([outcomes(built.finish(study, choose))], "frame").word)

    assert found() == "not reproduced"
    assert found(order=("residual", "cbam", "separable", "prelu")) == "not testable here"
    assert found(missing="vgg16-bn-gap+cbam") == "not testable here"


def test_several_seeds_are_held_against_the_paper_together(built: Any) -> None:
    study = built.study(only=("proposed",), seeds=(0, 1, 2))
    correct = {0: 1055, 1: 900, 2: 900}

    def choose(spec: Any) -> Any:
        return built.answered(spec, [clip < correct[spec.seed] for clip in range(1074)], subjects=24)

    found = CHECKS["acc-casme2"]([outcomes(built.finish(study, choose))], "frame")
    assert found.ours.startswith("88.61 %")
    assert found.word == "not reproduced"

from collections.abc import Callable

from reports.claims.catalogue import CLAIMS, Claim
from reports.claims.rules import ClaimResult, EqualityRule, Measurement, make_not_testable_result


def _build_claim(measure: Callable[..., Measurement[str] | ClaimResult]) -> Claim[str]:
    return Claim(
        id="size",
        text="size",
        measure=measure,
        rule=EqualityRule(paper_value="9.05 MB"),
        paper_value="9.05 MB",
    )


def test_ids_are_unique() -> None:
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS) == 17


def test_claims_of_sizes_costs_and_times_use_no_faces() -> None:
    assert {claim.id for claim in CLAIMS if not claim.uses_faces} == {
        "size",
        "size-vgg",
        "cost-block1",
        "real-time",
    }


def test_every_claim_is_not_testable_or_measured_without_runs() -> None:
    verdicts = {claim.id: claim.judge((), "frame").verdict for claim in CLAIMS}
    assert {id for id, verdict in verdicts.items() if verdict != "not testable here"} == {
        "size-vgg",
        "cost-block1",
    }


def test_rule_judges_a_measurement() -> None:
    claim = _build_claim(lambda evaluations, protocol: Measurement(text="9.05 MB", items=("9.05 MB",)))
    assert claim.judge((), "frame").verdict == "reproduced"


def test_result_of_the_measure_is_final() -> None:
    result = make_not_testable_result("no run")
    assert _build_claim(lambda evaluations, protocol: result).judge((), "frame") is result

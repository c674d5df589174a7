"""The paper's claims: the printed number, the measure and the rule of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from reports.claims import behavior_measures, score_measures
from reports.claims.rules import (
    ClaimResult,
    EqualityRule,
    IntervalRule,
    Item,
    Measurement,
    NonInferiorityRule,
    Rule,
    SignTestRule,
    SuperiorityRule,
    UpperLimitRule,
)
from reports.outcomes import StudyEvaluation

PAPER_SIZE, PAPER_VGG_SIZE = "9.05 MB, 1.77 %", "1.38 × 10^8"
PAPER_BLOCK_COST = "463,371,520 → 14,166,144, 96.94 % saved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Generic[Item]):
    """One claim of the paper.

    `paper_value` is the number as printed, "" if the paper prints none. `uses_faces` is True if the
    measurement depends on the test images.
    """

    id: str
    text: str
    measure: Callable[[Sequence[StudyEvaluation], str], Measurement[Item] | ClaimResult]
    rule: Rule[Item]
    paper_value: str = ""
    uses_faces: bool = True

    def judge(self, evaluations: Sequence[StudyEvaluation], protocol: str) -> ClaimResult:
        """Judge the claim by the runs of these studies under one protocol."""
        measurement = self.measure(evaluations, protocol)
        return measurement if isinstance(measurement, ClaimResult) else self.rule.judge(measurement)


CLAIMS: tuple[Claim[Any], ...] = (
    Claim(
        id="acc-ckplus",
        text="accuracy and F1 on CK+",
        paper_value="94.90 %, 93.23 %",
        measure=score_measures.make_score_measure("ckplus"),
        rule=IntervalRule(combination="every"),
    ),
    Claim(
        id="acc-casme2",
        text="accuracy and F1 on CASME II",
        paper_value="98.23 %, 98.69 %",
        measure=score_measures.make_score_measure("casme2"),
        rule=IntervalRule(combination="every"),
    ),
    Claim(
        id="best-ckplus",
        text="better than all six others on CK+",
        paper_value="94.90 % against 93.88 %",
        measure=score_measures.make_comparison_measure("ckplus"),
        rule=SuperiorityRule(combination="every"),
    ),
    Claim(
        id="best-casme2",
        text="better than all six others on CASME II",
        paper_value="98.23 % against 98.14 %",
        measure=score_measures.make_comparison_measure("casme2"),
        rule=SuperiorityRule(combination="every"),
    ),
    Claim(
        id="size",
        text="size of the proposed network, and as a share of VGG16",
        paper_value=PAPER_SIZE,
        measure=score_measures.measure_size,
        rule=EqualityRule(paper_value=PAPER_SIZE, derivation_reason="the block was derived from this number"),
        uses_faces=False,
    ),
    Claim(
        id="cost-block1",
        text="multiplications in the first block, standard and separable",
        paper_value=PAPER_BLOCK_COST,
        measure=score_measures.measure_block_cost,
        rule=EqualityRule(paper_value=PAPER_BLOCK_COST),
        uses_faces=False,
    ),
    Claim(
        id="ladder",
        text="accuracy rises at every step from VGG16 to the proposed network",
        measure=score_measures.measure_ladder,
        rule=SuperiorityRule(combination="every"),
    ),
    Claim(
        id="cbam-gain",
        text="points of accuracy that CBAM adds",
        paper_value="+3.2 points",
        measure=score_measures.make_gain_measure("attention", rung=0),
        rule=IntervalRule(),
    ),
    Claim(
        id="residual-gain",
        text="points of accuracy that the skip connections add",
        paper_value="+2.8 points",
        measure=score_measures.make_gain_measure("residual", rung=1),
        rule=IntervalRule(),
    ),
    Claim(
        id="separable-free",
        text="separable convolutions save the cost and keep the gain",
        measure=score_measures.measure_separable,
        rule=NonInferiorityRule(),
    ),
    Claim(
        id="prelu-best",
        text="PReLU on top is the best of the five",
        paper_value="98.23 %",
        measure=score_measures.measure_prelu,
        rule=SuperiorityRule(combination="every"),
    ),
    Claim(
        id="converges",
        text="faster and smoother convergence than VGG16 and AlexNet",
        measure=behavior_measures.measure_convergence,
        rule=SignTestRule(combination="agree"),
    ),
    Claim(
        id="real-time",
        text="fit for real-time recognition on video",
        measure=behavior_measures.measure_latency,
        rule=UpperLimitRule(),
        uses_faces=False,
    ),
    Claim(
        id="robust",
        text="CBAM suppresses interference from pose and illumination",
        measure=behavior_measures.measure_robustness,
        rule=SuperiorityRule(combination="agree"),
    ),
    Claim(
        id="gradients",
        text="skip connections alleviate vanishing gradients",
        measure=behavior_measures.measure_gradients,
        rule=SignTestRule(combination="agree"),
    ),
    Claim(
        id="imbalance",
        text="focal loss keeps the recall of rare classes up",
        measure=behavior_measures.measure_imbalance,
        rule=SuperiorityRule(combination="agree"),
    ),
    Claim(
        id="size-vgg",
        text="parameters of VGG16 at 1000 classes",
        paper_value=PAPER_VGG_SIZE,
        measure=score_measures.measure_vgg_size,
        rule=EqualityRule(paper_value=PAPER_VGG_SIZE),
        uses_faces=False,
    ),
)

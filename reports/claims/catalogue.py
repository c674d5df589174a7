"""The paper's claims: for each, the printed number, the measure of the runs and the rule that judges it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from reports.claims import behaviors, measures
from reports.claims.rules import (
    AtMost,
    Better,
    ClaimResult,
    Exact,
    HoldsPrinted,
    Item,
    Measurement,
    NotWorse,
    Rule,
    SignTest,
)
from reports.outcomes import Outcomes

SIZE, VGG_SIZE = "9.05 MB, 1.77 %", "1.38 × 10^8"
BLOCK_COST = "463,371,520 → 14,166,144, 96.94 % saved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Generic[Item]):
    """One claim: `paper` is its number as printed, "" where it has none.

    `uses_faces`: the measurement depends on the images that were tested.
    """

    id: str
    text: str
    measure: Callable[[Sequence[Outcomes], str], Measurement[Item] | ClaimResult]
    rule: Rule[Item]
    paper: str = ""
    uses_faces: bool = True

    def judge(self, studies: Sequence[Outcomes], protocol: str) -> ClaimResult:
        """Judge the claim by the runs of these studies under one protocol."""
        measured = self.measure(studies, protocol)
        return measured if isinstance(measured, ClaimResult) else self.rule.judge(measured)


CLAIMS: tuple[Claim[Any], ...] = (
    Claim(
        id="acc-ckplus",
        text="accuracy and F1 on CK+",
        paper="94.90 %, 93.23 %",
        measure=measures.measure_scores("ckplus"),
        rule=HoldsPrinted(combination="every"),
    ),
    Claim(
        id="acc-casme2",
        text="accuracy and F1 on CASME II",
        paper="98.23 %, 98.69 %",
        measure=measures.measure_scores("casme2"),
        rule=HoldsPrinted(combination="every"),
    ),
    Claim(
        id="best-ckplus",
        text="better than all six others on CK+",
        paper="94.90 % against 93.88 %",
        measure=measures.measure_comparison("ckplus"),
        rule=Better(combination="every"),
    ),
    Claim(
        id="best-casme2",
        text="better than all six others on CASME II",
        paper="98.23 % against 98.14 %",
        measure=measures.measure_comparison("casme2"),
        rule=Better(combination="every"),
    ),
    Claim(
        id="size",
        text="size of the proposed network, and as a share of VGG16",
        paper=SIZE,
        measure=measures.measure_size,
        rule=Exact(printed=SIZE, derived="the block was derived from this number"),
        uses_faces=False,
    ),
    Claim(
        id="cost-block1",
        text="multiplications in the first block, standard and separable",
        paper=BLOCK_COST,
        measure=measures.measure_block_cost,
        rule=Exact(printed=BLOCK_COST),
        uses_faces=False,
    ),
    Claim(
        id="ladder",
        text="accuracy rises at every step from VGG16 to the proposed network",
        measure=measures.measure_ladder,
        rule=Better(combination="every"),
    ),
    Claim(
        id="cbam-gain",
        text="points of accuracy that CBAM adds",
        paper="+3.2 points",
        measure=measures.measure_gain("attention", rung=0),
        rule=HoldsPrinted(),
    ),
    Claim(
        id="residual-gain",
        text="points of accuracy that the skip connections add",
        paper="+2.8 points",
        measure=measures.measure_gain("residual", rung=1),
        rule=HoldsPrinted(),
    ),
    Claim(
        id="separable-free",
        text="separable convolutions save the cost and keep the gain",
        measure=measures.measure_separable,
        rule=NotWorse(),
    ),
    Claim(
        id="prelu-best",
        text="PReLU on top is the best of the five",
        paper="98.23 %",
        measure=measures.measure_prelu,
        rule=Better(combination="every"),
    ),
    Claim(
        id="converges",
        text="faster and smoother convergence than VGG16 and AlexNet",
        measure=behaviors.measure_convergence,
        rule=SignTest(combination="agree"),
    ),
    Claim(
        id="real-time",
        text="fit for real-time recognition on video",
        measure=behaviors.measure_latency,
        rule=AtMost(),
        uses_faces=False,
    ),
    Claim(
        id="robust",
        text="CBAM suppresses interference from pose and illumination",
        measure=behaviors.measure_robustness,
        rule=Better(combination="agree"),
    ),
    Claim(
        id="gradients",
        text="skip connections alleviate vanishing gradients",
        measure=behaviors.measure_gradients,
        rule=SignTest(combination="agree"),
    ),
    Claim(
        id="imbalance",
        text="focal loss keeps the recall of rare classes up",
        measure=behaviors.measure_imbalance,
        rule=Better(combination="agree"),
    ),
    Claim(
        id="size-vgg",
        text="parameters of VGG16 at 1000 classes",
        paper=VGG_SIZE,
        measure=measures.measure_vgg_size,
        rule=Exact(printed=VGG_SIZE),
        uses_faces=False,
    ),
)

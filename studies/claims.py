"""What the paper claims, one value a claim: what it says, and the number that it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Word = Literal["reproduced", "not reproduced", "undecidable at this n", "not testable here"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One claim by its id; `paper` is its number as printed, "" where it gives none."""

    id: str
    text: str
    paper: str = ""


CLAIMS = (
    Claim(id="acc-ckplus", text="accuracy and F1 on CK+", paper="94.90 %, 93.23 %"),
    Claim(id="acc-casme2", text="accuracy and F1 on CASME II", paper="98.23 %, 98.69 %"),
    Claim(id="best-ckplus", text="better than all six others on CK+", paper="94.90 % against 93.88 %"),
    Claim(id="best-casme2", text="better than all six others on CASME II", paper="98.23 % against 98.14 %"),
    Claim(id="size", text="size of the proposed network, and as a share of VGG16", paper="9.05 MB, 1.77 %"),
    Claim(
        id="cost-block1",
        text="multiplications in the first block, standard and separable",
        paper="463,371,520 → 14,166,144, 96.94 % saved",
    ),
    Claim(id="ladder", text="accuracy rises at every step from VGG16 to the proposed network"),
    Claim(id="cbam-gain", text="what CBAM adds", paper="+3.2 points"),
    Claim(id="residual-gain", text="what the skip connections add", paper="+2.8 points"),
    Claim(id="separable-free", text="separable convolutions save the cost and keep the gain"),
    Claim(id="prelu-best", text="PReLU on top is the best of the five", paper="98.23 %"),
    Claim(id="converges", text="faster and smoother convergence than VGG16 and AlexNet"),
    Claim(id="real-time", text="fit for real-time recognition on video"),
    Claim(id="robust", text="CBAM suppresses interference from pose and illumination"),
    Claim(id="gradients", text="skip connections alleviate vanishing gradients"),
    Claim(id="imbalance", text="focal loss keeps rare classes up"),
    Claim(id="size-vgg", text="parameters of VGG16 at 1000 classes", paper="1.38 × 10^8"),
)

"""The paper's published numbers, digit for digit: Tables 2 to 6, and a list of its tables and figures.

Zhang, Liang, Shi, Li: "Robust Micro-expression Recognition Based on Fused Optimized VGG16 Architecture".
Networks and data sets have the names of the catalogues, classes those of the data sets. For the ablation
(figures 16 to 18) the text states only the first and the last accuracy, which are those of Table 6, and two
gains. "Section 3.1" is listed with the tables because it prints counts. The numbers of the figures are our
reading of the paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from datasets.casme2.constants import PAPER_FRAME_COUNTS
from studies.metrics import ClassCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedScores:
    """A row of Table 4 or 6: percentages, and the size in MiB as float32, which the paper calls MB."""

    accuracy: Decimal
    precision: Decimal
    recall: Decimal
    f1: Decimal
    mib: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedClass:
    """A row of Table 3 or 5: the printed class, the class that its counts match, counts and percentages.

    `label` is our reading: the rows match Table 2 if they are in alphabetical order of the class folders. The
    printed names do not match it.
    """

    printed_label: str
    label: str
    counts: ClassCounts
    accuracy: Decimal
    precision: Decimal
    recall: Decimal
    f1: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedDataset:
    """All published numbers about one data set, and the numbers of the paper's tables and figures about it.

    `frame_policy` is the frame policy that reproduces the paper's choice of frames.
    """

    dataset: str
    title: str
    frame_policy: str
    samples_per_class: Mapping[str, int]
    stated_total: int
    per_class: tuple[PublishedClass, ...]
    scores: Mapping[str, PublishedScores]
    samples_figure: str
    per_class_table: str
    comparison_table: str
    confusion_figure: str
    accuracy_figure: str
    loss_figure: str


def _parse_scores(text: str) -> dict[str, PublishedScores]:
    rows = {}
    for line in text.split("\n"):
        name, accuracy, precision, recall, f1, mib = line.split()
        rows[name] = PublishedScores(
            accuracy=Decimal(accuracy),
            precision=Decimal(precision),
            recall=Decimal(recall),
            f1=Decimal(f1),
            mib=Decimal(mib),
        )
    return rows


def _parse_classes(text: str) -> tuple[PublishedClass, ...]:
    rows = []
    for line in text.split("\n"):
        printed_label, label, counts, percentages = (part.strip() for part in line.split("|"))
        tp, tn, fp, fn = map(int, counts.split())
        accuracy, precision, recall, f1 = map(Decimal, percentages.split())
        row = PublishedClass(
            printed_label=printed_label,
            label=label,
            counts=ClassCounts(tp=tp, tn=tn, fp=fp, fn=fn),
            accuracy=accuracy,
            precision=precision,
            recall=recall,
            f1=f1,
        )
        rows.append(row)
    return tuple(rows)


_CKPLUS = PublishedDataset(
    dataset="ckplus",
    title="CK+",
    frame_policy="last3",
    samples_per_class={
        "happy": 206,
        "sadness": 84,
        "surprise": 249,
        "fear": 75,
        "disgust": 177,
        "anger": 135,
    },
    stated_total=720,
    per_class=_parse_classes("""\
Disgust   | anger    | 12 83 1 2 | 96.94 92.31 85.71 88.89
Get angry | disgust  | 19 77 2 0 | 97.96 90.48 100   95.00
Happy     | fear     |  6 90 0 2 | 97.96 100   75.00 85.71
Fear      | happy    | 22 74 2 0 | 97.96 91.67 100   95.65
Sadness   | sadness  |  8 89 0 1 | 98.98 100   88.89 94.12
Surprised | surprise | 26 72 0 0 | 100   100   100   100"""),
    scores=_parse_scores("""\
vgg16             73.47 74.05 65.50 64.42 512.26
alexnet           79.59 77.18 76.58 76.00 178.42
resnet34          80.61 52.87 64.29 57.79 81.20
efficientnet-b0   82.65 83.56 81.25 80.42 9.30
shufflenetv2      86.73 90.42 77.42 76.53 4.91
mobilenetv3-large 93.88 93.87 90.96 92.00 16.06
proposed          94.90 95.74 91.60 93.23 9.05"""),
    samples_figure="Figure 7",
    per_class_table="Table 3",
    comparison_table="Table 4",
    confusion_figure="Figure 10",
    accuracy_figure="Figure 11",
    loss_figure="Figure 12",
)

_CASME2 = PublishedDataset(
    dataset="casme2",
    title="CASME II",
    frame_policy="paper",
    samples_per_class=PAPER_FRAME_COUNTS,
    stated_total=6051,
    per_class=_parse_classes("""\
Disgust   | disgust    | 416  648 9  1 | 99.07 97.88 99.76 98.81
Pleasure  | fear       |  14 1060 0  0 | 100   100   100   100
Depressed | happiness  | 230  835 3  6 | 99.16 98.71 97.46 98.08
Scared    | repression | 207  852 3 12 | 98.60 98.57 94.52 96.50
Sadness   | sadness    |  29 1045 0  0 | 100   100   100   100
Surprised | surprise   | 159  911 4  0 | 99.63 97.55 100   98.76"""),
    scores=_parse_scores("""\
vgg16             94.41 94.42 90.73 92.33 512.26
alexnet           96.83 97.65 97.55 97.57 178.42
efficientnet-b0   96.93 96.81 96.00 96.39 9.30
mobilenetv3-large 97.95 98.49 98.47 98.46 16.06
resnet34          98.01 96.64 98.52 97.52 81.20
shufflenetv2      98.14 98.76 98.38 98.55 4.91
proposed          98.23 98.79 98.62 98.69 9.05"""),
    samples_figure="Figure 8",
    per_class_table="Table 5",
    comparison_table="Table 6",
    confusion_figure="Figure 13",
    accuracy_figure="Figure 14",
    loss_figure="Figure 15",
)

PUBLISHED_RESULTS: Mapping[str, PublishedDataset] = {
    published.dataset: published for published in (_CKPLUS, _CASME2)
}

REFERENCE_DATASETS: Mapping[str, str] = {"synthetic": "casme2"}
"""For each data set that is not in the paper: the paper's data set that reports show for comparison."""

ABLATION_DATASET = "casme2"
"""The data set of the paper's ablation."""

ABLATION_GAINS: Mapping[str, Decimal] = {"attention": Decimal("3.2"), "residual": Decimal("2.8")}
"""Gains in accuracy, in points, that the paper states, by the field of `BlockSpec`."""

ABLATION_FIGURES = ("Figure 16", "Figure 17", "Figure 18")
"""The `PAPER_ITEMS` that show the ablation."""

IMAGE_SIZE, EPOCHS, BATCH_SIZE = 224, 100, 32

PAPER_ITEMS: Mapping[str, str] = {
    "Section 3.1": "multiplications in the first block",
    "Table 1": "layers of VGG16 and of the improved network",
    "Table 2": "samples by class",
    "Figure 7": "sample images of CK+",
    "Figure 8": "sample images of CASME II",
    "Figure 9": "augmented images",
    "Table 3": "the proposed network on CK+, by class",
    "Table 4": "seven networks on CK+",
    "Figure 10": "confusion matrices on CK+",
    "Figure 11": "accuracy by epoch on CK+",
    "Figure 12": "loss by epoch on CK+",
    "Table 5": "the proposed network on CASME II, by class",
    "Table 6": "seven networks on CASME II",
    "Figure 13": "confusion matrices on CASME II",
    "Figure 14": "accuracy by epoch on CASME II",
    "Figure 15": "loss by epoch on CASME II",
    "Figure 16": "accuracy by epoch in the ablation",
    "Figure 17": "loss by epoch in the ablation",
    "Figure 18": "accuracies of the ablation",
}
"""The content of the paper's tables and result figures, in the paper's order."""

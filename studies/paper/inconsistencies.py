"""Inconsistencies in the paper, each with the arithmetic, computed from its published numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scipy.stats import binomtest

from architectures.spec import VGG16_STAGES
from datasets.casme2.constants import DEFAULT_CLASSES, EDITION_2014, get_expected_clip_counts
from studies.cost import PAPER_BLOCK1_SEPARABLE, PAPER_BLOCK1_STANDARD, compute_block_costs
from studies.paper.published import ABLATION_FIGURES, ABLATION_GAINS, IMAGE_SIZE, PUBLISHED_RESULTS

CASME2_CLIPS = sum(get_expected_clip_counts(DEFAULT_CLASSES, edition=EDITION_2014))
"""Number of clips of the six classes in the coding sheet of 2014-05-08, which has 255 rows."""

MOBILENET_MULTIPLY_ADDS, PROPOSED_MULTIPLY_ADDS = 215_317_440, 2_119_054_072
"""Counts of `harness.flop_count` at 224 px and 6 classes, for convolutions and linear layers."""

_ckplus, _casme2 = PUBLISHED_RESULTS["ckplus"], PUBLISHED_RESULTS["casme2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inconsistency:
    """One inconsistency: its id, the `PAPER_ITEMS` that it concerns, and the argument."""

    id: str
    items: tuple[str, ...]
    text: str


def count_split_test_samples(n: int) -> int:
    """Return the number of test samples of a 7:2:1 split of `n`: n - floor(0.7 n) - floor(0.2 n)."""
    return n - 7 * n // 10 - 2 * n // 10


def _get_support(dataset: str, printed_label: str) -> int:
    (row,) = (row for row in PUBLISHED_RESULTS[dataset].per_class if row.printed_label == printed_label)
    return row.counts.tp + row.counts.fn


def _count_test_samples(dataset: str) -> int:
    return sum(row.counts.tp + row.counts.fn for row in PUBLISHED_RESULTS[dataset].per_class)


def _count_correct(dataset: str, arm: str) -> int:
    return round(float(PUBLISHED_RESULTS[dataset].scores[arm].accuracy) / 100 * _count_test_samples(dataset))


def _format_interval(dataset: str, arm: str) -> str:
    correct, n = _count_correct(dataset, arm), _count_test_samples(dataset)
    interval = binomtest(correct, n).proportion_ci(method="wilson")
    return f"{correct}/{n} [{100 * interval.low:.1f}, {100 * interval.high:.1f}] %"


def _describe_block_one() -> str:
    blocks = compute_block_costs(VGG16_STAGES, IMAGE_SIZE)
    first, second = blocks[:2]
    total_share = sum(block.separable for block in blocks) / sum(block.standard for block in blocks)
    return (
        f"Section 3.1 gives {PAPER_BLOCK1_STANDARD:,} multiplications for VGG16's first block and "
        f"{PAPER_BLOCK1_SEPARABLE:,} for the improved one "
        f"({100 * PAPER_BLOCK1_SEPARABLE / PAPER_BLOCK1_STANDARD:.2f} %). Its equations (1) and (2) give, at "
        f"{IMAGE_SIZE} x {IMAGE_SIZE}, {first.standard + second.standard:,} (two convolutions: "
        f"{first.standard:,} + {second.standard:,}) and {first.separable:,} (the first depthwise separable "
        f"convolution). A count on a {IMAGE_SIZE}/2^k map must be divisible by 7; the paper's counts "
        f"leave remainders {PAPER_BLOCK1_STANDARD % 7} and {PAPER_BLOCK1_SEPARABLE % 7}. Over all "
        f"thirteen convolutions the separable ones need {100 * total_share:.1f} % of the multiplications: "
        "the whole network saves less than its first block."
    )


def _describe_row_names() -> str:
    fear = _casme2.samples_per_class["fear"]
    supports = ", ".join(str(row.counts.tp + row.counts.fn) for row in _ckplus.per_class)
    classes = ", ".join(f"{row.label} ({_ckplus.samples_per_class[row.label]})" for row in _ckplus.per_class)
    return (
        f'The row names of Tables 3 and 5 do not match Table 2: Table 5\'s "Scared" has '
        f"{_get_support('casme2', 'Scared')} test samples, and the data set has {fear} fear frames in all. "
        "The rows match if they are read in alphabetical order of the class folders: Table 3's "
        f"{supports} are about 10 % of {classes}. This report reads the rows in that order."
    )


def _describe_ckplus_counts() -> str:
    happy, sadness = _ckplus.samples_per_class["happy"], _ckplus.samples_per_class["sadness"]
    total = sum(_ckplus.samples_per_class.values())
    happy_test, sadness_test = count_split_test_samples(happy), count_split_test_samples(sadness)
    return (
        f"Table 2's columns for CK+ sum to {total}; the stated total, {_ckplus.stated_total}, omits the "
        f"{happy} happy images. The 7:2:1 split of {happy} happy and {sadness} sad images has {happy_test} "
        f"and {sadness_test} test images; Table 3 has {_get_support('ckplus', 'Fear')} and "
        f"{_get_support('ckplus', 'Sadness')}, as for {happy + 1} and {sadness - 1} images."
    )


def _describe_casme2_share() -> str:
    n, total = _count_test_samples("casme2"), _casme2.stated_total
    return f"Table 5 tests {n:,} frames: {100 * n / total:.1f} % of {total:,}; a 7:2:1 split tests 10 %."


def _describe_impossible_accuracy() -> str:
    n, accuracy = _count_test_samples("casme2"), float(_casme2.scores["resnet34"].accuracy)
    floor_count = int(accuracy * n / 100)
    return (
        f"Table 6's accuracy of ResNet34, {accuracy:.2f} %, is not possible with {n} test frames: "
        f"{floor_count}/{n} is {100 * floor_count / n:.2f} %, "
        f"{floor_count + 1}/{n} is {100 * (floor_count + 1) / n:.2f} %."
    )


def _describe_leads() -> str:
    return (
        "The proposed network leads by one image on each data set. CK+: "
        f"{_format_interval('ckplus', 'proposed')} against MobileNetV3-large's "
        f"{_format_interval('ckplus', 'mobilenetv3-large')}. CASME II: "
        f"{_format_interval('casme2', 'proposed')} against ShuffleNetV2's "
        f"{_format_interval('casme2', 'shufflenetv2')}. The 95 % Wilson intervals in brackets overlap almost "
        "entirely."
    )


def _describe_frame_split() -> str:
    total = _casme2.stated_total
    return (
        f"The split is over frames. CASME II's {total:,} frames come from {CASME2_CLIPS} clips recorded at "
        f"200 frames a second, {total / CASME2_CLIPS:.0f} frames a clip. Frames of one clip are therefore "
        "both in the training and in the test set, and so is almost every subject."
    )


def _describe_mobilenet() -> str:
    mobile, proposed = (_casme2.scores[arm].mib for arm in ("mobilenetv3-large", "proposed"))
    return (
        f"MobileNetV3-large, which the paper calls heavier ({mobile} MB of parameters against {proposed}), "
        f"needs a tenth of the proposed network's multiply-adds: {MOBILENET_MULTIPLY_ADDS:,} against "
        f"{PROPOSED_MULTIPLY_ADDS:,} by our count at {IMAGE_SIZE} px."
    )


def _describe_gain_sum() -> str:
    start, end = (_casme2.scores[arm].accuracy for arm in ("vgg16", "proposed"))
    cbam, residual = ABLATION_GAINS["attention"], ABLATION_GAINS["residual"]
    return (
        f"The ablation's gains do not add up: VGG16's {start} + {cbam} (CBAM) + {residual} (residual) = "
        f"{start + cbam + residual} %, over 100 and over the final {end}."
    )


_BATCH_NORM = (
    "The ablation changes more than it names: between experiment 1 (VGG16: no batch norm, three large linear "
    "layers) and experiment 5, batch norm and the small head with global average pooling are added too, and "
    "no experiment tests them."
)
_ONE_RUN = "The paper reports one run of each network, without repeated seeds and without intervals."
_CITATION = (
    "CASME II is cited as a publication of 2018 with 247 clips; the reference given is CAS(ME)^2, and the "
    f"coding sheet that reproduces Table 2 has 255 rows, {CASME2_CLIPS} of them in the six classes."
)

INCONSISTENCIES = (
    Inconsistency(id="P1", items=("Section 3.1",), text=_describe_block_one()),
    Inconsistency(id="P2", items=("Table 3", "Table 5", "Table 2"), text=_describe_row_names()),
    Inconsistency(id="P3", items=("Table 2", "Table 3"), text=_describe_ckplus_counts()),
    Inconsistency(id="P4", items=("Table 5",), text=_describe_casme2_share()),
    Inconsistency(id="P5", items=("Table 6",), text=_describe_impossible_accuracy()),
    Inconsistency(id="P6", items=("Table 4", "Table 6"), text=_describe_leads()),
    Inconsistency(
        id="P7",
        items=("Table 3", "Table 4", "Table 5", "Table 6", *ABLATION_FIGURES),
        text=_describe_frame_split(),
    ),
    Inconsistency(id="P8", items=ABLATION_FIGURES, text=_BATCH_NORM),
    Inconsistency(id="P9", items=("Table 4", "Table 6", *ABLATION_FIGURES), text=_ONE_RUN),
    Inconsistency(id="P10", items=("Table 4", "Table 6"), text=_describe_mobilenet()),
    Inconsistency(id="P11", items=ABLATION_FIGURES, text=_describe_gain_sum()),
    Inconsistency(id="P12", items=("Table 2",), text=_CITATION),
)


def find_inconsistencies(items: Iterable[str]) -> tuple[Inconsistency, ...]:
    """Return the inconsistencies that concern any of these tables and figures, in order of their ids."""
    item_set = set(items)
    return tuple(
        inconsistency for inconsistency in INCONSISTENCIES if item_set.intersection(inconsistency.items)
    )

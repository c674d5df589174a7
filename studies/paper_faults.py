"""What in the paper does not hold together, each with its arithmetic, computed from what it printed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scipy.stats import binomtest

from architectures.spec import VGG16_STAGES
from studies.cost import PAPER_BLOCK1_SEPARABLE, PAPER_BLOCK1_STANDARD, compute_block_costs
from studies.paper import ABLATION_GAINS, IMAGE_SIZE, PUBLISHED_RESULTS

CASME2_CLIPS = 156
"""Clips of the six classes in the coding sheet of 2014-05-08, which has 255 rows."""

MOBILENET_MULTIPLY_ADDS, PROPOSED_MULTIPLY_ADDS = 215_317_440, 2_119_054_072
"""What `harness.cost` counts at 224 px and 6 classes: convolutions and linear layers."""

_ABLATION = ("Figure 16", "Figure 17", "Figure 18")
_ckplus, _casme2 = PUBLISHED_RESULTS["ckplus"], PUBLISHED_RESULTS["casme2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inconsistency:
    """One inconsistency: its id, the items of `studies.paper.ITEMS` that it bears on, and the argument."""

    id: str
    items: tuple[str, ...]
    text: str


def count_split_test_samples(n: int) -> int:
    """Samples that 7:2:1 leaves of `n` for the test: n - floor(0.7 n) - floor(0.2 n)."""
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
        f"({100 * PAPER_BLOCK1_SEPARABLE / PAPER_BLOCK1_STANDARD:.2f} %). By its equations (1) and (2) at "
        f"{IMAGE_SIZE} x {IMAGE_SIZE} they are {first.standard + second.standard:,} (two convolutions: "
        f"{first.standard:,} + {second.standard:,}) and {first.separable:,} (the first depthwise separable "
        f"convolution). A count on a {IMAGE_SIZE}/2^k map must be divisible by 7; the two leave the "
        f"remainders {PAPER_BLOCK1_STANDARD % 7} and {PAPER_BLOCK1_SEPARABLE % 7}. Over all thirteen "
        f"convolutions the equations leave {100 * total_share:.1f} % of the work: the whole network saves less "
        "than the one block."
    )


def _describe_row_names() -> str:
    fear = _casme2.samples_per_class["fear"]
    supports = ", ".join(str(row.counts.tp + row.counts.fn) for row in _ckplus.per_class)
    classes = ", ".join(f"{row.label} ({_ckplus.samples_per_class[row.label]})" for row in _ckplus.per_class)
    return (
        f'Row names of Tables 3 and 5 do not fit Table 2: Table 5\'s "Scared" has '
        f"{_get_support('casme2', 'Scared')} test samples, and the data set has {fear} fear frames in all. Rows "
        f"in alphabetical order of the class folders fit: Table 3's {supports} are about 10 % of {classes}. "
        "This report reads the rows that way."
    )


def _describe_ckplus_counts() -> str:
    happy, sadness = _ckplus.samples_per_class["happy"], _ckplus.samples_per_class["sadness"]
    total = sum(_ckplus.samples_per_class.values())
    return (
        f"Table 2's columns for CK+ sum to {total}; the stated total, {_ckplus.stated_total}, omits the "
        f"{happy} happy ones. By the 7:2:1 split {happy} and {sadness} images leave {count_split_test_samples(happy)} "
        f"and {count_split_test_samples(sadness)} for the test; Table 3 has {_get_support('ckplus', 'Fear')} and "
        f"{_get_support('ckplus', 'Sadness')}, what {happy + 1} and {sadness - 1} would leave."
    )


def _describe_casme2_share() -> str:
    n, total = _count_test_samples("casme2"), _casme2.stated_total
    return f"Table 5 tests {n:,} frames: {100 * n / total:.1f} % of {total:,}, where 7:2:1 leaves 10 %."


def _describe_impossible_accuracy() -> str:
    n, accuracy = _count_test_samples("casme2"), float(_casme2.scores["resnet34"].accuracy)
    floor_count = int(accuracy * n / 100)
    return (
        f"Table 6's ResNet34 accuracy, {accuracy:.2f} %, is no k/{n}: {floor_count}/{n} is {100 * floor_count / n:.2f} %, "
        f"{floor_count + 1}/{n} is {100 * (floor_count + 1) / n:.2f} %."
    )


def _describe_leads() -> str:
    return (
        "The proposed network leads by one image on either set. CK+: "
        f"{_format_interval('ckplus', 'proposed')} against MobileNetV3-large's "
        f"{_format_interval('ckplus', 'mobilenetv3-large')}. CASME II: {_format_interval('casme2', 'proposed')} against "
        f"ShuffleNetV2's {_format_interval('casme2', 'shufflenetv2')}. In brackets: 95 % Wilson intervals, which "
        "overlap almost entirely."
    )


def _describe_frame_split() -> str:
    total = _casme2.stated_total
    return (
        f"The split is over frames. CASME II's {total:,} frames come from {CASME2_CLIPS} clips filmed at "
        f"200 frames a second, {total / CASME2_CLIPS:.0f} frames a clip, so frames of one clip stand on both "
        "sides of the split, and so does practically every subject."
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
    "layers) and experiment 5, batch norm and the small head with global average pooling came in too, and no "
    "experiment is theirs."
)
_ONE_RUN = "One run of each network: no seeds, no intervals."
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
        id="P7", items=("Table 3", "Table 4", "Table 5", "Table 6", *_ABLATION), text=_describe_frame_split()
    ),
    Inconsistency(id="P8", items=_ABLATION, text=_BATCH_NORM),
    Inconsistency(id="P9", items=("Table 4", "Table 6", *_ABLATION), text=_ONE_RUN),
    Inconsistency(id="P10", items=("Table 4", "Table 6"), text=_describe_mobilenet()),
    Inconsistency(id="P11", items=_ABLATION, text=_describe_gain_sum()),
    Inconsistency(id="P12", items=("Table 2",), text=_CITATION),
)


def find_inconsistencies(items: Iterable[str]) -> tuple[Inconsistency, ...]:
    """The inconsistencies that bear on any of these tables and figures, by id."""
    item_set = set(items)
    return tuple(
        inconsistency for inconsistency in INCONSISTENCIES if item_set.intersection(inconsistency.items)
    )

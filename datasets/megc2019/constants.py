"""Constants of the MEGC 2019 composite: its classes, its sets, and the official counts.

See et al., "MEGC 2019 - The Second Facial Micro-Expressions Grand Challenge", FG 2019, doi
10.1109/FG.2019.8756611. The challenge joins clips of three data sets under three classes and leaves one
subject out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NAME = "megc2019"

ACCESS_INSTRUCTIONS = (
    "The composite has no files of its own: put the releases of SMIC, CASME II and SAMM, or links to them, "
    "into one folder, as smic, casme2 and samm, and name it by --root or HARNESS_MEGC2019; `harness data "
    "list` says how to get each. `harness data synthesize --layout megc2019` writes a synthetic one."
)

CLASSES = ("negative", "positive", "surprise")
"""The classes in label order: label 0 is negative."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCounts:
    """Official numbers of subjects and of clips of each class in one set of the composite."""

    title: str
    num_subjects: int
    clips_per_class: tuple[int, ...]

    @property
    def num_clips(self) -> int:
        """Number of clips of all classes."""
        return sum(self.clips_per_class)


SETS: Mapping[str, SetCounts] = {
    "smic": SetCounts(title="SMIC", num_subjects=16, clips_per_class=(70, 51, 43)),
    "casme2": SetCounts(title="CASME II", num_subjects=24, clips_per_class=(88, 32, 25)),
    "samm": SetCounts(title="SAMM", num_subjects=28, clips_per_class=(92, 26, 15)),
}
"""The sets by name, in the order of the challenge's tables."""

COMPOSITE = SetCounts(
    title="Full",
    num_subjects=sum(counts.num_subjects for counts in SETS.values()),
    clips_per_class=tuple(map(sum, zip(*(counts.clips_per_class for counts in SETS.values()), strict=True))),
)
"""The counts of the three sets together: 442 clips of 68 subjects."""


def format_set_title(name: str) -> str:
    """Return the title of a set, or its name if it is not one of the composite's."""
    return SETS[name].title if name in SETS else name

"""What a synthetic set is asked to be: layout, size, strength, seed, and which of them go together."""

from __future__ import annotations

import math
from dataclasses import dataclass

from datasets.synthetic.layouts import LAYOUTS, SHEETS, LayoutInfo

POSED_SCALE = 2.0
"""How much stronger CK+'s posed expressions are drawn than a micro-expression of the same amplitude."""

_CLASS_COUNT = 7
_BALANCED_CLASS_COUNTS = {"casme2": 6, "ckplus": 7}
_MAX_SUBJECTS = {"casme2": (99, "two"), "ckplus": (999, "three")}
_MAX_CLIPS, _MAX_FRAMES = 10_000, 2_000
_MAX_AMPLITUDE, _MAX_IDENTITY = 4.0, 2.0
_CASME2_SUBJECTS, _CASME2_CLIPS = 26, 255
_CK_SUBJECTS, _CK_UNLABELLED_SUBJECTS, _CK_LABELLED_SEQUENCES, _CK_UNLABELLED_SEQUENCES = 123, 5, 327, 266
_QUIRK_CLIPS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticSpec:
    """What to draw. The defaults give a set of the real one's size and imbalance.

    Attributes:
        layout: How it lies on disk, one of `LAYOUTS`.
        subjects: How many people; None is as many as the release has, 26 in CASME II, 118 in CK+, 123 where
            unlabelled sequences are drawn too, which five of them show alone.
        clips: Rows of CASME II's sheet or labelled sequences of CK+; None is the release's
            255 or 327 scaled to the subjects, or one clip a class and subject when balanced.
        frames: Frames of each clip, onset to offset in CASME II, neutral to peak in CK+; None draws lengths
            like the real ones, 24 to 141, and for CK+ shorter ones than the real, 8 to 30.
        balance: Every subject shows each class equally often: in CASME II six, none "others", in CK+ seven,
            once each; otherwise the classes are as rare as in the release, with at least one clip each.
        amplitude: How far an expression moves, 0 (not at all) to 4; 1 is subtle but visible at its apex.
            CK+'s are posed: at 1 they are twice as strong, and 2 is the most.
        identity: How far subjects differ, 0 (one face for all) to 2.
        raw: Beside the cropped faces of the layout casme2 also write the whole recordings, 640 by 480.
        sheet: Form of CASME II's coding sheet, one of `SHEETS`.
        quirks: With the oddities of the released sets in circulation: nesting, junk, gaps, odd rows.
        seed: Another seed draws other people and other clips.

    Raises:
        ValueError: a value outside its range, or values that do not go together.
    """

    layout: str = "casme2"
    subjects: int | None = None
    clips: int | None = None
    frames: int | None = None
    balance: bool = False
    amplitude: float = 1.0
    identity: float = 1.0
    raw: bool = False
    sheet: str = "2014"
    quirks: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for option, value, choices in (("layout", self.layout, LAYOUTS), ("sheet", self.sheet, SHEETS)):
            if value not in choices:
                raise ValueError(f"unknown {option} {value!r}; accepted: {', '.join(choices)}")
        self._check_options()
        self._check_values()
        if self.frames is not None and self.frames < 3:
            raise ValueError(
                f"a clip from rest over its apex needs at least 3 frames; got frames={self.frames} "
                "(None draws lengths like the real ones)"
            )
        if self.quirks and self.layout_info.dataset == "casme2":
            self._check_quirks()
        self._check_clips()

    @property
    def layout_info(self) -> LayoutInfo:
        """The layout's entry in `LAYOUTS`."""
        return LAYOUTS[self.layout]

    @property
    def subject_count(self) -> int:
        """People in the set, those without a label among them."""
        if self.subjects is not None:
            return self.subjects
        if self.layout_info.dataset == "casme2":
            return _CASME2_SUBJECTS
        return _CK_SUBJECTS if self._has_unlabelled else _CK_SUBJECTS - _CK_UNLABELLED_SUBJECTS

    @property
    def unlabelled_subject_count(self) -> int:
        """People without a labelled sequence: in the release's proportion, at least one of two or more."""
        if not self._has_unlabelled or self.subject_count < 2:
            return 0
        return max(1, round(self.subject_count * _CK_UNLABELLED_SUBJECTS / _CK_SUBJECTS))

    @property
    def clip_count(self) -> int:
        """Rows of the sheet, or labelled sequences."""
        if self.clips is not None:
            return self.clips
        labelled_subjects = self.subject_count - self.unlabelled_subject_count
        if self.balance:
            return labelled_subjects * _BALANCED_CLASS_COUNTS[self.layout_info.dataset]
        if self.layout_info.dataset == "casme2":
            scaled_count = max(_CLASS_COUNT, round(_CASME2_CLIPS * labelled_subjects / _CASME2_SUBJECTS))
            return max(scaled_count, labelled_subjects + _QUIRK_CLIPS) if self.quirks else scaled_count
        return max(
            _CLASS_COUNT,
            round(_CK_LABELLED_SEQUENCES * labelled_subjects / (_CK_SUBJECTS - _CK_UNLABELLED_SUBJECTS)),
        )

    @property
    def unlabelled_count(self) -> int:
        """Sequences of CK+ without a label: in the release's proportion, and one of each silent person."""
        if not self._has_unlabelled:
            return 0
        return max(
            2,
            self.unlabelled_subject_count,
            round(self.clip_count * _CK_UNLABELLED_SEQUENCES / _CK_LABELLED_SEQUENCES),
        )

    @property
    def _has_unlabelled(self) -> bool:
        return self.layout == "ck-csv" or (self.layout == "ck-official" and self.quirks)

    def _check_options(self) -> None:
        if self.raw and self.layout != "casme2":
            raise ValueError(
                f"raw=True adds the recordings to the layout casme2; got layout={self.layout!r}: "
                "leave raw out"
            )
        if self.sheet != "2014" and self.layout_info.dataset != "casme2":
            layouts = ", ".join(name for name, info in LAYOUTS.items() if info.dataset == "casme2")
            raise ValueError(
                f"a coding sheet belongs to the layouts {layouts}; got sheet={self.sheet!r} with "
                f"layout={self.layout!r}: leave sheet out"
            )
        if self.seed < 0:
            raise ValueError(f"a seed is 0 or above; got seed={self.seed}")

    def _check_values(self) -> None:
        max_subjects, digits = _MAX_SUBJECTS[self.layout_info.dataset]
        if not 1 <= self.subject_count <= max_subjects:
            raise ValueError(
                f"a synthetic set needs from 1 to {max_subjects} subjects, for whom the release's names "
                f"have {digits} digits; got subjects={self.subjects}"
            )
        for name, count, max_count in (
            ("clips", self.clips, _MAX_CLIPS),
            ("frames", self.frames, _MAX_FRAMES),
        ):
            if count is not None and count > max_count:
                raise ValueError(f"{name} is accepted up to {max_count}; got {name}={count}")
        max_amplitude = (
            _MAX_AMPLITUDE if self.layout_info.dataset == "casme2" else _MAX_AMPLITUDE / POSED_SCALE
        )
        for name, value, limit in (
            ("amplitude", self.amplitude, max_amplitude),
            ("identity", self.identity, _MAX_IDENTITY),
        ):
            if not (math.isfinite(value) and 0 <= value <= limit):
                raise ValueError(f"{name} is accepted from 0 to {limit:g}; got {value}")

    def _check_quirks(self) -> None:
        if self.balance:
            raise ValueError(
                "the oddities of CASME II lie in its uneven clips: quirks=True and balance=True do not go "
                "together; choose one"
            )
        if self.clip_count < self.subject_count + _QUIRK_CLIPS:
            raise ValueError(
                f"quirks=True needs {_QUIRK_CLIPS} clips more than subjects to place the odd ones, here "
                f"{self.subject_count + _QUIRK_CLIPS}; got clips={self.clip_count}"
            )

    def _check_clips(self) -> None:
        labelled_subjects, class_count = (
            self.subject_count - self.unlabelled_subject_count,
            _BALANCED_CLASS_COUNTS[self.layout_info.dataset],
        )
        clips_per_round, is_ckplus = labelled_subjects * class_count, self.layout_info.dataset == "ckplus"
        if self.balance and (self.clip_count < clips_per_round or self.clip_count % clips_per_round):
            raise ValueError(
                f"balance=True gives each of {labelled_subjects} subjects each of {class_count} classes "
                f"equally often, so clips must be a multiple of {clips_per_round}; got clips={self.clip_count}"
            )
        if not self.balance and self.clip_count < max(_CLASS_COUNT, labelled_subjects):
            raise ValueError(
                f"every class ({_CLASS_COUNT}) and every subject ({labelled_subjects}) needs a clip, so clips must "
                f"be at least {max(_CLASS_COUNT, labelled_subjects)}; got clips={self.clip_count}"
            )
        if is_ckplus and self.clip_count > clips_per_round:
            raise ValueError(
                f"a subject of CK+ shows each of {class_count} emotions at most once, so {labelled_subjects} labelled "
                f"subjects give at most {clips_per_round} clips; got clips={self.clip_count}"
            )

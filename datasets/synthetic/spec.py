"""Specification of a synthetic data set and its validation."""

from __future__ import annotations

import math
from dataclasses import dataclass

from datasets.casme2.constants import CLIP_COUNTS, EDITION_2014
from datasets.errors import DatasetError
from datasets.synthetic.layouts import LAYOUTS, SHEETS, LayoutInfo

POSED_SCALE = 2.0
"""Factor by which CK+'s posed expressions are stronger than a micro-expression of the same amplitude."""

_CLASS_COUNT = 7
_BALANCED_CLASS_COUNTS = {"casme2": 6, "ckplus": 7}
_MAX_SUBJECTS = {"casme2": (99, "two"), "ckplus": (999, "three")}
_MAX_CLIPS, _MAX_FRAMES = 10_000, 2_000
_MAX_AMPLITUDE, _MAX_IDENTITY = 4.0, 2.0
_CASME2_SUBJECTS, _CASME2_CLIPS = 26, sum(CLIP_COUNTS[EDITION_2014].values())
_CK_SUBJECTS, _CK_UNLABELLED_SUBJECTS, _CK_LABELLED_SEQUENCES, _CK_UNLABELLED_SEQUENCES = 123, 5, 327, 266
_QUIRK_CLIPS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticSpec:
    """Specification of a synthetic data set. The defaults give the size and imbalance of the real set.

    Attributes:
        layout: Layout on disk, one of `LAYOUTS`.
        subjects: Number of people. None means as many as in the release: 26 in CASME II, 118 in CK+, or 123
            if the layout has unlabelled sequences; five of the 123 have only unlabelled sequences.
        clips: Number of rows of CASME II's sheet or of labelled sequences of CK+. None means the release's
            255 or 327, scaled to the number of subjects, or one clip per class and subject if balanced.
        frames: Frames per clip, from onset to offset in CASME II and from neutral to peak in CK+. None means
            random lengths: 24 to 141 as in CASME II, and 8 to 30, shorter than the release, for CK+.
        balance: True if every subject shows each class equally often: six classes in CASME II, without
            "others", and seven in CK+, once each. Otherwise the class frequencies are those of the release,
            with at least one clip per class.
        amplitude: Strength of the expressions, from 0 (no motion) to 4; 1 is subtle but visible at the apex.
            CK+'s posed expressions are twice as strong, and their maximum is 2.
        identity: Variation between subjects, from 0 (the same face for all) to 2.
        raw: True to write the whole recordings, 640 x 480 pixels, in addition to the cropped faces of the
            layout casme2.
        sheet: Form of CASME II's coding sheet, one of `SHEETS`.
        quirks: True to include the quirks of the copies in circulation: nested folders, junk files, missing
            folders and malformed rows.
        seed: Seed of the people and the clips.

    Raises:
        DatasetError: a value is out of range, or two values do not go together.
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
                raise DatasetError(
                    "synthetic-option.unknown", f"unknown {option} {value!r}; accepted: {', '.join(choices)}"
                )
        self._check_options()
        self._check_values()
        if self.frames is not None and self.frames < 3:
            raise DatasetError(
                "synthetic-frames.too-few",
                f"a clip with onset, apex and offset needs at least 3 frames; got frames={self.frames} "
                "(None gives random lengths)",
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
        """Number of people in the set, including those without labelled sequences."""
        if self.subjects is not None:
            return self.subjects
        if self.layout_info.dataset == "casme2":
            return _CASME2_SUBJECTS
        return _CK_SUBJECTS if self._has_unlabelled else _CK_SUBJECTS - _CK_UNLABELLED_SUBJECTS

    @property
    def unlabelled_subject_count(self) -> int:
        """Number of people without labelled sequences, in the release's proportion.

        At least one if the set has unlabelled sequences and two or more people.
        """
        if not self._has_unlabelled or self.subject_count < 2:
            return 0
        return max(1, round(self.subject_count * _CK_UNLABELLED_SUBJECTS / _CK_SUBJECTS))

    @property
    def clip_count(self) -> int:
        """Number of rows of the coding sheet, or of labelled sequences."""
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
        """Number of CK+ sequences without a label, in the release's proportion.

        At least two, and at least one per person without labelled sequences.
        """
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
            raise DatasetError(
                "synthetic-raw.layout",
                f"raw=True adds the recordings to the layout casme2; got layout={self.layout!r}: "
                "leave raw out",
            )
        if self.sheet != "2014" and self.layout_info.dataset != "casme2":
            layouts = ", ".join(name for name, info in LAYOUTS.items() if info.dataset == "casme2")
            raise DatasetError(
                "synthetic-sheet.layout",
                f"a coding sheet belongs to the layouts {layouts}; got sheet={self.sheet!r} with "
                f"layout={self.layout!r}: leave sheet out",
            )
        if self.seed < 0:
            raise DatasetError("synthetic-seed.negative", f"a seed is 0 or above; got seed={self.seed}")

    def _check_values(self) -> None:
        max_subjects, digits = _MAX_SUBJECTS[self.layout_info.dataset]
        if not 1 <= self.subject_count <= max_subjects:
            raise DatasetError(
                "synthetic-subjects.range",
                f"a synthetic set has from 1 to {max_subjects} subjects, because the release's subject names "
                f"have {digits} digits; got subjects={self.subjects}",
            )
        for name, count, max_count in (
            ("clips", self.clips, _MAX_CLIPS),
            ("frames", self.frames, _MAX_FRAMES),
        ):
            if count is not None and count > max_count:
                raise DatasetError(
                    "synthetic-count.too-large", f"{name} is accepted up to {max_count}; got {name}={count}"
                )
        max_amplitude = (
            _MAX_AMPLITUDE if self.layout_info.dataset == "casme2" else _MAX_AMPLITUDE / POSED_SCALE
        )
        for name, value, limit in (
            ("amplitude", self.amplitude, max_amplitude),
            ("identity", self.identity, _MAX_IDENTITY),
        ):
            if not (math.isfinite(value) and 0 <= value <= limit):
                raise DatasetError(
                    "synthetic-value.range", f"{name} is accepted from 0 to {limit:g}; got {value}"
                )

    def _check_quirks(self) -> None:
        if self.balance:
            raise DatasetError(
                "synthetic-quirks.balance",
                "the quirks of CASME II need its uneven class counts: quirks=True and balance=True do not go "
                "together; choose one",
            )
        if self.clip_count < self.subject_count + _QUIRK_CLIPS:
            raise DatasetError(
                "synthetic-quirks.too-few-clips",
                f"quirks=True needs {_QUIRK_CLIPS} clips more than subjects, here "
                f"{self.subject_count + _QUIRK_CLIPS}; got clips={self.clip_count}",
            )

    def _check_clips(self) -> None:
        labelled_subjects, class_count = (
            self.subject_count - self.unlabelled_subject_count,
            _BALANCED_CLASS_COUNTS[self.layout_info.dataset],
        )
        clips_per_round, is_ckplus = labelled_subjects * class_count, self.layout_info.dataset == "ckplus"
        if self.balance and (self.clip_count < clips_per_round or self.clip_count % clips_per_round):
            raise DatasetError(
                "synthetic-balance.clip-count",
                f"balance=True gives each of {labelled_subjects} subjects each of {class_count} classes "
                f"equally often, so clips must be a multiple of {clips_per_round}; "
                f"got clips={self.clip_count}",
            )
        if not self.balance and self.clip_count < max(_CLASS_COUNT, labelled_subjects):
            raise DatasetError(
                "synthetic-clips.too-few",
                f"every class ({_CLASS_COUNT}) and every subject ({labelled_subjects}) needs a clip, so "
                f"clips must be at least {max(_CLASS_COUNT, labelled_subjects)}; got clips={self.clip_count}",
            )
        if is_ckplus and self.clip_count > clips_per_round:
            raise DatasetError(
                "synthetic-clips.too-many",
                f"a subject of CK+ shows each of {class_count} emotions at most once, so {labelled_subjects} "
                f"labelled subjects give at most {clips_per_round} clips; got clips={self.clip_count}",
            )

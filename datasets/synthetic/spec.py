"""Specification of a synthetic data set and its validation."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from datasets.casme2.constants import CLIP_COUNTS, EDITION_2014
from datasets.errors import DatasetError
from datasets.megc2019.constants import SETS
from datasets.samm.constants import CLIP_COUNTS as SAMM_CLIP_COUNTS
from datasets.samm.constants import NUM_SUBJECTS as SAMM_SUBJECTS
from datasets.synthetic.layouts import LAYOUTS, SHEETS_BY_DATASET, LayoutInfo

POSED_SCALE = 2.0
"""Factor by which CK+'s posed expressions are stronger than a micro-expression of the same amplitude."""

COMPOSITE = "megc2019"

_CLASS_COUNT = 7
_MAX_CLIPS, _MAX_FRAMES = 10_000, 2_000
_MAX_AMPLITUDE, _MAX_IDENTITY = 4.0, 2.0
_CK_SUBJECTS, _CK_UNLABELLED_SUBJECTS, _CK_UNLABELLED_SEQUENCES = 123, 5, 266
_QUIRK_CLIPS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReleaseSize:
    """Size of a release: labelled subjects, clips, the classes of a balanced set, and limits of subjects."""

    subjects: int
    clips: int
    balanced_classes: int
    max_subjects: int
    digits: str


_SIZES: Mapping[str, _ReleaseSize] = {
    "casme2": _ReleaseSize(
        subjects=26,
        clips=sum(CLIP_COUNTS[EDITION_2014].values()),
        balanced_classes=6,
        max_subjects=99,
        digits="two",
    ),
    "smic": _ReleaseSize(
        subjects=SETS["smic"].num_subjects,
        clips=SETS["smic"].num_clips,
        balanced_classes=3,
        max_subjects=99,
        digits="two",
    ),
    "samm": _ReleaseSize(
        subjects=SAMM_SUBJECTS,
        clips=sum(SAMM_CLIP_COUNTS.values()),
        balanced_classes=7,
        max_subjects=994,
        digits="three",
    ),
    "ckplus": _ReleaseSize(
        subjects=_CK_SUBJECTS - _CK_UNLABELLED_SUBJECTS,
        clips=327,
        balanced_classes=7,
        max_subjects=999,
        digits="three",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticSpec:
    """Specification of a synthetic data set. The defaults give the size and imbalance of the real set.

    Attributes:
        layout: Layout on disk, one of `LAYOUTS`.
        subjects: Number of people, in a composite of each set. None means as many as in the release: 26 in
            CASME II, 16 in SMIC, 29 in SAMM, 118 in CK+, or 123 if the layout has unlabelled sequences; five
            of the 123 have only unlabelled sequences.
        clips: Number of clips, in a composite of each set; in CK+ of labelled sequences. None means the
            release's 255, 164, 159 or 327, scaled to the number of subjects, or one clip per class and
            subject if balanced.
        frames: Frames per clip, from onset to offset, and in CK+ from neutral to peak. None means random
            lengths: 24 to 141 as in CASME II, 11 to 58 for SMIC, 30 to 100 for SAMM, and 8 to 30, shorter
            than the release, for CK+.
        balance: True if every subject shows each class equally often: six classes in CASME II and seven in
            SAMM, without "others", three in SMIC, and seven in CK+, once each. Otherwise the class
            frequencies are those of the release, with at least one clip per class.
        emotions: In a balanced CASME II the number of classes that each subject shows; subjects take turns,
            so that each class has equally many subjects. None means all six.
        amplitude: Strength of the expressions, from 0 (no motion) to 4; 1 is subtle but visible at the apex.
            CK+'s posed expressions are twice as strong, and their maximum is 2.
        identity: Variation between subjects, from 0 (the same face for all) to 2.
        raw: True to write the whole recordings, 640 x 480 pixels, in addition to the cropped faces of the
            layout casme2.
        sheet: Form of the coding sheet, one of the data set's in `SHEETS_BY_DATASET`; "" for the preferred
            one.
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
    emotions: int | None = None
    amplitude: float = 1.0
    identity: float = 1.0
    raw: bool = False
    sheet: str = ""
    quirks: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        _check_choice("layout", self.layout, LAYOUTS)
        self._check_options()
        if self.layout == COMPOSITE:
            assert self.part_specs
            return
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
    def part_specs(self) -> tuple[SyntheticSpec, ...]:
        """The specifications of the sets of a composite, with seeds of their own; () for other layouts."""
        if self.layout != COMPOSITE:
            return ()
        return tuple(
            replace(self, layout=name, seed=3 * self.seed + index) for index, name in enumerate(SETS)
        )

    @property
    def sheet_form(self) -> str:
        """The form of the coding sheet; "" for a data set without one."""
        return self.sheet or next(iter(SHEETS_BY_DATASET.get(self.layout_info.dataset, {})), "")

    @property
    def is_full_size(self) -> bool:
        """Whether the set has the size and the class counts of the release."""
        size = _SIZES[self.layout_info.dataset]
        return (self.subject_count, self.clip_count, self.balance) == (size.subjects, size.clips, False)

    @property
    def subject_count(self) -> int:
        """Number of people in the set, including those without labelled sequences."""
        if self.subjects is not None:
            return self.subjects
        return _CK_SUBJECTS if self._has_unlabelled else self._size.subjects

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
            return labelled_subjects * self.emotions_per_subject
        scaled_count = max(_CLASS_COUNT, round(self._size.clips * labelled_subjects / self._size.subjects))
        needs_more = self.quirks and self.layout_info.dataset == "casme2"
        return max(scaled_count, labelled_subjects + _QUIRK_CLIPS) if needs_more else scaled_count

    @property
    def emotions_per_subject(self) -> int:
        """Number of classes that each subject of a balanced set shows."""
        return self._size.balanced_classes if self.emotions is None else self.emotions

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
            round(self.clip_count * _CK_UNLABELLED_SEQUENCES / self._size.clips),
        )

    @property
    def _size(self) -> _ReleaseSize:
        return _SIZES[self.layout_info.dataset]

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
        self._check_sheet()
        self._check_emotions()
        if self.seed < 0:
            raise DatasetError("synthetic-seed.negative", f"a seed is 0 or above; got seed={self.seed}")

    def _check_sheet(self) -> None:
        forms = SHEETS_BY_DATASET.get(self.layout_info.dataset)
        if self.sheet and forms is None:
            layouts = ", ".join(name for name, info in LAYOUTS.items() if info.dataset in SHEETS_BY_DATASET)
            raise DatasetError(
                "synthetic-sheet.layout",
                f"a form of the coding sheet belongs to one of the layouts {layouts}; got "
                f"sheet={self.sheet!r} with layout={self.layout!r}: leave sheet out",
            )
        if self.sheet and forms:
            _check_choice("sheet", self.sheet, forms)

    def _check_emotions(self) -> None:
        if self.emotions is None:
            return
        class_count = self._size.balanced_classes
        is_accepted = self.layout_info.dataset == "casme2" and self.balance
        if not is_accepted or not 1 <= self.emotions <= class_count:
            raise DatasetError(
                "synthetic-emotions.range",
                f"a subject of a balanced CASME II shows from 1 to {class_count} emotions; got "
                f"emotions={self.emotions} with layout={self.layout!r} and balance={self.balance}: leave "
                "emotions out",
            )
        if self.subject_count * self.emotions % class_count:
            raise DatasetError(
                "synthetic-emotions.uneven",
                f"every class needs equally many subjects, so subjects times emotions must be a multiple of "
                f"{class_count}; got subjects={self.subject_count} and emotions={self.emotions}",
            )

    def _check_values(self) -> None:
        max_subjects, digits = self._size.max_subjects, self._size.digits
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
        is_posed = self.layout_info.dataset == "ckplus"
        max_amplitude = _MAX_AMPLITUDE / POSED_SCALE if is_posed else _MAX_AMPLITUDE
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
            self._size.balanced_classes,
        )
        clips_per_round, is_ckplus = (
            labelled_subjects * self.emotions_per_subject,
            self.layout_info.dataset == "ckplus",
        )
        if self.balance and (self.clip_count < clips_per_round or self.clip_count % clips_per_round):
            raise DatasetError(
                "synthetic-balance.clip-count",
                f"balance=True gives each of {labelled_subjects} subjects each of "
                f"{self.emotions_per_subject} classes equally often, so clips must be a multiple of "
                f"{clips_per_round}; got clips={self.clip_count}",
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


def _check_choice(option: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        raise DatasetError(
            "synthetic-option.unknown", f"unknown {option} {value!r}; accepted: {', '.join(choices)}"
        )

import pytest

from datasets.synthetic.layouts import LAYOUTS, SHEETS
from datasets.synthetic.spec import SyntheticSpec
from tests.error_codes import raises_code


def test_clip_counts_of_casme2() -> None:
    assert SyntheticSpec().clip_count == 255
    assert SyntheticSpec(subjects=13).clip_count == 128
    assert SyntheticSpec(subjects=1).clip_count == 10
    assert SyntheticSpec(subjects=5, balance=True).clip_count == 30
    assert SyntheticSpec(clips=99).clip_count == 99
    assert SyntheticSpec(quirks=True).clip_count == 255
    assert SyntheticSpec(subjects=1, quirks=True).clip_count == 25


@pytest.mark.parametrize(
    ("layout", "quirks", "people", "silent", "unlabelled"),
    [
        ("ck-official", False, 118, 0, 0),
        ("ck-official", True, 123, 5, 266),
        ("ck48", True, 118, 0, 0),
        ("ck-h5", False, 118, 0, 0),
        ("ck-csv", False, 123, 5, 266),
    ],
)
def test_full_ck_plus_is_the_releases_size(
    layout: str, quirks: bool, people: int, silent: int, unlabelled: int
) -> None:
    spec = SyntheticSpec(layout=layout, quirks=quirks)
    assert spec.subject_count == people
    assert spec.unlabelled_subject_count == silent
    assert spec.clip_count == 327
    assert spec.unlabelled_count == unlabelled


def test_small_ck_plus_has_the_releases_proportions() -> None:
    spec = SyntheticSpec(layout="ck-official", quirks=True, subjects=6, clips=12)
    assert (spec.unlabelled_subject_count, spec.unlabelled_count) == (1, 10)
    single = SyntheticSpec(layout="ck-official", quirks=True, subjects=1, clips=7)
    assert (single.unlabelled_subject_count, single.unlabelled_count) == (0, 6)


def test_balanced_ck_plus_has_seven_classes_per_subject() -> None:
    assert SyntheticSpec(layout="ck48", subjects=5, balance=True).clip_count == 35


def test_every_layout_names_the_set_that_reads_it() -> None:
    assert {form.dataset for form in LAYOUTS.values()} == {"casme2", "smic", "samm", "megc2019", "ckplus"}
    for layout, form in LAYOUTS.items():
        assert SyntheticSpec(layout=layout).layout_info is form


@pytest.mark.parametrize(
    ("layout", "subjects", "clips", "form"), [("smic", 16, 164, "162"), ("samm", 29, 159, "v2")]
)
def test_a_full_set_has_the_size_of_its_release(layout: str, subjects: int, clips: int, form: str) -> None:
    spec = SyntheticSpec(layout=layout)
    assert (spec.subject_count, spec.clip_count, spec.sheet_form) == (subjects, clips, form)
    assert spec.is_full_size
    assert not SyntheticSpec(layout=layout, clips=40).is_full_size


def test_a_composite_has_a_spec_for_each_set_with_a_seed_of_its_own() -> None:
    parts = SyntheticSpec(layout="megc2019", frames=3, seed=2).part_specs
    assert [(part.layout, part.frames, part.seed) for part in parts] == [
        ("smic", 3, 6),
        ("casme2", 3, 7),
        ("samm", 3, 8),
    ]
    assert SyntheticSpec().part_specs == ()


@pytest.mark.parametrize("sheet", SHEETS)
def test_sheets_combine_with_every_layout_of_casme2(sheet: str) -> None:
    for layout, form in LAYOUTS.items():
        if form.dataset == "casme2":
            assert SyntheticSpec(layout=layout, sheet=sheet).sheet == sheet


@pytest.mark.parametrize(
    ("changes", "code", "value"),
    [
        ({"layout": "mmew"}, "option.unknown", "layout 'mmew'; accepted: casme2, casme2-raw-selected"),
        ({"sheet": "2015"}, "option.unknown", "sheet '2015'; accepted: 2014, 2019, xls, csv"),
        ({"layout": "samm", "sheet": "2014"}, "option.unknown", "sheet '2014'; accepted: v2, 2018"),
        ({"layout": "megc2019", "sheet": "2014"}, "sheet.layout", "layout='megc2019'"),
        ({"layout": "megc2019", "subjects": 30, "clips": 25}, "clips.too-few", "at least 30"),
        ({"layout": "ck48", "sheet": "xls"}, "sheet.layout", "sheet='xls' with layout='ck48'"),
        ({"layout": "casme2-raw", "raw": True}, "raw.layout", "layout='casme2-raw'"),
        ({"subjects": 0}, "subjects.range", "subjects=0"),
        ({"subjects": 100}, "subjects.range", "from 1 to 99 subjects"),
        ({"subjects": 1000, "layout": "ck48"}, "subjects.range", "from 1 to 999 subjects"),
        ({"frames": 2}, "frames.too-few", "frames=2"),
        ({"frames": 10**6}, "count.too-large", "frames=1000000"),
        ({"amplitude": -0.1}, "value.range", "amplitude is accepted from 0 to 4; got -0.1"),
        ({"amplitude": float("nan")}, "value.range", "amplitude is accepted from 0 to 4; got nan"),
        ({"amplitude": 2.1, "layout": "ck-official"}, "value.range", "from 0 to 2; got 2.1"),
        ({"identity": 2.5}, "value.range", "identity is accepted from 0 to 2; got 2.5"),
        ({"seed": -1}, "seed.negative", "seed=-1"),
        ({"clips": 25}, "clips.too-few", "at least 26; got clips=25"),
        ({"subjects": 2, "clips": 6}, "clips.too-few", "at least 7; got clips=6"),
        ({"subjects": 2, "clips": 18, "balance": True}, "balance.clip-count", "of 12; got clips=18"),
        ({"subjects": 2, "clips": 0, "balance": True}, "balance.clip-count", "of 12; got clips=0"),
        (
            {"layout": "ck48", "subjects": 2, "clips": 7, "balance": True},
            "balance.clip-count",
            "of 14; got clips=7",
        ),
        ({"layout": "ck48", "subjects": 2, "clips": 15}, "clips.too-many", "14 clips; got clips=15"),
        (
            {"layout": "ck-official", "subjects": 2, "clips": 8, "quirks": True},
            "clips.too-many",
            "7 clips; got clips=8",
        ),
        ({"quirks": True, "balance": True}, "quirks.balance", "balance=True"),
        ({"quirks": True, "subjects": 3, "clips": 26}, "quirks.too-few-clips", "27; got clips=26"),
    ],
)
def test_impossible_spec_is_refused(changes: dict[str, str | float], code: str, value: str) -> None:
    with raises_code(f"synthetic-{code}", value):
        SyntheticSpec(**changes)  # type: ignore[arg-type]


def test_a_subject_of_a_balanced_casme2_shows_as_many_emotions_as_requested() -> None:
    assert SyntheticSpec(subjects=12, balance=True, emotions=1).clip_count == 12
    with raises_code("synthetic-emotions.range", "from 1 to 6", "emotions=7", "leave emotions out"):
        SyntheticSpec(subjects=12, balance=True, emotions=7)
    with raises_code("synthetic-emotions.range", "balance=False"):
        SyntheticSpec(emotions=1)
    with raises_code("synthetic-emotions.range", "layout='smic'"):
        SyntheticSpec(layout="smic", balance=True, emotions=1)
    with raises_code("synthetic-emotions.uneven", "multiple of 6", "subjects=8 and emotions=1"):
        SyntheticSpec(subjects=8, balance=True, emotions=1)

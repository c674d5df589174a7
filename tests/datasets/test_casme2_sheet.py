import shutil

import pytest

from datasets.casme2_sheet import choose, edition, read

ROW = ("01", "EP02_01f", 46, 59, 86, "happiness")


def test_rows_are_read_as_text_past_the_blank_columns(tree):
    tree.sheet([ROW, (2, "EP01_2", 3.0, "/", 9, "Others ")])
    first, second = read(tree.root / "CASME2-coding-20140508.xlsx")
    assert (first.key, first.line) == (("sub01", "EP02_01f"), 2)
    assert (first.onset, first.apex, first.offset, first.emotion) == ("46", "59", "86", "happiness")
    assert (second.subject, second.apex, second.emotion) == ("sub02", "/", "others")


def test_columns_are_matched_by_normalised_name_in_any_order(tree):
    header = (
        "subject",
        "file name",
        "Objective Classes",
        "onset",
        "Apex_Frame",
        "OFFSETFRAME",
        None,
        "AU",
        "emotion",
    )
    tree.sheet([ROW], name="a.xlsx", header=header)
    (row,) = read(tree.root / "a.xlsx")
    assert (row.filename, row.onset, row.apex, row.offset) == ("EP02_01f", "46", "59", "86")


def test_the_first_of_two_columns_of_a_name_is_read(tree):
    header = (
        "Subject",
        "Filename",
        "onset",
        "OnsetFrame",
        "ApexFrame",
        "OffsetFrame",
        None,
        "Emotion",
        "emotion",
    )
    tree.sheet([ROW], header=header)
    (row,) = read(tree.root / "CASME2-coding-20140508.xlsx")
    assert (row.onset, row.emotion) == ("46", "4+l10")


def test_empty_rows_below_the_last_clip_are_no_rows(tree):
    tree.sheet([ROW, (None, None, None, None, None, None)])
    assert len(read(tree.root / "CASME2-coding-20140508.xlsx")) == 1


def test_missing_columns_are_named_with_those_found(tree):
    header = ("Subject", "Filename", None, "OnsetFrame", "Peak", "OffsetFrame", None, "Action Units", "Class")
    tree.sheet([ROW], header=header)
    with pytest.raises(
        ValueError, match=r"missing: ApexFrame, Estimated Emotion; found: Subject, .*Peak.*Class"
    ):
        read(tree.root / "CASME2-coding-20140508.xlsx")


@pytest.mark.parametrize("content", [b"", b"not a workbook", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_workbook_is_one_clear_error(tmp_path, content):
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(ValueError, match=r"must be an \.xlsx workbook: cannot read .*a\.xlsx"):
        read(tmp_path / "a.xlsx")


def test_the_edition_of_2014_is_preferred_and_the_other_named(tree):
    tree.sheet([ROW], name="CASME2-coding-20190701.xlsx")
    tree.sheet([ROW, ROW], name="CASME2-coding-20140508.xlsx")
    books = sorted(tree.root.iterdir())
    used, note = choose(books, root=tree.root)
    assert used.name == "CASME2-coding-20140508.xlsx"
    assert note == "sheet: CASME2-coding-20140508.xlsx (not used: CASME2-coding-20190701.xlsx)"


def test_a_coding_sheet_is_preferred_to_another_workbook(tmp_path):
    books = [tmp_path / "CASME2-ObjectiveClasses.xlsx", tmp_path / "CASME2-coding-20190701.xlsx"]
    for book in books:
        book.write_text(book.name)
    assert choose(books, root=tmp_path)[0] == books[1]


def test_two_different_sheets_are_an_error_but_two_copies_are_one(tree):
    tree.sheet([ROW], name="CASME2-coding-20140508.xlsx")
    first, second = tree.root / "CASME2-coding-20140508.xlsx", tree.root / "CASME2-coding-20140508 (1).xlsx"
    shutil.copy(first, second)
    assert choose([first, second], root=tree.root)[0] == first
    second.write_bytes(b"another")
    with pytest.raises(ValueError, match=r"different ones: .*20140508\.xlsx, .*\(1\)\.xlsx"):
        choose([first, second], root=tree.root)


def test_no_sheet_is_an_error_that_says_how_to_get_one(tmp_path):
    with pytest.raises(ValueError, match=r"sheet is missing.*CASME2-coding-20140508\.xlsx"):
        choose([], root=tmp_path)


@pytest.mark.parametrize(
    ("emotions", "told"),
    [
        (("sadness", "sadness", "sadness"), "edition of 2014-05-08"),
        (("surprise", "surprise", "surprise"), "edition of 2019-07-01"),
        (("sadness", "surprise", "sadness"), "edition unknown"),
        (("sadness", "sadness"), "edition unknown"),
    ],
)
def test_the_edition_is_told_by_three_clips(tree, emotions, told):
    names = ("EP07_01", "EP07_04f", "EP10_03")[: len(emotions)]
    tree.sheet([(24, name, 1, 2, 3, emotion) for name, emotion in zip(names, emotions, strict=True)])
    assert told in edition(read(tree.root / "CASME2-coding-20140508.xlsx"))

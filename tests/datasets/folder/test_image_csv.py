import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from datasets.folder import image_csv as folder_csv
from datasets.folder.loader import load
from datasets.spec import SampleTable
from tests.error_codes import raises_code


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Write the images i1.png to i6.png and return their folder."""
    root = tmp_path / "mine"
    (root / "img").mkdir(parents=True)
    for number in range(1, 7):
        (root / f"img/i{number}.png").write_bytes(b"pixels")
    return root


@pytest.fixture
def read(root: Path) -> Callable[..., SampleTable]:
    """Return the table of a CSV file with these lines after two valid rows of two classes."""

    def load_lines(*lines: str, header: str = "path,label", encoding: str = "utf-8") -> SampleTable:
        filler = header.count(",") - 1
        good = [f"img/i{n}.png,{label}" + "," * filler for n, label in ((5, "joy"), (6, "fear"))]
        (root / "labels.csv").write_bytes("\n".join([header, *good, *lines, ""]).encode(encoding))
        return load(root, "all")

    return load_lines


def ids(table: SampleTable) -> list[str]:
    return sorted(sample.id for sample in table.samples)


def codes(table: SampleTable) -> Counter[str]:
    return Counter(anomaly.code for anomaly in table.anomalies)


def test_every_column_reaches_its_sample(root: Path) -> None:
    (root / "labels.csv").write_text(
        " Frame,LABEL ,Path,subject,clip,extra\n20, joy ,img/i1.png,p1,c1,?\n3,joy,img\\i2.png,p1,c1,\n"
        '7.0,fear,"img/i3.png",p2,c1,\n\n'
    )
    table = load(root / "labels.csv", "all")
    rows = [(s.id, table.classes[s.label], s.subject, s.clip, s.frame_number) for s in table.samples]
    assert rows == [
        ("img/i2.png", "joy", "p1", "p1/c1", 3),
        ("img/i1.png", "joy", "p1", "p1/c1", 20),
        ("img/i3.png", "fear", "p2", "p2/c1", 7),
    ]
    assert table.samples[1].onset_ref == table.samples[0].image_ref
    assert table.samples[0].path == str(root / "img/i2.png")
    assert (table.layout, codes(table)) == ("csv", {"merged class names": 1})
    assert table.notes[:3] == ("layout: csv, labels.csv", "subjects: 2", "clips: 2")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_understood(root: Path, delimiter: str) -> None:
    lines = ("path,label", "img/i1.png,joy", "img/i2.png,fear")
    (root / "labels.csv").write_text("\r\n".join(lines).replace(",", delimiter))
    assert load(root, "all").classes == ("fear", "joy")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_encoding_is_detected(root: Path, read: Callable[..., SampleTable], encoding: str) -> None:
    table = read("img/i1.png,gêne", encoding=encoding)
    assert table.classes == ("fear", "gêne", "joy")
    is_noted = "labels.csv was read as Latin-1, because it is not UTF-8" in table.notes
    assert is_noted == (encoding == "latin-1")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("../outside.png,joy", "path out of the root"),
        ("img/../../mine/img/i1.png,joy", "path out of the root"),
        ("/etc/passwd.png,joy", "path out of the root"),
        ("link.png,joy", "path out of the root"),
        ("away/outside.png,joy", "path out of the root"),
        ("..,joy", "path out of the root"),
        ("img/i9.png,joy", "missing file"),
        ("img,joy", "no image"),
        ("labels.csv,joy", "no image"),
        ("img/i1.png, ", "empty label"),
        (",joy", "empty path"),
        ("img/i1.png", "wrong number of fields"),
        ("img/i1.png,joy,more", "wrong number of fields"),
        ('"img/i1\n.png",joy', "unusable name"),
        ('img/i1.png,"jo\ty"', "unusable name"),
        ("img/i1.png," + "joy" * 50, "unusable name"),
        ("img/i5.png,joy", "duplicate path"),
        ("./img//i5.png,joy", "duplicate path"),
        ("again.png,joy", "duplicate path"),
        ("x" * 5000 + ".png,joy", "missing file"),
    ],
)
def test_unusable_row_is_left_out_and_listed(
    root: Path, read: Callable[..., SampleTable], tmp_path: Path, line: str, code: str
) -> None:
    (tmp_path / "outside.png").write_bytes(b"pixels")
    (root / "link.png").symlink_to(tmp_path / "outside.png")
    (root / "away").symlink_to(tmp_path)
    (root / "again.png").symlink_to(root / "img/i5.png")
    table = read(line)
    assert ids(table) == ["img/i5.png", "img/i6.png"]
    assert codes(table) == {code: 1}
    assert re.fullmatch(r"labels\.csv, line [45]", table.anomalies[0].location)
    json.dumps(asdict(table), ensure_ascii=False).encode()


def test_absolute_path_below_the_root_is_accepted(root: Path, read: Callable[..., SampleTable]) -> None:
    assert ids(read(f"{root}/img/i1.png,joy")) == ["img/i1.png", "img/i5.png", "img/i6.png"]


def test_trailing_empty_fields_are_ignored(read: Callable[..., SampleTable]) -> None:
    assert read("img/i1.png,joy,,").anomalies == ()


def test_image_with_two_labels_is_left_out(read: Callable[..., SampleTable]) -> None:
    table = read("img/i1.png,joy", "img/i1.png,fear")
    assert ids(table) == ["img/i5.png", "img/i6.png"]
    assert codes(table) == {"contradictory entries": 1}
    assert table.anomalies[0].location == "img/i1.png"
    assert "labels: fear, joy" in table.anomalies[0].description


def test_clip_with_two_labels_is_left_out(read: Callable[..., SampleTable]) -> None:
    header = "path,label,subject,clip"
    table = read("img/i1.png,joy,p,c", "img/i2.png,fear,p,c", "img/i3.png,joy,q,c", header=header)
    assert ids(table) == ["img/i3.png", "img/i5.png", "img/i6.png"]
    assert codes(table) == {"clip with two labels": 1}


def test_clip_with_two_subjects_is_left_out(read: Callable[..., SampleTable]) -> None:
    header = "path,label,subject,clip"
    table = read("img/i1.png,joy,p,q/c", "img/i2.png,joy,p/q,c", header=header)
    assert ids(table) == ["img/i5.png", "img/i6.png"]
    assert codes(table) == {"clip with two subjects": 1}


def test_row_without_the_subject_of_its_clip_is_left_out(read: Callable[..., SampleTable]) -> None:
    header = "path,label,subject,clip"
    table = read("img/i1.png,joy,p,c", "img/i2.png,joy,,c", "img/i3.png,joy,,d", header=header)
    assert ids(table) == ["img/i1.png", "img/i3.png", "img/i5.png", "img/i6.png"]
    assert codes(table) == {"clip without its subject": 1}
    assert {sample.clip for sample in table.samples} == {"", "p/c", "d"}


def test_frame_that_is_no_number_leaves_its_row_out(read: Callable[..., SampleTable]) -> None:
    header = "path,label,clip,frame"
    table = read("img/i1.png,joy,c,apex", "img/i2.png,joy,c,-1", "img/i3.png,joy,c,3", header=header)
    assert codes(table) == {"unusable frame": 2}


def test_partial_frame_numbers_are_replaced_by_file_names(read: Callable[..., SampleTable]) -> None:
    table = read("img/i2.png,joy,c,1", "img/i1.png,joy,c,", header="path,label,clip,frame")
    assert [s.frame_number for s in table.samples if s.clip == "c"] == [1, 2]
    assert [s.id for s in table.samples if s.clip == "c"] == ["img/i1.png", "img/i2.png"]
    assert codes(table) == {"frame numbers in part": 1}


def test_repeated_frame_number_is_listed(read: Callable[..., SampleTable]) -> None:
    table = read("img/i2.png,joy,c,1", "img/i1.png,joy,c,1", header="path,label,clip,frame")
    assert codes(table) == {"repeated frame": 1}
    assert table.samples[2].onset_ref == table.samples[3].onset_ref == table.samples[2].image_ref


def test_order_of_the_rows_does_not_matter(root: Path, read: Callable[..., SampleTable]) -> None:
    lines = [f"img/i{n}.png,{('joy', 'fear')[n % 2]},p{n % 2},c,{n}" for n in range(1, 5)]
    header = "path,label,subject,clip,frame"
    assert read(*lines, header=header).samples == read(*lines[::-1], header=header).samples


def test_many_bad_rows_are_summarized(read: Callable[..., SampleTable]) -> None:
    table = read(*(f"gone{n}.png,joy" for n in range(1000)))
    assert codes(table) == {"missing file": 21}
    assert table.anomalies[-1].description == "980 more of this kind, 1000 in all"


@pytest.mark.parametrize(
    ("data", "code", "value"),
    [
        (b"path,mood\nimg/i1.png,joy\n", "image-csv.missing-columns", "missing: label"),
        (b"path,label,Path\nimg/i1.png,joy,x\n", "image-csv.duplicate-columns", "path"),
        (b"path,label\nimg/i1.png,jo\0y\n", "image-csv.nul-bytes", "labels.csv"),
        (b"path,label\nimg/i1.png," + b"x" * 200_000, "image-csv.syntax", "line 2: field larger"),
        (b'path,label\n"img/i1.png,joy\nimg/i2.png,fear\n', "image-csv.syntax", "line 3: unexpected end"),
        (b"\xff\xfe" + b"\x00\xd8" * 3, "image-csv.encoding", "labels.csv"),
        (b"", "image-csv.missing-columns", "missing: path, label"),
        (b"path,label\n", "folder.too-few-classes", "holds 0 (layout: csv, labels.csv)"),
        (
            b"path,label\nimg/i1.png,joy\nimg/i2.png,joy\n",
            "folder.too-few-classes",
            "holds 2, all of the class joy",
        ),
    ],
)
def test_csv_that_cannot_be_used_is_one_error(root: Path, data: bytes, code: str, value: str) -> None:
    (root / "labels.csv").write_bytes(data)
    with raises_code(code, value):
        load(root / "labels.csv", "all")


def test_csv_too_large_to_be_a_list_is_refused(root: Path) -> None:
    with open(root / "labels.csv", "wb") as file:
        file.write(b"path,label\n")
        file.truncate(folder_csv.MAX_BYTES + 1)
    with raises_code("image-csv.too-large", "200 MB"):
        load(root, "all")


def test_folder_named_like_a_csv_is_none(root: Path) -> None:
    (root / "labels.csv").mkdir()
    with raises_code("image-csv.missing", root):
        load(root, "all", layout="csv")

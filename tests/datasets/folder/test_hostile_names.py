"""Tests of image folders with hostile names: only files below the root are read, or one error is raised."""

import csv
import io
import os

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.catalogue import load_dataset
from datasets.spec import SampleTable
from tests.hostile import cases, clear, damaged, file_names, folder, names, outcome

PICTURE = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
HEADER = ("path", "label", "subject", "clip", "frame")
GOOD = [(f"{n}.png", "ab"[n % 2], f"s{n // 2}", f"c{n // 2}{n % 2}", str(n)) for n in range(8)]


def text(rows, header=HEADER, encoding="utf-8") -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows([header, *rows])
    return written.getvalue().encode(encoding, "replace")


def pictures(root) -> None:
    """Write the images of the valid rows, and one outside the root that must not be read."""
    for path, *_ in GOOD:
        (root / path).write_bytes(PICTURE)
    outside = root.parent / "outside"
    (outside / "deep").mkdir(parents=True)
    for path in ("1.png", "deep/2.png"):
        (outside / path).write_bytes(PICTURE)
    os.symlink(outside, root / "link")
    os.symlink(outside / "1.png", root / "linked.png")
    os.symlink("loop.png", root / "loop.png")


def checked(root) -> SampleTable | None:
    """Return the table after checking that its paths are below the root and its texts are printable."""
    table = outcome(lambda: load_dataset("folder", "all", root=root), outside=root.parent / "outside")
    if table is None:
        return None
    below = os.path.realpath(root) + os.sep
    for sample in table.samples:
        assert os.path.realpath(sample.path).startswith(below)
        assert not os.path.isabs(sample.id)
        assert ".." not in sample.id.split("/")
    for anomaly in table.anomalies:
        clear(f"{anomaly.code} {anomaly.location} {anomaly.description} {anomaly.action}")
    for note in table.notes:
        clear(note)
    return table


def astray(root) -> st.SearchStrategy[str]:
    """Generate paths that leave the root, directly, through links, or only temporarily."""
    outside = root.parent / "outside"
    return st.sampled_from(
        (
            "../outside/1.png",
            "..\\outside\\1.png",
            "a/../../outside/1.png",
            f"../{root.name}/0.png",
            str(outside / "1.png"),
            "link/1.png",
            "link/deep/2.png",
            "./link/deep/../1.png",
            "linked.png",
            "loop.png",
            "file:///etc/passwd",
            "http://evil.example/1.png",
            "/etc/passwd",
            "/dev/zero",
            "0.png/../../outside/1.png",
            "x/" * 3000 + "1.png",
            "CON.png",
            ".",
            "0.png\0.txt",
        )
    )


@cases(60)
@given(data=st.data())
def test_no_row_leads_out_of_the_root(data):
    with folder() as root:
        pictures(root)
        bad = data.draw(
            st.lists(st.tuples(astray(root), *[st.sampled_from("ab")] * 3), min_size=1, max_size=4)
        )
        (root / "list.csv").write_bytes(text([*GOOD, *((*row, "1") for row in bad)]))
        table = checked(root)
        if table is not None:
            assert {sample.id for sample in table.samples} <= {path for path, *_ in GOOD}
            assert len(table.samples) == len(GOOD), "what is wrong with one row does no other harm"
            assert len(table.anomalies) >= 1


@cases(60)
@given(
    rows=st.lists(st.tuples(st.sampled_from([row[0] for row in GOOD]), names(), names(), names(), names())),
    encoding=st.sampled_from(("utf-8", "utf-16", "utf-8-sig", "latin-1", "cp1252", "utf-32", "utf-7")),
)
def test_any_names_in_any_encoding_are_read_or_refused(rows, encoding):
    with folder() as root:
        pictures(root)
        (root / "list.csv").write_bytes(text([*GOOD, *rows], encoding=encoding))
        checked(root)


@cases(60)
@given(data=st.data())
def test_a_damaged_list_is_read_or_refused(data):
    with folder() as root:
        pictures(root)
        (root / "list.csv").write_bytes(data.draw(damaged(text(GOOD))))
        table = checked(root)
        if table is not None:
            told = len(table.samples) + len(table.anomalies)
            assert told > 0


@cases(40)
@given(tree=st.lists(st.tuples(file_names(), file_names(), file_names(), file_names()), max_size=5))
def test_any_names_of_folders_are_read_or_refused(tree):
    with folder() as root:
        pictures(root)
        for label in ("good", "fine"):
            (root / label / "s1").mkdir(parents=True)
            (root / label / "s1" / "1.png").write_bytes(PICTURE)
        for label, subject, clip, name in tree:
            place = root / label / subject / clip
            try:
                place.mkdir(parents=True, exist_ok=True)
                (place / f"{name}.png").write_bytes(PICTURE)
            except OSError:
                continue
        table = checked(root)
        assert table is not None
        assert {"good/s1/1.png", "fine/s1/1.png"} <= {sample.id for sample in table.samples}


@pytest.mark.parametrize(
    "data",
    [
        text([("x.png", "a" * 1_000_000, "", "", "")]),
        text([("x.png", "a", "", "", "")], header=(*HEADER, *(f"c{n}" for n in range(100_000)))),
        text(GOOD) + b",\n" * 500_000,
        text(GOOD) + b'"',
        b"path,label\n" + b"\0" * 100,
        text(GOOD, header=("path", "label", "path", "clip", "frame")),
    ],
    ids=["cell", "columns", "rows", "quote", "nul", "twice"],
)
def test_an_oversized_or_odd_list_is_read_or_refused(data, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    pictures(root)
    (root / "list.csv").write_bytes(data)
    checked(root)


def test_a_list_is_known_by_its_header_even_where_its_beginning_ends_within_a_letter(tmp_path):
    for row in GOOD:
        (tmp_path / row[0]).write_bytes(PICTURE)
    for shift in range(4):
        head = "path,label,note\n0.png,a,"
        (tmp_path / "list.csv").write_bytes(
            (head + " " * shift + "\U0001f600" * 5000 + "\n1.png,b,\n").encode("utf-16")
        )
        assert len(load_dataset("folder", "all", root=tmp_path).samples) == 2

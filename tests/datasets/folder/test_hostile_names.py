"""Tests of image folders with hostile names: only files below the root are read, or one error is raised."""

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from datasets.catalogue import load_dataset
from datasets.spec import SampleTable
from tests.hostile import (
    assert_is_clear,
    case_settings,
    check_outcome,
    damaged_bytes,
    hostile_file_names,
    hostile_names,
    temporary_folder,
)

IMAGE = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
HEADER = ("path", "label", "subject", "clip", "frame")
GOOD = [(f"{n}.png", "ab"[n % 2], f"s{n // 2}", f"c{n // 2}{n % 2}", str(n)) for n in range(8)]


def text(rows: Sequence[tuple[str, ...]], header: tuple[str, ...] = HEADER, encoding: str = "utf-8") -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows([header, *rows])
    return written.getvalue().encode(encoding, "replace")


def write_images(root: Path) -> None:
    """Write the images of the valid rows, and one outside the root that must not be read."""
    for path, *_ in GOOD:
        (root / path).write_bytes(IMAGE)
    outside = root.parent / "outside"
    (outside / "deep").mkdir(parents=True)
    for path in ("1.png", "deep/2.png"):
        (outside / path).write_bytes(IMAGE)
    os.symlink(outside, root / "link")
    os.symlink(outside / "1.png", root / "linked.png")
    os.symlink("loop.png", root / "loop.png")


def check_table(root: Path) -> SampleTable | None:
    """Return the table after checking that its paths are below the root and its texts are printable."""
    table = check_outcome(lambda: load_dataset("folder", "all", root=root), outside=root.parent / "outside")
    if table is None:
        return None
    below = os.path.realpath(root) + os.sep
    for sample in table.samples:
        assert os.path.realpath(sample.path).startswith(below)
        assert not os.path.isabs(sample.id)
        assert ".." not in sample.id.split("/")
    for anomaly in table.anomalies:
        assert_is_clear(f"{anomaly.code} {anomaly.location} {anomaly.description} {anomaly.action}")
    for note in table.notes:
        assert_is_clear(note)
    return table


def escaping_paths(root: Path) -> st.SearchStrategy[str]:
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


@case_settings(60)
@given(data=st.data())
def test_no_row_leads_out_of_the_root(data: DataObject) -> None:
    with temporary_folder() as root:
        write_images(root)
        bad = data.draw(
            st.lists(st.tuples(escaping_paths(root), *[st.sampled_from("ab")] * 3), min_size=1, max_size=4)
        )
        (root / "list.csv").write_bytes(text([*GOOD, *((*row, "1") for row in bad)]))
        table = check_table(root)
        if table is not None:
            assert {sample.id for sample in table.samples} <= {path for path, *_ in GOOD}
            assert len(table.samples) == len(GOOD), "a bad row does not affect the others"
            assert len(table.anomalies) >= 1


@case_settings(60)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([row[0] for row in GOOD]),
            hostile_names(),
            hostile_names(),
            hostile_names(),
            hostile_names(),
        )
    ),
    encoding=st.sampled_from(("utf-8", "utf-16", "utf-8-sig", "latin-1", "cp1252", "utf-32", "utf-7")),
)
def test_any_names_in_any_encoding_are_read_or_refused(rows: list[tuple[str, ...]], encoding: str) -> None:
    with temporary_folder() as root:
        write_images(root)
        (root / "list.csv").write_bytes(text([*GOOD, *rows], encoding=encoding))
        check_table(root)


@case_settings(60)
@given(data=st.data())
def test_damaged_list_is_read_or_refused(data: DataObject) -> None:
    with temporary_folder() as root:
        write_images(root)
        (root / "list.csv").write_bytes(data.draw(damaged_bytes(text(GOOD))))
        table = check_table(root)
        if table is not None:
            count = len(table.samples) + len(table.anomalies)
            assert count > 0


@case_settings(40)
@given(
    tree=st.lists(
        st.tuples(hostile_file_names(), hostile_file_names(), hostile_file_names(), hostile_file_names()),
        max_size=5,
    )
)
def test_any_names_of_folders_are_read_or_refused(tree: list[tuple[str, ...]]) -> None:
    with temporary_folder() as root:
        write_images(root)
        for label in ("good", "fine"):
            (root / label / "s1").mkdir(parents=True)
            (root / label / "s1" / "1.png").write_bytes(IMAGE)
        for label, subject, clip, name in tree:
            parent = root / label / subject / clip
            try:
                parent.mkdir(parents=True, exist_ok=True)
                (parent / f"{name}.png").write_bytes(IMAGE)
            except OSError:
                continue
        table = check_table(root)
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
def test_oversized_or_malformed_list_is_read_or_refused(data: bytes, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    write_images(root)
    (root / "list.csv").write_bytes(data)
    check_table(root)


def test_header_is_recognized_if_the_probe_splits_a_character(tmp_path: Path) -> None:
    for row in GOOD:
        (tmp_path / row[0]).write_bytes(IMAGE)
    for shift in range(4):
        head = "path,label,note\n0.png,a,"
        (tmp_path / "list.csv").write_bytes(
            (head + " " * shift + "\U0001f600" * 5000 + "\n1.png,b,\n").encode("utf-16")
        )
        assert len(load_dataset("folder", "all", root=tmp_path).samples) == 2

import os
from pathlib import Path

import pytest

from datasets.folder.image_rows import MAX_LISTED, AnomalyLog, PathResolver, has_unsafe_chars, truncate_middle


def test_anomalies_are_grouped_by_code_and_truncated() -> None:
    faults = AnomalyLog()
    for n in range(MAX_LISTED + 3):
        faults.add("missing file", f"line {n}", description=f"no {n}", action="the row was left out")
        if n == 1:
            faults.add("empty label", "two\nlines", description="caf\udce9", action="the row was left out")
    *missing, rest, empty = faults.get_anomalies()
    assert [fault.location for fault in missing] == [f"line {n}" for n in range(MAX_LISTED)]
    assert (rest.code, rest.location) == ("missing file", "several places")
    assert rest.description == f"3 more of this kind, {MAX_LISTED + 3} in all"
    assert rest.action == "the row was left out"
    assert (empty.code, empty.location, empty.description) == ("empty label", r"two\nlines", r"caf\udce9")


def test_summary_counts_codes_and_names_the_first_anomaly() -> None:
    faults = AnomalyLog()
    assert faults.summarize() == ""
    for code, location in (("b", "line 2"), ("a", "line 3"), ("b", "line 4")):
        faults.add(code, location, description="so it is", action="out")
    assert faults.summarize() == " Left out: b: 2, a: 1; the first: line 2: so it is."


def test_containment_is_decided_by_the_resolved_path(tmp_path: Path) -> None:
    for folder in ("mine", "mine2"):
        (tmp_path / folder / "a").mkdir(parents=True)
        (tmp_path / folder / "a" / "1.png").touch()
    (tmp_path / "mine" / "link").symlink_to(tmp_path / "mine" / "a")
    (tmp_path / "mine" / "2.png").symlink_to(tmp_path / "mine" / "a" / "1.png")
    (tmp_path / "mine" / "out").symlink_to(tmp_path / "mine2")
    resolver = PathResolver(tmp_path / "mine")
    one = os.path.realpath(tmp_path / "mine" / "a" / "1.png")
    for name in ("a/1.png", "link/1.png", "2.png", "a/../link/1.png"):
        assert resolver.resolve(str(tmp_path / "mine" / name)) == one
    assert resolver.contains(one)
    assert resolver.contains(resolver.resolve(str(tmp_path / "mine" / "gone" / "9.png"))), (
        "a missing file counts too"
    )
    for name in ("out/a/1.png", "../mine2/a/1.png", "a/../../mine2/x"):
        assert not resolver.contains(resolver.resolve(str(tmp_path / "mine" / name)))
    assert not resolver.contains(os.path.realpath(tmp_path / "mine")), "the root is not below itself"
    assert PathResolver(tmp_path / "mine" / "out").contains(os.path.realpath(tmp_path / "mine2" / "x"))
    assert PathResolver(Path(tmp_path.root)).contains(one)


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        *[(text, False) for text in ("joy", "", "gêne 😀", "a\u00a0b", "zero\u200dwidth", "喜び")],
        *[(text, True) for text in ("a\nb", "a\tb", "\x00", "\x7f", "\udce9", "a\u2028b", "a\u2029b")],
    ],
)
def test_unsafe_characters_are_detected(text: str, bad: bool) -> None:
    assert has_unsafe_chars(text) is bad


def test_long_text_is_shortened_in_the_middle() -> None:
    assert truncate_middle("x" * 200) == "x" * 200
    assert truncate_middle("a" * 150 + "b" * 150) == "a" * 100 + "…" + "b" * 100
    assert truncate_middle("ok\r\n" + "z" * 300).startswith(r"ok\r\nzz")

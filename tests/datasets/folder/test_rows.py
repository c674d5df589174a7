import os

import pytest

from datasets.folder.rows import SINGLES, Faults, Places, shown, unwritable


def test_faults_are_told_one_code_after_the_other_and_beyond_a_limit_counted():
    faults = Faults()
    for n in range(SINGLES + 3):
        faults.add("missing file", f"line {n}", what=f"no {n}", action="the row was left out")
        if n == 1:
            faults.add("empty label", "two\nlines", what="caf\udce9", action="the row was left out")
    *missing, rest, empty = faults.anomalies()
    assert [fault.where for fault in missing] == [f"line {n}" for n in range(SINGLES)]
    assert (rest.code, rest.where) == ("missing file", "several places")
    assert rest.what == f"3 more of this kind, {SINGLES + 3} in all"
    assert rest.action == "the row was left out"
    assert (empty.code, empty.where, empty.what) == ("empty label", r"two\nlines", r"caf\udce9")


def test_a_summary_counts_each_code_and_names_the_first_fault_of_all():
    faults = Faults()
    assert faults.summary() == ""
    for code, where in (("b", "line 2"), ("a", "line 3"), ("b", "line 4")):
        faults.add(code, where, what="so it is", action="out")
    assert faults.summary() == " Left out: b: 2, a: 1; the first: line 2: so it is."


def test_a_place_is_told_apart_by_where_it_leads_and_not_by_how_its_name_begins(tmp_path):
    for folder in ("mine", "mine2"):
        (tmp_path / folder / "a").mkdir(parents=True)
        (tmp_path / folder / "a" / "1.png").touch()
    (tmp_path / "mine" / "link").symlink_to(tmp_path / "mine" / "a")
    (tmp_path / "mine" / "2.png").symlink_to(tmp_path / "mine" / "a" / "1.png")
    (tmp_path / "mine" / "out").symlink_to(tmp_path / "mine2")
    places = Places(tmp_path / "mine")
    one = os.path.realpath(tmp_path / "mine" / "a" / "1.png")
    for name in ("a/1.png", "link/1.png", "2.png", "a/../link/1.png"):
        assert places.real(str(tmp_path / "mine" / name)) == one
    assert places.holds(one)
    assert places.holds(places.real(str(tmp_path / "mine" / "gone" / "9.png"))), "there or not"
    for name in ("out/a/1.png", "../mine2/a/1.png", "a/../../mine2/x"):
        assert not places.holds(places.real(str(tmp_path / "mine" / name)))
    assert not places.holds(os.path.realpath(tmp_path / "mine")), "the root is not below itself"
    assert Places(tmp_path / "mine" / "out").holds(os.path.realpath(tmp_path / "mine2" / "x"))
    assert Places(tmp_path.root).holds(one)


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        *[(text, False) for text in ("joy", "", "gêne 😀", "a\u00a0b", "zero\u200dwidth", "喜び")],
        *[(text, True) for text in ("a\nb", "a\tb", "\x00", "\x7f", "\udce9", "a\u2028b", "a\u2029b")],
    ],
)
def test_what_cannot_be_written_on_a_line_is_known(text, bad):
    assert unwritable(text) is bad


def test_a_long_text_is_shortened_in_the_middle():
    assert shown("x" * 200) == "x" * 200
    assert shown("a" * 150 + "b" * 150) == "a" * 100 + "…" + "b" * 100
    assert shown("ok\r\n" + "z" * 300).startswith(r"ok\r\nzz")

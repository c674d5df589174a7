import pytest

from datasets.casme2_files import find, scan, subject_id


@pytest.mark.parametrize("text", ["1", "01", "1.0", "sub1", "sub01", " Sub01 ", "sub001"])
def test_every_spelling_of_a_subject_is_one_subject(text):
    assert subject_id(text) == "sub01"


@pytest.mark.parametrize("text", ["", "EP01", "sub", "1a", "2014", "-1", "nan"])
def test_other_text_is_no_subject(text):
    assert subject_id(text) == ""


@pytest.mark.parametrize(
    "below", [".", "Cropped", "Cropped/Cropped", "CASME2_preprocessed_Li Xiaobai/a/b/Cropped"]
)
def test_the_release_is_found_however_deep_it_is_nested(tree, below):
    tree.clip("sub01/EP02_01f", [46], below=below)
    assert find(tree.root).cropped == tree.root / below


def test_a_release_five_levels_down_is_not_looked_for(tree):
    tree.clip("sub01/EP02_01f", [46], below="a/b/c/d/e")
    with pytest.raises(ValueError, match=r"no Cropped release .* up to 4 levels"):
        find(tree.root)


def test_workbooks_are_found_beside_the_subjects_and_below_but_lock_files_are_not(tree):
    tree.clip("sub01/EP02_01f", [46], below="Cropped")
    for name in ("Cropped/b.xlsx", "a.XLSX", "notes/c.xlsx", "~$a.xlsx", ".d.xlsx", "e.xls"):
        (tree.root / name).parent.mkdir(exist_ok=True)
        (tree.root / name).touch()
    found = [str(path.relative_to(tree.root)) for path in find(tree.root).workbooks]
    assert found == ["Cropped/b.xlsx", "a.XLSX", "notes/c.xlsx"]


def test_a_raw_release_is_not_taken_for_the_cropped_one(tree):
    clip = tree.root / "CASME2-RAW" / "sub01" / "EP02_01f"
    clip.mkdir(parents=True)
    (clip / "img46.jpg").touch()
    with pytest.raises(ValueError, match=r"harness data synthesize"):
        find(tree.root)
    tree.clip("sub01/EP02_01f", [46])
    assert find(tree.root).cropped.name == "Cropped"


def test_two_releases_are_an_error_that_names_both(tree):
    tree.clip("sub01/EP02_01f", [46], below="old")
    tree.clip("sub01/EP02_01f", [46], below="new")
    with pytest.raises(ValueError, match=r"holds 2: .*new, .*old"):
        find(tree.root)


def test_a_root_that_is_not_there_or_is_a_file_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"there is no .*/nowhere.*casme\.psych\.ac\.cn"):
        find(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is a file"):
        find(tmp_path / "file")


def test_frames_come_in_the_order_of_their_numbers_and_junk_stays_out(tree):
    tree.clip("2/EP01", [100, 9, 46], below="Cropped")
    cropped = tree.root / "Cropped"
    (cropped / "2" / "Desktop - Shortcut.lnk").touch()
    for junk in ("._reg_img47.jpg", ".DS_Store", "Thumbs.db"):
        (cropped / "2" / "EP01" / junk).touch()
    folders, anomalies = scan(cropped)
    assert list(folders) == [("sub02", "EP01")]
    assert list(folders["sub02", "EP01"]) == [9, 46, 100]
    assert folders["sub02", "EP01"][46] == str(cropped / "2" / "EP01" / "reg_img46.jpg")
    assert anomalies == ()


def test_repeated_frames_strange_images_and_repeated_folders_are_listed(tree):
    tree.clip("sub01/EP01", [5], below="Cropped")
    tree.clip("1/EP01", [5], below="Cropped")
    for name in ("reg_img005.jpg", "img6.jpg"):
        (tree.root / "Cropped" / "1" / "EP01" / name).touch()
    folders, anomalies = scan(tree.root / "Cropped")
    assert {key: list(frames) for key, frames in folders.items()} == {("sub01", "EP01"): [5]}
    assert sorted(anomaly.code for anomaly in anomalies) == [
        "duplicate folder",
        "duplicate frame",
        "strange image",
    ]
    assert {anomaly.where for anomaly in anomalies} == {"sub01/EP01"}

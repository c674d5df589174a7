import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.synthetic_marker import MARKER
from tests.datasets.image_files import load_image


@pytest.fixture(scope="module")
def plain_set(synthetic_set: Callable[..., Path]) -> Path:
    return synthetic_set("ck-official")


@pytest.fixture(scope="module")
def quirky_set(synthetic_set: Callable[..., Path]) -> Path:
    return synthetic_set("ck-official", subjects=6, quirks=True)


def frames(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("S*.png") if re.fullmatch(r"S\d{3}_\d{3}_\d{8}", path.stem))


def test_four_folders_are_at_the_root(plain_set: Path) -> None:
    assert sorted(path.name for path in plain_set.iterdir()) == [
        MARKER,
        "Emotion",
        "FACS",
        "Landmarks",
        "cohn-kanade-images",
    ]


def test_frames_are_padded_from_1_in_folders_of_subject_and_sequence(plain_set: Path) -> None:
    images = plain_set / "cohn-kanade-images"
    for path in frames(images):
        subject, number, _ = path.stem.split("_")
        assert path.parent == images / subject / number
    numbers = {path.stem[9:] for path in frames(images)}
    assert numbers == {f"{number:08d}" for number in range(1, 4)}
    assert len(frames(images)) == 7 * 3


def test_images_are_grey_and_of_one_size_without_quirks(plain_set: Path) -> None:
    shapes = {load_image(path, cv2.IMREAD_UNCHANGED).shape for path in frames(plain_set)}
    assert shapes == {(490, 640)}


def test_sequence_departs_from_its_neutral_first_frame(plain_set: Path) -> None:
    for path in frames(plain_set)[::3]:
        first, second, last = (
            load_image(path.with_name(f"{path.stem[:9]}{number:08d}.png"), 0).astype(int)
            for number in (1, 2, 3)
        )
        assert np.abs(last - first).mean() > np.abs(second - first).mean()


def test_every_label_is_one_line_named_after_the_peak(plain_set: Path) -> None:
    labels = sorted((plain_set / "Emotion").rglob("*.txt"))
    assert len(labels) == 7
    texts = {path.read_bytes() for path in labels}
    assert texts == {f"   {code}.0000000e+00\n".encode() for code in range(1, 8)}
    for path in labels:
        peak = path.name.removesuffix("_emotion.txt")
        assert (plain_set / "cohn-kanade-images" / peak[:4] / peak[5:8] / f"{peak}.png").is_file()
        assert peak.endswith("00000003")


def test_emotion_codes_match_the_release(plain_set: Path) -> None:
    happy = [path for path in (plain_set / "Emotion").rglob("*.txt") if float(path.read_text()) == 5]
    for path in happy:
        facs = plain_set / "FACS" / path.relative_to(plain_set / "Emotion").parent
        units = {float(line.split()[0]) for line in next(facs.iterdir()).read_text().splitlines()}
        assert {6, 12} <= units
    assert happy


def test_action_units_are_pairs_of_floats(plain_set: Path) -> None:
    files = sorted((plain_set / "FACS").rglob("*_facs.txt"))
    assert len(files) == 7
    lines = [line for path in files for line in path.read_text().splitlines()]
    assert all(re.fullmatch(r"   \d\.\d{7}e\+0\d   [0-5]\.0{7}e\+00", line) for line in lines)


def test_frames_have_68_landmarks_inside_the_image(plain_set: Path) -> None:
    for path in frames(plain_set / "cohn-kanade-images"):
        folder = path.relative_to(plain_set / "cohn-kanade-images").parent
        text = (plain_set / "Landmarks" / folder / f"{path.stem}_landmarks.txt").read_text()
        assert len(text.splitlines()) == 68
        points = np.array([line.split() for line in text.splitlines()], dtype=float)
        assert ((points > 0) & (points < (640, 490))).all()


@pytest.mark.slow
def test_haar_cascade_finds_nearly_every_face_where_the_landmarks_are(
    plain_set: Path, quirky_set: Path
) -> None:
    folder: str = cv2.data.haarcascades  # type: ignore[attr-defined]
    cascade = cv2.CascadeClassifier(folder + "haarcascade_frontalface_default.xml")
    hits = []
    for root in (plain_set, quirky_set):
        for path in frames(root)[::3]:
            text = next(root.rglob(f"{path.stem}_landmarks.txt")).read_text()
            x, y = np.array(text.split(), dtype=float).reshape(68, 2)[30]
            boxes = cascade.detectMultiScale(load_image(path, 0), 1.1, 5, minSize=(96, 96))
            hits.append(any(a < x < a + w and b < y < b + h for a, b, w, h in boxes))
    assert np.mean(hits) >= 0.9


def test_without_quirks_sequences_are_labelled_and_no_other_file_exists(plain_set: Path) -> None:
    folders = {path.parent for path in frames(plain_set)}
    assert len(folders) == 7
    assert {path.suffix for path in plain_set.rglob("*") if path.is_file()} == {".png", ".txt"}
    assert sorted(path.name for path in (plain_set / "cohn-kanade-images").iterdir()) == [
        MARKER,
        *(f"S{number:03d}" for number in range(1, 3)),
    ]


@pytest.mark.slow
def test_quirks_nest_the_parts(quirky_set: Path) -> None:
    parts = ("extended-cohn-kanade-images", "Emotion_labels", "FACS_labels", "Landmarks")
    assert sorted(path.name for path in quirky_set.iterdir() if path.is_dir()) == sorted(parts)
    for part, inner in zip(parts, ("cohn-kanade-images", "Emotion", "FACS", "Landmarks"), strict=True):
        assert (quirky_set / part / inner / "S005" / "001").is_dir()


def test_quirks_skip_subject_numbers(quirky_set: Path) -> None:
    images = quirky_set / "extended-cohn-kanade-images" / "cohn-kanade-images"
    assert sorted(path.name for path in images.iterdir() if path.is_dir()) == [
        "S005",
        "S139",
        "S147",
        "S501",
        "S895",
        "S999",
    ]


def test_quirks_leave_sequences_unlabelled(quirky_set: Path) -> None:
    images = quirky_set / "extended-cohn-kanade-images" / "cohn-kanade-images"
    emotions = quirky_set / "Emotion_labels" / "Emotion"
    sequences = {
        path.parent.relative_to(images) for path in frames(images) if path.parent.parent.parent == images
    }
    labelled = {path.parent.relative_to(emotions) for path in emotions.rglob("S*_emotion.txt")}
    assert len(sequences) == 7 + 6
    assert len(labelled) == 7
    unlabelled = sequences - labelled
    empty = {sequence for sequence in unlabelled if (emotions / sequence).is_dir()}
    assert len(empty) == len(unlabelled - empty) == 3
    assert {
        path.parent.relative_to(quirky_set / "FACS_labels" / "FACS")
        for path in quirky_set.rglob("*_facs.txt")
    } == sequences
    assert (
        len({sequence.parts[0] for sequence in sequences} - {sequence.parts[0] for sequence in labelled}) == 1
    )


def test_quirks_mix_sizes_and_channels(quirky_set: Path) -> None:
    shapes = {load_image(path, cv2.IMREAD_UNCHANGED).shape for path in frames(quirky_set)}
    assert {(490, 640), (480, 640)} < shapes
    assert any(len(shape) == 3 for shape in shapes)


def test_quirks_add_junk_at_the_root_and_in_a_subject(quirky_set: Path) -> None:
    images = quirky_set / "extended-cohn-kanade-images" / "cohn-kanade-images"
    for folder in (quirky_set, images, images / "S005", quirky_set / "Emotion_labels" / "Emotion"):
        assert (folder / ".DS_Store").is_file()
    assert (images / "S005" / "Thumbs.db").is_file()
    assert (images / "S005" / "001" / "Thumbs.db").is_file()
    assert (quirky_set / "ReadMeCohnKanadeDatabase_website.txt").is_file()
    assert (images / "S005" / "notes.txt").is_file()
    stray = images / "S005" / "Copy of S005_001_00000001.png"
    assert load_image(stray) is not None
    assert list(quirky_set.rglob("._S*_emotion.txt"))

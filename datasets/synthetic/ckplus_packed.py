"""CK+ packed into one file of images and labels without subjects, like two copies in circulation.

Both use the same label codes 0 to 5. Code 6 is contempt in CK_data.h5 and neutral in ckextended.csv, where
contempt is 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import h5py
import numpy as np

from datasets.synthetic.ckplus_plan import SequencePlan
from datasets.synthetic.rendering.canvas import Image

H5_EMOTIONS = ("anger", "disgust", "fear", "happy", "sadness", "surprise", "contempt")
CSV_EMOTIONS = ("anger", "disgust", "fear", "happy", "sadness", "surprise", "", "contempt")
"""Emotions by code; "" is neutral."""


def write_h5(path: Path, folders: Mapping[str, Path]) -> None:
    """Pack every image of each emotion's folder into `data_pixel`, uint8 [n, 48, 48], with `data_label`.

    `data_label` is int64 [n]. Images are sorted by code, then by name, so the three images of a sequence are
    adjacent.
    """
    coded_paths = [
        (code, image_path)
        for code, emotion in enumerate(H5_EMOTIONS)
        for image_path in sorted(folders[emotion].glob("*.png"))
    ]
    pixels = np.stack([_read_gray(image_path) for _, image_path in coded_paths])
    labels = np.array([code for code, _ in coded_paths], dtype=np.int64)
    with h5py.File(path, "w") as file:
        # Without timestamps, the same set has the same bytes.
        file.create_dataset("data_pixel", data=pixels, track_times=False)
        file.create_dataset("data_label", data=labels, track_times=False)


def write_csv(
    path: Path, sequences: Sequence[SequencePlan], folders: Mapping[str, Path], *, seed: tuple[int, ...]
) -> None:
    """Write one row per labelled peak frame and one neutral row per sequence (frame 1), ordered by code.

    The column `Usage` assigns a tenth of the rows, at least one, to PublicTest, as many to PrivateTest, and
    the others to Training. The assignment is random and thus not by subject, as in the release.
    """
    rows = [
        (code, image_path)
        for code, emotion in enumerate(CSV_EMOTIONS)
        for sequence in sequences
        for image_path in _list_image_paths(sequence, emotion, folders)
    ]
    tenth = max(1, round(len(rows) / 10))
    usages = ["PublicTest"] * tenth + ["PrivateTest"] * tenth + ["Training"] * (len(rows) - 2 * tenth)
    shuffled_usages = np.random.default_rng(seed).permutation(usages)
    with path.open("w", newline="\n") as file:
        file.write("emotion,pixels,Usage\n")
        for (code, image_path), usage in zip(rows, shuffled_usages, strict=True):
            file.write(f"{code},{' '.join(map(str, _read_gray(image_path).ravel()))},{usage}\n")


def _list_image_paths(sequence: SequencePlan, emotion: str, folders: Mapping[str, Path]) -> tuple[Path, ...]:
    """Return the sequence's image of this emotion: the peak, the first image for neutral, or none."""
    if emotion not in ("", sequence.emotion):
        return ()
    frame_number = sequence.length if emotion else 1
    return (folders[sequence.emotion] / f"{sequence.name}_{frame_number:08d}.png",)


def _read_gray(path: Path) -> Image:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), dtype=np.uint8)

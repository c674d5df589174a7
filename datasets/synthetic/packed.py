"""CK+ packed into one file, as two copies in circulation are: images and labels, without subjects.

The two agree on codes 0 to 5 and differ in 6: contempt in CK_data.h5, neutral in ckextended.csv, whose
contempt is 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import h5py
import numpy as np

from datasets.drawing.canvas import Image
from datasets.synthetic.sequences import SequencePlan

H5_EMOTIONS = ("anger", "disgust", "fear", "happy", "sadness", "surprise", "contempt")
CSV_EMOTIONS = ("anger", "disgust", "fear", "happy", "sadness", "surprise", "", "contempt")
"""Emotions by code; "" is neutral."""


def write_h5(path: Path, folders: Mapping[str, Path]) -> None:
    """Pack every image of each emotion's folder: `data_pixel` uint8 [n, 48, 48] and `data_label` int64 [n].

    Images stand by code, then by name, so the three of a sequence are neighbours.
    """
    coded_paths = [
        (code, image_path)
        for code, emotion in enumerate(H5_EMOTIONS)
        for image_path in sorted(folders[emotion].glob("*.png"))
    ]
    pixels = np.stack([_read_gray(image_path) for _, image_path in coded_paths])
    labels = np.array([code for code, _ in coded_paths], dtype=np.int64)
    with h5py.File(path, "w") as file:
        # Without times, the same set has the same bytes.
        file.create_dataset("data_pixel", data=pixels, track_times=False)
        file.create_dataset("data_label", data=labels, track_times=False)


def write_csv(
    path: Path, sequences: Sequence[SequencePlan], folders: Mapping[str, Path], *, seed: tuple[int, ...]
) -> None:
    """Write a row for each peak and, after frame 1 of every sequence, a neutral row, ordered by code.

    `Usage` puts a tenth of the rows, at least one, each into PublicTest and PrivateTest, the rest into
    Training, by chance and thus across subjects, as in the release.
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
    """The sequence's image of this emotion: its peak, its first for neutral, or none."""
    if emotion not in ("", sequence.emotion):
        return ()
    frame_number = sequence.length if emotion else 1
    return (folders[sequence.emotion] / f"{sequence.name}_{frame_number:08d}.png",)


def _read_gray(path: Path) -> Image:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), dtype=np.uint8)

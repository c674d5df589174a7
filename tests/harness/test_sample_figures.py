"""Tests of the sample sheet and the augmentation strip, identified by the colours of their images."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch

from datasets.preprocessing.image_array import ImageArray
from datasets.spec import AugmentationSpec, DatasetSpec, Sample, SampleTable, Split
from harness.sample_figures import render_sample_figures
from studies.arms import build_comparison_arms
from studies.spec import TrainingSpec
from studies.study import Study

APEX, OTHER, LONE = (0, 200, 0), (200, 0, 0), (0, 0, 200)
STILL = AugmentationSpec(flip=0, rotation=0, scale=0, crop=0, brightness=0, contrast=0, saturation=0, hue=0)


def make_images(rows: Sequence[tuple[int, str, str, tuple[int, int, int]]]) -> ImageArray:
    """Return one uniform image per (label, subject, role, colour)."""
    samples = tuple(
        Sample(id=str(n), path="", label=label, subject=subject, clip=subject, frame_number=n, role=role)
        for n, (label, subject, role, _) in enumerate(rows)
    )
    table = SampleTable(dataset="made", frame_policy="all", classes=("anger", "joy"), samples=samples)
    colours = np.array([colour for *_, colour in rows], dtype=np.uint8)
    images = np.broadcast_to(colours[:, :, None, None], (len(rows), 3, 16, 16)).copy()
    return ImageArray(table=table, images=images, fingerprint="")


def render(pixels: ImageArray, *, first: int = 0, augmentation: AugmentationSpec = STILL) -> dict[str, bytes]:
    study = Study(
        kind="comparison",
        design="",
        preset="quick",
        dataset=DatasetSpec(name="folder", frame_policy="all", image_size=32),
        fingerprint="",
        protocols=("frame",),
        seeds=(0,),
        training=TrainingSpec(augmentation=augmentation),
        arms=build_comparison_arms(("proposed",)),
    )
    split = Split(protocol="frame", fold=0, seed=0, train=(first,), validation=(), test=())
    return render_sample_figures(pixels, split, study)


def panels(png: bytes, colour: tuple[int, int, int]) -> int:
    """Return how many images of a colour a figure shows."""
    image = cv2.imdecode(np.frombuffer(png, dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
    assert image is not None
    near = (np.abs(image.astype(np.int16) - colour).max(axis=2) <= 1).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(near)
    return sum(stats[n, cv2.CC_STAT_AREA] > 400 for n in range(1, count))


def test_class_shows_an_apex_for_up_to_six_subjects() -> None:
    joys = [(1, f"s{n}", role, c) for n in range(8) for role, c in (("onset", OTHER), ("apex", APEX))]
    again = [(1, "s0", "apex", APEX)]
    angers = [(0, "s1", "", LONE), (0, "s1", "", LONE), (0, "s2", "apex", APEX)]
    sheet = render(make_images([*joys, *again, *angers]))["samples"]
    assert (panels(sheet, APEX), panels(sheet, LONE), panels(sheet, OTHER)) == (7, 1, 0)


def test_strip_is_the_first_training_image_and_eight_variants() -> None:
    pixels = make_images([(0, "s1", "apex", APEX), (1, "s2", "apex", OTHER), (1, "s3", "", LONE)])
    strip = render(pixels, first=1)["augmentation"]
    assert (panels(strip, OTHER), panels(strip, APEX), panels(strip, LONE)) == (9, 0, 0)
    changed = render(pixels, first=2, augmentation=AugmentationSpec(brightness=0.5))["augmentation"]
    assert panels(changed, LONE) == 1, "the original"


def test_float_flow_is_drawn_as_the_bytes_that_it_stands_for() -> None:
    pixels = make_images([(0, "s1", "apex", APEX), (1, "s2", "apex", OTHER)])
    maps = np.zeros((2, 3, 16, 16), np.float16)
    maps[0, 0], maps[1, 2] = 2.0, 0.5
    figures = render(replace(pixels, images=maps))
    assert [panels(figures["samples"], colour) for colour in ((255, 128, 0), (128, 128, 128))] == [1, 1]
    assert panels(figures["augmentation"], (255, 128, 0)) == 9


def test_figures_are_reproducible_and_preserve_random_state() -> None:
    pixels = make_images([(0, "s1", "apex", APEX), (1, "s2", "apex", OTHER)])
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first = render(pixels, augmentation=AugmentationSpec())
    assert torch.equal(torch.rand(2), expected)
    assert render(pixels, augmentation=AugmentationSpec()) == first

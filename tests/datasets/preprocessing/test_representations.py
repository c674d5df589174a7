from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.preprocessing.representations import (
    MAX_DISPLACEMENT,
    MAX_STRAIN,
    compute_difference,
    compute_flow,
    quantize_flow,
    represent,
    resize_to_square,
)
from datasets.spec import DEFAULT_FLOW, FLOW_METHODS, FlowSpec

SIDE = DEFAULT_FLOW.size


@pytest.fixture(scope="module")
def skin() -> NDArray[np.uint8]:
    """Return a texture with trackable detail and a margin for shifts."""
    noise = np.random.default_rng(0).integers(0, 256, size=(SIDE + 64, SIDE + 64)).astype(np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    smooth = cv2.normalize(smooth, np.empty_like(smooth), 0, 255, cv2.NORM_MINMAX)
    return np.asarray(cv2.cvtColor(smooth, cv2.COLOR_GRAY2BGR), dtype=np.uint8)


def render_view(
    skin: NDArray[np.uint8],
    *,
    stretch: tuple[float, float] = (1.0, 1.0),
    shift: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.uint8]:
    """Return the middle of the texture after scaling about its centre and shifting."""
    centre = (SIDE - 1) / 2
    (sx, sy), (dx, dy) = stretch, shift
    moved = np.array([[sx, 0, centre - sx * (centre + 32) + dx], [0, sy, centre - sy * (centre + 32) + dy]])
    view = cv2.warpAffine(skin, moved, (SIDE, SIDE), flags=cv2.INTER_CUBIC)
    return np.asarray(view, dtype=np.uint8)


def crop_margin(image: NDArray[Any]) -> NDArray[np.float64]:
    edge = len(image) // 8
    return image[edge:-edge, edge:-edge].astype(float)


def test_difference_is_half_the_change_about_128() -> None:
    frame = np.array([[[0, 255, 10], [100, 101, 99]]], dtype=np.uint8)
    onset = np.array([[[255, 0, 10], [100, 100, 100]]], dtype=np.uint8)
    assert compute_difference(frame, onset).tolist() == [[[0, 255, 128], [128, 128, 127]]]
    assert compute_difference(frame, onset).dtype == np.uint8


def test_translation_gives_u_and_v_relative_to_the_side(skin: NDArray[np.uint8]) -> None:
    flow = crop_margin(compute_flow(render_view(skin, shift=(3, -2)), render_view(skin), size=SIDE))
    expected = [128 + 127 * pixels / SIDE / MAX_DISPLACEMENT for pixels in (3, -2)]
    assert np.median(flow[..., 0]) == pytest.approx(expected[0], abs=3)
    assert np.median(flow[..., 1]) == pytest.approx(expected[1], abs=3)
    assert np.median(flow[..., 2]) <= 5


@pytest.mark.parametrize("stretch", [(1.05, 1.0), (1.0, 1.05), (1.05, 0.95)])
def test_stretching_is_strain_and_its_motion_grows_from_the_centre(
    skin: NDArray[np.uint8], stretch: tuple[float, float]
) -> None:
    flow = crop_margin(compute_flow(render_view(skin, stretch=stretch), render_view(skin), size=SIDE))
    expected = 255 * np.hypot(stretch[0] - 1, stretch[1] - 1) / MAX_STRAIN
    assert np.median(flow[..., 2]) == pytest.approx(expected, abs=5)
    slopes = [np.polyfit(np.arange(len(flow)), flow[..., axis].mean(axis=axis), 1)[0] for axis in (0, 1)]
    assert slopes == pytest.approx([127 / MAX_DISPLACEMENT * (s - 1) / SIDE for s in stretch], abs=0.1)


def test_still_face_is_no_motion_and_no_strain(skin: NDArray[np.uint8]) -> None:
    for size in (60, SIDE, 300):
        flow = compute_flow(render_view(skin), render_view(skin), size=size)
        assert flow.shape == (size, size, 3)
        assert np.unique(crop_margin(flow).reshape(-1, 3), axis=0).tolist() == [[128, 128, 0]]
        # At the very edge of the image Farnebäck is off by a fraction of a pixel.
        assert np.abs(flow.astype(int) - [128, 128, 0]).max() <= 32


def test_motion_beyond_the_scale_is_clipped_at_its_ends(skin: NDArray[np.uint8]) -> None:
    shifted = compute_flow(render_view(skin, shift=(9, -9)), render_view(skin), size=SIDE)
    assert np.median(crop_margin(shifted)[..., 0]) == 255
    assert np.median(crop_margin(shifted)[..., 1]) == 1


def test_size_does_not_change_the_scale(skin: NDArray[np.uint8]) -> None:
    large = render_view(skin, shift=(3, 0))
    for size in (56, 300):
        assert np.median(
            crop_margin(compute_flow(large, render_view(skin), size=size))[..., 0]
        ) == pytest.approx(185, abs=3)
    assert np.median(
        crop_margin(
            compute_flow(resize_to_square(large, 150), resize_to_square(render_view(skin), 150), size=SIDE)
        )[..., 0]
    ) == (pytest.approx(185, abs=4))


@pytest.mark.parametrize("method", FLOW_METHODS)
def test_float_flow_of_a_translation_is_its_displacement_without_strain(
    skin: NDArray[np.uint8], method: str
) -> None:
    settings = FlowSpec(method=method, size=112, scale="constant")
    maps = compute_flow(render_view(skin, shift=(6, -4)), render_view(skin), size=28, flow=settings)
    assert maps.dtype == np.float16
    assert maps.shape == (28, 28, 3)
    u, v, strain = np.median(crop_margin(maps).reshape(-1, 3), axis=0)
    assert u * MAX_DISPLACEMENT * SIDE == pytest.approx(6, abs=0.3)
    assert v * MAX_DISPLACEMENT * SIDE == pytest.approx(-4, abs=0.3)
    assert strain * MAX_STRAIN == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("method", FLOW_METHODS)
def test_float_flow_of_a_stretch_has_the_strain_of_the_formula(skin: NDArray[np.uint8], method: str) -> None:
    settings = FlowSpec(method=method, size=112, scale="constant")
    maps = compute_flow(render_view(skin, stretch=(1.05, 0.95)), render_view(skin), size=28, flow=settings)
    assert np.median(crop_margin(maps)[..., 2]) * MAX_STRAIN == pytest.approx(np.hypot(0.05, 0.05), abs=0.01)


def test_bytes_are_the_rounded_constant_scale(skin: NDArray[np.uint8]) -> None:
    images = render_view(skin, shift=(9, -2), stretch=(1.03, 1.0)), render_view(skin)
    maps = compute_flow(*images, size=28, flow=FlowSpec(scale="constant"))
    assert maps.max() > 1, "floats are not clipped"
    rounded = quantize_flow(maps.astype(np.float32))
    assert np.abs(rounded.astype(int) - compute_flow(*images, size=28)).max() <= 1


@pytest.mark.parametrize("method", FLOW_METHODS)
def test_image_scale_has_the_largest_magnitude_1_and_keeps_a_still_face_at_0(
    skin: NDArray[np.uint8], method: str
) -> None:
    settings = FlowSpec(method=method, size=32, scale="image")
    maps = compute_flow(render_view(skin, shift=(-5, 3)), render_view(skin), size=16, flow=settings)
    assert np.abs(maps).max(axis=(0, 1)).tolist() == [1, 1, 1]
    assert np.median(maps[..., 0]) < 0 < np.median(maps[..., 1])
    black = np.zeros((32, 32, 3), np.uint8)
    assert not compute_flow(black, black, size=16, flow=settings).any()


def test_frame_is_resized_by_area_and_ignores_the_onset() -> None:
    image = np.array([[0, 100, 8, 8], [40, 60, 8, 8]], dtype=np.uint8)
    frame = np.dstack([np.vstack([image, image])] * 3)
    resized = represent(frame, frame[:0], representation="frame", size=2)
    assert resized[..., 1].tolist() == [[50, 8], [50, 8]]


def test_representations_have_the_requested_size_for_any_onset_size(skin: NDArray[np.uint8]) -> None:
    frame = render_view(skin)
    onset = np.asarray(cv2.resize(frame, (300, 300)), dtype=np.uint8)
    for name in ("apex_minus_onset", "flow"):
        resized = represent(frame, onset, representation=name, size=48)
        assert resized.shape == (48, 48, 3)
        assert np.median(resized.reshape(-1, 3), axis=0)[:2] == pytest.approx([128, 128], abs=2)
    plain = represent(frame, frame[:, ::-1], representation="apex_minus_onset", size=SIDE)
    assert np.array_equal(plain, compute_difference(frame, frame[:, ::-1]))

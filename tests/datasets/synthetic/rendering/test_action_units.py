import pytest

from datasets.synthetic.rendering.action_units import (
    ACTION_UNIT_MOTIONS,
    EMOTION_ACTION_UNITS,
    FaceMotion,
    compute_motion,
)
from tests.error_codes import raises_code


def test_intensity_scales_a_unit() -> None:
    left, right = compute_motion("12", 0.5)
    assert left == right
    assert left.corner_up == pytest.approx(ACTION_UNIT_MOTIONS[12].corner_up / 2)
    assert left.brow_inner == 0


def test_action_units_add_up() -> None:
    left, _ = compute_motion("1+4", 1.0)
    assert left.brow_inner == pytest.approx(
        ACTION_UNIT_MOTIONS[1].brow_inner + ACTION_UNIT_MOTIONS[4].brow_inner
    )


def test_unit_of_one_side_moves_only_that_side() -> None:
    left, right = compute_motion("4+L10", 1.0)
    assert left.lip_upper == ACTION_UNIT_MOTIONS[10].lip_upper
    assert right.lip_upper == 0
    assert left.brow_squeeze == right.brow_squeeze > 0
    assert compute_motion("R14", 1.0) == (FaceMotion(), ACTION_UNIT_MOTIONS[14])


def test_no_intensity_is_rest() -> None:
    assert compute_motion("1+2+5+26", 0.0) == (FaceMotion(), FaceMotion())


@pytest.mark.parametrize("units", ["99", "", "4+", "X4", "?"])
def test_unknown_unit_error_lists_known_units(units: str) -> None:
    with raises_code("action-unit.unknown", repr(units), ": 1, 2, 4"):
        compute_motion(units, 1.0)


def test_emotion_variants_are_known_and_unique() -> None:
    variants = [units for of in EMOTION_ACTION_UNITS.values() for units in of]
    assert len(set(variants)) == len(variants)
    assert all(compute_motion(units, 1.0) != (FaceMotion(), FaceMotion()) for units in variants)


def test_brows_and_lip_corners_distinguish_emotions() -> None:
    surprise, disgust, happiness, sadness = (
        compute_motion(EMOTION_ACTION_UNITS[name][0], 1.0)[0]
        for name in ("surprise", "disgust", "happiness", "sadness")
    )
    assert surprise.brow_inner > 0 > disgust.brow_inner
    assert happiness.corner_up > 0 > sadness.corner_up

import cv2
import numpy as np
import pytest

from datasets.leakage.signature import compute_signatures, squared_distances


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def face(rng):
    """Return a smooth random image, uint8 (3, 64, 64); each call returns another person."""

    def draw():
        coarse = rng.normal(128, 45, (8, 8, 3)).astype(np.float32)
        smooth = cv2.resize(coarse, (64, 64), interpolation=cv2.INTER_CUBIC)
        return np.clip(smooth, 20, 220).astype(np.uint8).transpose(2, 0, 1)

    return draw


def apart(found, row, other):
    return float(np.linalg.norm(found[row].astype(np.float64) - found[other].astype(np.float64)))


def test_a_signature_is_256_numbers_of_zero_mean_and_unit_norm(face):
    found = compute_signatures(np.stack([face(), face()]))
    assert (found.shape, found.dtype) == ((2, 256), np.float32)
    assert found.mean(axis=1) == pytest.approx([0, 0], abs=1e-6)
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1], abs=1e-6)


def test_an_image_of_one_grey_has_a_signature_of_zeros():
    assert not compute_signatures(np.full((1, 3, 37, 37), 201, dtype=np.uint8)).any()


@pytest.mark.parametrize("side", [8, 16, 50])
def test_images_of_any_size_have_one(face, side):
    small = cv2.resize(np.ascontiguousarray(face().transpose(1, 2, 0)), (side, side)).transpose(2, 0, 1)
    assert np.linalg.norm(compute_signatures(small[None])) == pytest.approx(1, abs=1e-6)


def test_colours_weigh_as_in_grey(face):
    image = face()
    grey = cv2.cvtColor(np.ascontiguousarray(image.transpose(1, 2, 0)), cv2.COLOR_RGB2GRAY)
    found = compute_signatures(np.stack([image, np.stack([grey] * 3)]))
    assert apart(found, 0, 1) < 0.01


def test_a_changed_copy_is_near_and_another_person_is_far(rng, face):
    image = face()
    pixels = np.ascontiguousarray(image.transpose(1, 2, 0))
    coded = cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
    brighter = (image * 1.1 + 10).astype(np.uint8)
    shifted = np.roll(image, 1, axis=2)
    found = compute_signatures(np.stack([image, coded.transpose(2, 0, 1), brighter, shifted, face()]))
    near = [apart(found, 0, other) for other in (1, 2, 3)]
    assert max(near) < apart(found, 0, 4) / 4


def test_squares_are_those_of_a_plain_loop_in_every_block(rng):
    found = rng.normal(size=(300, 256)).astype(np.float32)
    rows, others = np.arange(0, 300, 2), np.array([1, 298, 5])
    blocks = [(cut, block.copy()) for cut, block in squared_distances(found, rows, others=others)]
    assert [cut.start for cut, _ in blocks] == [0, 128]
    whole = np.concatenate([block for _, block in blocks])
    assert whole.shape == (150, 3)
    assert np.sqrt(whole[149, 1]) == pytest.approx(1e-5)
    for row, other in ((0, 0), (140, 1), (149, 2)):
        assert np.sqrt(whole[row, other]) == pytest.approx(apart(found, rows[row], others[other]))

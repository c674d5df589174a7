"""Images as arrays: those that a test reads back from a file, and a photograph of a face."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


def load_image(path: Path | str, flags: int = cv2.IMREAD_COLOR) -> NDArray[np.uint8]:
    """Return the BGR pixels (H, W, 3) of an image file, or what OpenCV's `flags` ask for."""
    image = cv2.imread(str(path), flags)
    assert image is not None, path
    return np.asarray(image, dtype=np.uint8)


def recode_as_jpeg(image: NDArray[np.uint8], *, quality: int) -> NDArray[np.uint8]:
    """Return an image (3, H, W) after it was stored as a JPEG file."""
    pixels = np.ascontiguousarray(image.transpose(1, 2, 0))
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(decoded, dtype=np.uint8).transpose(2, 0, 1)


def load_astronaut() -> NDArray[np.uint8]:
    """Return scikit-image's photograph of Eileen Collins, 512 by 512 px in BGR."""
    from skimage.data import astronaut

    photograph = astronaut()
    return np.asarray(cv2.cvtColor(photograph, cv2.COLOR_RGB2BGR), dtype=np.uint8)

import json

import pytest

from architectures.catalogue import CATALOGUE
from harness.commands.cost import MAX_CLASSES
from tests.harness.tiny import Run


def test_document_counts_the_published_parameters_of_vgg16(harness: Run) -> None:
    status, out, _ = harness("cost", "--only", "vgg16", "--classes", 1000, "--image-size", 32, "--json")
    document = json.loads(out)
    assert (status, document["image_size"], document["classes"]) == (0, 32, 1000)
    (network,) = document["architectures"]
    assert (network["name"], network["parameters"]) == ("vgg16", 138_357_544)
    assert network["mib"] == pytest.approx(138_357_544 * 4 / 2**20)


def test_table_states_the_size_and_the_classes(harness: Run) -> None:
    status, out, _ = harness("cost", "--only", "proposed", "--width", 0.125, "--image-size", 32)
    assert status == 0
    assert "at 32 px, 6 classes" in out
    assert "| proposed |" in out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--classes", 1), f"--classes must be at least 2 and at most {MAX_CLASSES}; got 1"),
        (("--classes", MAX_CLASSES + 1), f"at most {MAX_CLASSES}; got {MAX_CLASSES + 1}"),
        (("--image-size", 64, "--only", "alexnet"), "--image-size must be at least 65 for alexnet; got 64"),
        (("--image-size", 4), "--image-size must be from 8 to 1024 pixels; got 4"),
        (("--only", "vgg17"), f"unknown architecture 'vgg17'; accepted: {', '.join(CATALOGUE)}"),
    ],
)
def test_wrong_option_is_one_message(harness: Run, args: tuple[object, ...], message: str) -> None:
    status, out, err = harness("cost", *args)
    assert (status, out) == (2, "")
    assert message in err

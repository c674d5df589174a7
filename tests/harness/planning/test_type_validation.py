"""Tests that the fields of a `Request` are validated before anything else is done."""

from pathlib import Path

import pytest

from harness.data.loading import DataRequest
from harness.planning.plan import plan_study
from harness.planning.request import Request
from harness.planning.type_validation import validate_types
from tests.error_codes import raises_code
from tests.harness.tiny import request


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("protocols", "subject", "protocols takes tuple[str, ...]; got 'subject': write ('subject',)"),
        ("only", "vgg16", "only takes tuple[str, ...]; got 'vgg16': write ('vgg16',)"),
        ("user_networks", (3,), "user_networks takes tuple[str, ...]; got (3,)"),
        ("seeds", "3", "seeds takes int | None; got '3'"),
        ("seeds", True, "seeds takes int | None; got True"),
        ("epochs", 1.5, "epochs takes int | None; got 1.5"),
        ("width", "half", "width takes float | None; got 'half'"),
        ("controls", "yes", "controls takes bool; got 'yes'"),
        ("kind", "sweep", "kind takes Literal['ablation', 'comparison']; got 'sweep'"),
        ("data", "casme2", "data takes DataRequest; got 'casme2'"),
    ],
)
def test_type_error_names_field_value_and_accepted_type(
    tree: Path, field: str, value: object, message: str
) -> None:
    with raises_code("option.wrong-type") as error:
        plan_study(request(tree, **{field: value}))
    assert str(error.value) == f"Request.{message}"


def test_fields_of_the_data_are_validated(tree: Path) -> None:
    with raises_code("option.wrong-type", "DataRequest.root takes Path | None; got 3"):
        plan_study(request(tree, data=DataRequest(dataset="casme2", root=3)))  # type: ignore[arg-type]


def test_unambiguous_values_are_converted() -> None:
    original = Request(
        kind="comparison",
        data=DataRequest(dataset="casme2", root="faces"),  # type: ignore[arg-type]
        only=["vgg16"],  # type: ignore[arg-type]
        width=1,
    )
    validated = validate_types(original)
    assert (validated.data.root, validated.only, validated.epochs) == (Path("faces"), ("vgg16",), None)
    assert isinstance(validated.width, float)

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
        ("seeds", "3", "seeds takes int; got '3'"),
        ("seeds", True, "seeds takes int; got True"),
        ("epochs", 1.5, "epochs takes int | None; got 1.5"),
        ("width", "half", "width takes float | None; got 'half'"),
        ("controls", "yes", "controls takes bool; got 'yes'"),
        ("kind", "sweep", "kind takes Literal['ablation', 'comparison']; got 'sweep'"),
        ("data", "casme2", "data takes DataRequest; got 'casme2'"),
    ],
)
def test_a_value_of_another_type_is_named_with_its_field_and_what_is_accepted(
    tree: Path, field: str, value: object, message: str
) -> None:
    with raises_code("option.wrong-type") as told:
        plan_study(request(tree, **{field: value}))
    assert str(told.value) == f"Request.{message}"


def test_the_fields_of_the_data_are_judged_too(tree: Path) -> None:
    with raises_code("option.wrong-type", "DataRequest.root takes Path | None; got 3"):
        plan_study(request(tree, data=DataRequest(dataset="casme2", root=3)))  # type: ignore[arg-type]


def test_what_can_only_mean_one_thing_is_taken() -> None:
    given = Request(
        kind="comparison",
        data=DataRequest(dataset="casme2", root="faces"),  # type: ignore[arg-type]
        only=["vgg16"],  # type: ignore[arg-type]
        width=1,
    )
    taken = validate_types(given)
    assert (taken.data.root, taken.only, taken.epochs) == (Path("faces"), ("vgg16",), None)
    assert isinstance(taken.width, float)

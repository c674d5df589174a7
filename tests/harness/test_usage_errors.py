import pytest
import typer

from harness.cli import app
from harness.usage_errors import UsageError, format_usage_error, is_help


def _catch(*args: str) -> Exception:
    """Return the usage error that the command line raises for these arguments."""
    with pytest.raises(UsageError) as caught:
        app(list(args), standalone_mode=False, prog_name="harness")
    return caught.value


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("cost", "--image-sise", "64"), "No such option: --image-sise. Did you mean '--image-size'? See"),
        (("cost", "--classes", "two"), "'two'"),
        (("score",), "Missing argument"),
        (("cost", "--trials", "3"), "No such option: --trials; it is an option of tune; see"),
        (("cost", "--quirks"), "it is an option of data synthesize; see"),
    ],
)
def test_usage_error_is_one_line_with_the_help_to_read(args: tuple[str, ...], message: str) -> None:
    text = format_usage_error(_catch(*args))
    assert message in text
    assert "\n" not in text
    assert text.endswith(f" `harness {args[0]} --help`")


def test_group_without_a_command_prints_help() -> None:
    assert is_help(_catch("data"))
    assert not is_help(_catch("cost", "--classes", "two"))


def test_error_without_a_context_names_the_general_help() -> None:
    text = format_usage_error(typer.BadParameter("the value must be even."))
    assert text == "Invalid value: the value must be even; see `harness COMMAND --help`"

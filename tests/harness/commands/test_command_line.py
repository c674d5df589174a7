import pytest

from harness.commands.command_line import format_command


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (("compare", "--root", "my faces"), "harness compare --root 'my faces'"),
        (("compare", "--root", "a@b/faces?"), "harness compare --root 'a@b/faces?'"),
        (("--tracking-uri", "http://ann:se@cret@host:5000"), "harness --tracking-uri 'http://…@host:5000'"),
        (("--tracking-uri=https://ann:secret@host",), "harness '--tracking-uri=https://…@host'"),
        (("--searches", "postgresql://ann:secret@host/db"), "harness --searches 'postgresql://…@host/db'"),
        (("--searches", "sqlite:////home/a@b/o.db"), "harness --searches sqlite:////home/a@b/o.db"),
    ],
)
def test_command_is_quoted_and_holds_no_login(arguments: tuple[str, ...], command: str) -> None:
    assert format_command(arguments) == command

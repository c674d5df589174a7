"""Tests that option groups become the command's options and are passed to it as groups."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from harness.commands import data_options, options
from harness.commands.choices import parse_list
from harness.commands.option_groups import expand_option_groups


@dataclass(frozen=True, kw_only=True)
class Location:
    room: Annotated[str, typer.Option(help="Which of the rooms.")] = "attic"
    rows: Annotated[list[str] | None, typer.Option("--row", help="Repeatable.")] = None


@dataclass(frozen=True, kw_only=True)
class Chair(Location):
    chair: Annotated[int, typer.Option(help="Counted from the door.")] = 2


@dataclass(frozen=True, kw_only=True)
class Look:
    bright: Annotated[bool, typer.Option("--bright", help="With the lamp.")] = False


CALLS: list[tuple[Any, ...]] = []


@expand_option_groups
def visit(
    location: Location,
    look: Look,
    guest: Annotated[str, typer.Option(help="Who comes.")] = "nobody",
    json: options.Json = False,
) -> None:
    """Go and see."""
    CALLS.append((location, look, guest, json))


@expand_option_groups
def sit(location: Chair, *, guest: Annotated[str, typer.Argument()]) -> None:
    """Sit down."""
    CALLS.append((location, guest))


@expand_option_groups
def study(data: data_options.DataOptions, splits: options.SplitsAndSeeds, training: options.Training) -> None:
    """Ask for a study."""
    CALLS.append((options.build_request("comparison", data, splits=splits, training=training),))


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


def run(command: Any, *args: str) -> tuple[int, str]:
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command()(command)
    result = CliRunner().invoke(app, args)
    return result.exit_code, result.output


def test_command_gets_its_groups_with_their_defaults_and_its_own_parameters() -> None:
    assert run(visit) == (0, "")
    assert (
        run(visit, "--row", "a", "--room", "hall", "--guest", "me", "--bright", "--json", "--row", "b")[0]
        == 0
    )
    plain, values = CALLS
    assert plain == (Location(), Look(), "nobody", False)
    assert values == (Location(room="hall", rows=["a", "b"]), Look(bright=True), "me", True)


def test_help_is_the_commands_own_with_every_groups_options_in_order() -> None:
    code, out = run(visit, "--help")
    assert code == 0
    assert "Usage: visit" in out
    assert "Go and see." in out
    positions = [
        out.index(text) for text in ("Which of the rooms.", "Repeatable.", "With the lamp.", "Who comes.")
    ]
    assert positions == sorted(positions)
    assert "[default: attic]" in out


def test_group_inherits_its_parents_options() -> None:
    assert run(sit, "--room", "hall", "me") == (0, "")
    assert run(sit, "--chair", "7", "--row", "x", "me") == (0, "")
    hall, seventh = CALLS
    assert hall == (Chair(room="hall"), "me")
    assert seventh == (Chair(chair=7, rows=["x"]), "me")
    assert run(visit, "--chair", "7")[0] == 2, "the parent does not have the options of its child"


@pytest.mark.parametrize(
    ("command", "args"),
    [(sit, ("--chair", "two", "me")), (sit, ()), (visit, ("--lamp",)), (visit, ("--bright", "yes"))],
)
def test_wrong_option_is_a_usage_error(command: Any, args: tuple[str, ...]) -> None:
    code, out = run(command, *args)
    assert (code, CALLS) == (2, [])
    assert "Usage: " in out


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (None, ()),
        ([], ()),
        (["fear"], ("fear",)),
        (["fear, joy", "anger"], ("fear", "joy", "anger")),
        (["b,a", "b"], ("b", "a", "b")),
    ],
)
def test_repeatable_option_accepts_commas_in_order(values: Any, expected: tuple[str, ...]) -> None:
    assert parse_list(values) == expected


def test_study_request_is_built_from_every_group() -> None:
    assert run(study)[0] == 0
    args = (
        "--dataset casme2 --root /r --classes fear,joy --classes anger --align haar --layout raw "
        "--protocol subject,kfold --folds 5 --seeds 3 --preset quick --epochs 7 --width 0.5 --batch 8"
    )
    assert run(study, *args.split())[0] == 0
    ((plain,), (with_options,)) = CALLS
    assert (plain.data.dataset, plain.protocols, plain.seeds, plain.preset) == (
        "synthetic",
        (),
        None,
        "paper",
    )
    assert (plain.epochs, plain.width, plain.folds, plain.order, plain.only, plain.user_networks) == (
        *(None, None, None),
        *((), (), ()),
    )
    assert (with_options.data.dataset, with_options.data.root, with_options.data.align) == (
        "casme2",
        Path("/r"),
        "haar",
    )
    assert (with_options.data.classes, with_options.data.layout) == (("fear", "joy", "anger"), "raw")
    assert (with_options.protocols, with_options.folds, with_options.seeds) == (("subject", "kfold"), 5, 3)
    assert (with_options.preset, with_options.epochs, with_options.width, with_options.batch) == (
        "quick",
        7,
        0.5,
        8,
    )

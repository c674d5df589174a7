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
class Place:
    room: Annotated[str, typer.Option(help="Which of the rooms.")] = "attic"
    rows: Annotated[list[str] | None, typer.Option("--row", help="Repeatable.")] = None


@dataclass(frozen=True, kw_only=True)
class Seat(Place):
    chair: Annotated[int, typer.Option(help="Counted from the door.")] = 2


@dataclass(frozen=True, kw_only=True)
class Look:
    bright: Annotated[bool, typer.Option("--bright", help="With the lamp.")] = False


CALLS: list[tuple[Any, ...]] = []


@expand_option_groups
def visit(
    where: Place,
    look: Look,
    guest: Annotated[str, typer.Option(help="Who comes.")] = "nobody",
    json: options.Json = False,
) -> None:
    """Go and see."""
    CALLS.append((where, look, guest, json))


@expand_option_groups
def sit(where: Seat, *, guest: Annotated[str, typer.Argument()]) -> None:
    """Sit down."""
    CALLS.append((where, guest))


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
    done = CliRunner().invoke(app, args)
    return done.exit_code, done.output


def test_a_command_gets_its_groups_with_their_defaults_and_its_own_parameters() -> None:
    assert run(visit) == (0, "")
    assert (
        run(visit, "--row", "a", "--room", "hall", "--guest", "me", "--bright", "--json", "--row", "b")[0]
        == 0
    )
    plain, given = CALLS
    assert plain == (Place(), Look(), "nobody", False)
    assert given == (Place(room="hall", rows=["a", "b"]), Look(bright=True), "me", True)


def test_the_help_is_the_commands_own_with_every_groups_options_in_order() -> None:
    code, out = run(visit, "--help")
    assert code == 0
    assert "Usage: visit" in out
    assert "Go and see." in out
    places = [
        out.index(text) for text in ("Which of the rooms.", "Repeatable.", "With the lamp.", "Who comes.")
    ]
    assert places == sorted(places)
    assert "[default: attic]" in out


def test_a_group_that_inherits_has_its_parents_options_too() -> None:
    assert run(sit, "--room", "hall", "me") == (0, "")
    assert run(sit, "--chair", "7", "--row", "x", "me") == (0, "")
    hall, seventh = CALLS
    assert hall == (Seat(room="hall"), "me")
    assert seventh == (Seat(chair=7, rows=["x"]), "me")
    assert run(visit, "--chair", "7")[0] == 2, "the parent has not its child's"


@pytest.mark.parametrize(
    ("command", "args"),
    [(sit, ("--chair", "two", "me")), (sit, ()), (visit, ("--lamp",)), (visit, ("--bright", "yes"))],
)
def test_a_wrong_option_is_a_usage_error_and_calls_nothing(command: Any, args: tuple[str, ...]) -> None:
    code, out = run(command, *args)
    assert (code, CALLS) == (2, [])
    assert "Usage: " in out


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, ()),
        ([], ()),
        (["fear"], ("fear",)),
        (["fear, joy", "anger"], ("fear", "joy", "anger")),
        (["b,a", "b"], ("b", "a", "b")),
    ],
)
def test_a_repeatable_option_takes_commas_and_keeps_the_order(given: Any, found: tuple[str, ...]) -> None:
    assert parse_list(given) == found


def test_a_study_is_asked_for_by_every_group() -> None:
    assert run(study)[0] == 0
    args = (
        "--dataset casme2 --root /r --classes fear,joy --classes anger --align haar --layout raw "
        "--protocol subject,kfold --folds 5 --seeds 3 --preset quick --epochs 7 --width 0.5 --batch 8"
    )
    assert run(study, *args.split())[0] == 0
    ((plain,), (asked,)) = CALLS
    assert (plain.data.dataset, plain.protocols, plain.seeds, plain.preset) == (
        "synthetic",
        ("frame",),
        1,
        "paper",
    )
    assert (plain.epochs, plain.width, plain.folds, plain.order, plain.only, plain.user_networks) == (
        *(None, None, None),
        *((), (), ()),
    )
    assert (asked.data.dataset, asked.data.root, asked.data.align) == ("casme2", Path("/r"), "haar")
    assert (asked.data.classes, asked.data.layout) == (("fear", "joy", "anger"), "raw")
    assert (asked.protocols, asked.folds, asked.seeds) == (("subject", "kfold"), 5, 3)
    assert (asked.preset, asked.epochs, asked.width, asked.batch) == ("quick", 7, 0.5, 8)

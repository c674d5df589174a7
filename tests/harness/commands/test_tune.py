import pytest

from harness.commands.tune import _search_to_dict
from studies.search import Search
from tests.harness.tiny import Run


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--for", "sweep"), "unknown study --for 'sweep'; accepted: ablate, compare"),
        (("--for", "compare", "--design", "controlled"), "--design needs --for ablate; got --for compare"),
        (("--only", "proposed"), "--only needs --for compare; got --for ablate: leave one out"),
        (("--trials", 0), "--trials must be at least 1; got 0"),
        (("--pruner", "axe"), "'axe'; accepted: median, hyperband"),
        (("--seeds", 0), "--seeds must be at least 1"),
    ],
)
def test_wrong_option_is_one_message(harness: Run, args: tuple[object, ...], message: str) -> None:
    status, out, err = harness("tune", *args)
    assert (status, out) == (2, "")
    assert message in err


def test_search_is_described_by_its_best_and_its_first_trial() -> None:
    search = Search(
        key="k",
        values=(0.5, 0.75, 0.25),
        pruned=(False, False, True),
        learning_rate=0.002,
        gamma=1.0,
        class_weights="none",
    )
    assert _search_to_dict("proposed", search) == {
        "cell": "proposed",
        "key": "k",
        "best": 0.75,
        "first": 0.5,
        "learning_rate": 0.002,
        "gamma": 1.0,
        "class_weights": "none",
        "trials": 3,
        "pruned": 1,
    }

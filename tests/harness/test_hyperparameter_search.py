"""Tests of `harness tune` on a real Optuna store: equal budgets, resumable, no access to test data."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
import torch
import torchvision

from harness.hyperparameter_search import check_searches, load_searches, run_search
from harness.planning.plan import StudyPlan, plan_study
from harness.runs.run_inputs import RunInputs
from tests.error_codes import raises_code
from tests.harness.tiny import Run, request

SIZE = ("--preset", "quick", "--epochs", 2, "--image-size", 32, "--width", 0.125, "--only", "proposed")


def tune(
    tree: Path, trials: int, *, store: str, pruner: str = "median", **changes: object
) -> list[tuple[int, float]]:
    plan = plan_study(request(tree, protocols=("subject",), **changes))
    calls: list[tuple[int, float]] = []
    material = RunInputs(pixels=plan.pixels, splits=plan.splits, device=torch.device("cpu"))
    (spec,) = plan.study.list_runs()
    run_search(
        spec,
        material,
        trials=trials,
        pruner=pruner,
        store=store,
        on_trial=lambda n, best: calls.append((n, best)),
    )
    return calls


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'optuna.db'}"


def test_search_resumes_and_runs_the_exact_trial_count(tree: Path, store: str) -> None:
    assert [n for n, _ in tune(tree, 2, store=store)] == [1, 2]
    assert [n for n, _ in tune(tree, 3, store=store)] == [3]
    assert tune(tree, 3, store=store) == []
    (name,) = optuna.get_all_study_names(store)
    trials = optuna.load_study(study_name=name, storage=store).trials
    assert trials[0].params == {"learning_rate": 1e-3, "gamma": 2.0, "class_weights": "inverse"}
    assert len({trial.params["learning_rate"] for trial in trials}) == 3, "a resumed search repeats no trial"


@pytest.mark.slow
def test_trial_worse_than_the_median_is_pruned_and_marked(tree: Path, store: str) -> None:
    tune(tree, 1, store=store, epochs=4)
    (name,) = optuna.get_all_study_names(store)
    search = optuna.load_study(study_name=name, storage=store)
    (first,) = search.trials
    perfect = optuna.trial.create_trial(
        value=1.0,
        params=first.params,
        distributions=first.distributions,
        intermediate_values=dict.fromkeys(range(1, 5), 1.0),
    )
    for _ in range(5):
        search.add_trial(perfect)

    tune(tree, 7, store=store, epochs=4)

    *_, last = optuna.load_study(study_name=name, storage=store).trials
    assert last.state == optuna.trial.TrialState.PRUNED
    study = plan_study(request(tree, protocols=("subject",), epochs=4)).study
    (loaded,) = load_searches(study, store)
    assert loaded.pruned == (False,) * 6 + (True,)
    assert loaded.values[-1] == max(last.intermediate_values.values()) < 1


@pytest.mark.slow
def test_search_never_reads_the_test_part(tree: Path, store: str) -> None:
    plan = plan_study(request(tree, protocols=("subject",)))
    (spec,) = plan.study.list_runs()
    test = list(plan.splits[0].test)
    blind = plan.pixels.images.copy()
    blind[test] = 0

    def values(images: object, name: str) -> tuple[float, ...]:
        pixels = replace(plan.pixels, images=images)  # type: ignore[arg-type]
        result = run_search(
            spec,
            RunInputs(pixels=pixels, splits=plan.splits, device=torch.device("cpu")),
            trials=2,
            pruner="hyperband",
            store=store.replace("optuna", name),
            on_trial=lambda *_: None,
        )
        return result.values

    assert values(plan.pixels.images, "seeing") == values(blind, "blind")


@pytest.mark.slow
def test_tuned_runs_are_new_cells_with_the_best_settings(tree: Path, harness: Run, store: str) -> None:
    options = ("--dataset", "casme2", "--root", tree, *SIZE, "--protocol", "subject", "--searches", store)
    code, out, err = harness("tune", "--for", "compare", *options, "--trials", 2)
    assert code == 0, err
    assert "2 trials" in out
    assert "harness compare --tuned" in out
    plan = plan_study(request(tree, protocols=("subject",), epochs=2, tuned=True, searches=store))
    (spec,) = plan.study.list_runs()
    (search,) = plan.study.searches
    assert (spec.training.learning_rate, spec.training.gamma) == (search.learning_rate, search.gamma)
    assert search.best_so_far == (search.values[0], max(search.values))
    code, _, err = harness("compare", *options, "--tuned")
    assert code == 0, err
    (report,) = Path("results").glob("*/report.md")
    assert "Each run has 2 trials of at most 2" in report.read_text()


@pytest.mark.slow
def test_budgets_that_differ_are_refused_with_the_command(tree: Path, store: str) -> None:
    tune(tree, 1, store=store)
    tune(tree, 2, store=store, only=("vgg16",))
    plan = plan_study(request(tree, protocols=("subject",), only=("proposed", "vgg16")))
    with raises_code("searches.several-budgets", "1 to 2", "`harness tune --trials 2`"):
        load_searches(plan.study, store)


def test_run_that_has_no_search_is_named(tree: Path, store: str) -> None:
    tune(tree, 1, store=store)
    plan = plan_study(request(tree, protocols=("subject",), only=("proposed", "vgg16")))
    with raises_code("searches.missing", "1 of 2", "vgg16 under subject"):
        load_searches(plan.study, store)


def test_search_resumes_only_with_its_own_pruner(tree: Path, store: str) -> None:
    tune(tree, 1, store=store)
    plan = plan_study(request(tree, protocols=("subject",), only=("vgg16", "proposed")))
    with pytest.raises(
        ValueError, match=r"proposed under subject was started with --pruner median, got hyper"
    ):
        check_searches(plan.study.list_runs(), trials=1, pruner="hyperband", store=store)
    with raises_code("search-pruner.changed", "median"):
        tune(tree, 2, store=store, pruner="hyperband")
    tune(tree, 1, store=store, pruner="hyperband", only=("vgg16",))
    with raises_code("searches.several-pruners", "hyperband, median"):
        load_searches(plan.study, store)


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("optuna.db", "optuna.db"),
        ("sqlite:////no/such/folder/optuna.db", "sqlite:////no/such/folder/optuna.db"),
        ("sqlite:///letter.txt", "sqlite:///letter.txt"),
        ("nobody://ann:secret@example.org/db", "nobody://…@example.org/db"),
        ("nobody+x://ann:s@ecret@example.org/db?password=secret", "nobody+x://…@example.org/db"),
    ],
)
def test_invalid_store_error_hides_credentials(address: str, masked: str) -> None:
    Path("letter.txt").write_text("no database " * 100)
    with pytest.raises(ValueError, match="takes the address of an Optuna storage") as error:
        check_searches((), trials=1, pruner="median", store=address)
    assert f"; {masked} cannot be opened as one (" in str(error.value)
    assert "ecret" not in str(error.value)


def test_invalid_store_is_an_error_before_data_are_read(tree: Path, harness: Run) -> None:
    nowhere = ("--dataset", "casme2", "--root", tree / "nowhere", *SIZE)
    for store, message in (
        ("optuna.db", "takes the address of"),
        ("sqlite:///x.db", "there is no file x.db"),
    ):
        code, _, err = harness("compare", *nowhere, "--tuned", "--searches", store)
        assert (code, err.count("\n")) == (2, 1)
        assert message in err
        assert not Path("x.db").exists()


@pytest.fixture
def checkpoints(tmp_path: Path) -> Iterator[Path]:
    """Return torch's checkpoint folder with the weights of an untrained ShuffleNet."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(tmp_path / "hub")
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    url = torchvision.models.ShuffleNet_V2_X1_0_Weights.DEFAULT.url
    torch.save(torchvision.models.shufflenet_v2_x1_0().state_dict(), folder / url.rsplit("/", 1)[-1])
    yield folder
    torch.hub.set_dir(before)


def test_pretrained_arms_have_searches_of_their_own(tree: Path, store: str, checkpoints: Path) -> None:
    only = ("shufflenetv2",)
    assert [n for n, _ in tune(tree, 1, store=store, only=only, pretrained=True)] == [1]

    def plan_tuned(*, pretrained: bool) -> StudyPlan:
        study_request = request(tree, protocols=("subject",), only=only, pretrained=pretrained)
        return plan_study(replace(study_request, tuned=True, searches=store))

    assert plan_tuned(pretrained=True).study.arms[0].pretrained
    with raises_code("searches.missing", "1 of 1"):
        plan_tuned(pretrained=False)
    shutil.rmtree(checkpoints)
    with raises_code("pretrained-weights.missing"):
        tune(tree, 2, store=store, only=only, pretrained=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("compare", "--tuned"), "--tuned reads the results of `harness tune`; there is no file"),
        (
            ("tune", "--for", "compare", "--searches", "sqlite:////no/such/folder/x.db"),
            "sqlite:////no/such/folder/x.db cannot be opened as one (OperationalError)",
        ),
        (("tune", "--for", "compare", "--trials", 0), "--trials must be at least 1; got 0"),
        (
            ("tune", "--for", "compare", "--pruner", "axe"),
            "unknown --pruner 'axe'; accepted: median, hyperband",
        ),
        (("tune", "--for", "sweep"), "unknown study --for 'sweep'; accepted: ablate, compare"),
    ],
)
def test_impossible_tuning_is_refused(
    tree: Path, harness: Run, options: tuple[object, ...], message: str
) -> None:
    command, *rest = options
    code, _, err = harness(command, "--dataset", "casme2", "--root", tree, *SIZE, *rest)
    assert code == 2
    assert message in err

"""A search for training settings with the same budget for every arm; the only user of optuna.

Every run of a study has a search of its own: on its own training and validation parts, so that the settings
of no fold have been near another fold's test subjects (nested, as Varma and Simon 2006 ask for,
doi 10.1186/1471-2105-7-91). Trials are drawn by TPE (Bergstra et al. 2011), the first being the settings as
they are, and stopped early by the median rule or Hyperband (Li et al. 2018, arXiv:1603.06560).

A run has one search in a store, and that search one pruner, with which alone it goes on: trials that another
rule stopped are another budget, and `--tuned` finds the search without being told the rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from harness.errors import is_full_disk
from harness.output import check_writable
from harness.tracking.sqlite import is_foreign
from harness.training.run import Material, standing_of, trained
from harness.training.train import Diverged
from studies.codec import from_data
from studies.search import Search
from studies.spec import RunSpec, Study

SPACE_VERSION = 2
"""Raised when the space changes, or what is noted of a search, so that none goes on as another one."""

SQLITE = "sqlite:///"
PRUNER = "pruner"
GAMMAS = (0.0, 1.0, 2.0, 3.0)
WEIGHTS = ("inverse", "none")
LEARNING_RATES = (1e-4, 1e-2)
MOST_TRIALS = 10_000
TABLES = ("studies", "trials", "version_info")
"""Of those that Optuna makes."""

COUNTED = (TrialState.COMPLETE, TrialState.PRUNED)

PRUNERS: dict[str, Callable[[], BasePruner]] = {
    "median": lambda: MedianPruner(n_startup_trials=3, n_warmup_steps=2),
    "hyperband": HyperbandPruner,
}


def default_store() -> str:
    """The SQLite file of searches in the working folder."""
    return f"{SQLITE}{Path.cwd() / 'optuna.db'}"


def check(runs: Sequence[RunSpec], *, trials: int, pruner: str, store: str) -> None:
    """See that the searches of all of these runs can be made, before the first trial of any.

    Raises:
        ValueError: no such pruner, fewer than one trial, a store that cannot be opened, or a search that was
            begun with another pruner.
    """
    if pruner not in PRUNERS:
        raise ValueError(f"unknown --pruner {pruner!r}; accepted: {', '.join(PRUNERS)}")
    if trials < 1:
        raise ValueError(f"--trials must be at least 1; got {trials}")
    if trials > MOST_TRIALS:
        raise ValueError(f"--trials must be at most {MOST_TRIALS}; got {trials}")
    file = Path(store.removeprefix(SQLITE))
    if not runs and store.startswith(SQLITE) and file.parent.is_dir() and not file.exists():
        # A mistake found later leaves no store behind.
        check_writable(file.parent, called="the folder of --searches")
        return
    with _reading(store):
        begun = _pruners(_opened(store))
    for spec in runs:
        before = begun.get(_name(spec), pruner)
        if before != pruner:
            raise ValueError(
                f"the search for {spec.name} under {spec.protocol} was begun with --pruner {before} and goes "
                f"on with no other; got {pruner}: take {before}, or name another store with --searches"
            )


def check_there(store: str) -> None:
    """See that a store can be read, and make none.

    Raises:
        ValueError: it cannot be opened, or is a file that is not there.
    """
    file = store.removeprefix(SQLITE)
    if file != store and not Path(file).is_file():
        raise ValueError(
            f"--tuned reads what `harness tune` has found; there is no file {file}: run `harness tune` with "
            "the same options first, or name its store with --searches"
        )
    _opened(store)


def search(
    spec: RunSpec,
    material: Material,
    *,
    trials: int,
    pruner: str,
    store: str,
    on_trial: Callable[[int, float], None],
) -> Search:
    """Make the trials that this run's search still lacks of `trials`; the test part is never touched.

    `on_trial` is called with the number of trials made and the best value after each. A trial whose loss
    stops being a number has the value 0.

    Raises:
        ValueError: as `check`.
    """
    check((spec,), trials=trials, pruner=pruner, store=store)
    with _reading(store):
        made = _study(spec, _opened(store))
        made.set_user_attr(PRUNER, pruner)
        counted = made.get_trials(deepcopy=False, states=COUNTED)
    made.pruner = PRUNERS[pruner]()
    # A seed that depends on how far the search has come: the same one would draw the same trials again.
    made.sampler = optuna.samplers.TPESampler(seed=int(spec.key[:7], 16) + len(counted))
    if not counted:
        now = spec.training
        made.enqueue_trial(
            {"learning_rate": now.learning_rate, "gamma": now.gamma, "class_weights": now.class_weights}
        )

    def after(study: optuna.Study, _: object) -> None:
        on_trial(len(study.get_trials(deepcopy=False, states=COUNTED)), study.best_value)

    made.optimize(
        lambda trial: _value(trial, spec, material), n_trials=max(0, trials - len(counted)), callbacks=[after]
    )
    return _search(spec, made, store=store)


def _value(trial: optuna.Trial, spec: RunSpec, material: Material) -> float:
    """The best validation accuracy of a run with the settings that the trial suggests."""
    training = replace(
        spec.training,
        learning_rate=trial.suggest_float("learning_rate", *LEARNING_RATES, log=True),
        gamma=trial.suggest_categorical("gamma", GAMMAS),
        class_weights=trial.suggest_categorical("class_weights", WEIGHTS),  # type: ignore[arg-type]
    )
    tried = replace(spec, training=training)
    best = 0.0
    try:
        for epoch in trained(standing_of(tried, material), tried, material):
            best = max(best, epoch.validation_accuracy)
            trial.report(best, epoch.number)
            if trial.should_prune():
                raise optuna.TrialPruned
    except Diverged:
        return 0.0
    return best


def searches(study: Study, store: str) -> tuple[Search, ...]:
    """The searches of every run of a study, all made with the same number of trials and the same pruner.

    Raises:
        ValueError: the store cannot be opened, a search is not there, has fewer trials than another or
            another pruner; the message names the command.
    """
    check_there(store)
    runs = [spec for spec in study.runs() if spec.control == "none"]
    with _reading(store):
        storage = _opened(store)
        there = _pruners(storage)
    lacking = [spec for spec in runs if _name(spec) not in there]
    if lacking:
        raise ValueError(
            f"--tuned needs a search for every run; {len(lacking)} of {len(runs)} have none in "
            f"{_shown(store)}, such as {lacking[0].name} under {lacking[0].protocol}: run `harness tune` "
            "with the same options first"
        )
    pruners = sorted({there[_name(spec)] for spec in runs})
    if len(pruners) > 1:
        raise ValueError(
            f"--tuned needs the same pruner for every run; found {', '.join(pruners)} in {_shown(store)}: "
            "run `harness tune` with the same options and another store, --searches"
        )
    with _reading(store):
        made = [_study(spec, storage) for spec in runs]
    found = tuple(_search(spec, each, store=store) for spec, each in zip(runs, made, strict=True))
    budgets = sorted({len(each.values) for each in found})
    if len(budgets) > 1:
        raise ValueError(
            f"--tuned needs the same number of trials for every run; found {budgets[0]} to {budgets[-1]}: "
            f"run `harness tune --trials {budgets[-1]}` with the same options, which makes the missing ones"
        )
    return found


def _name(spec: RunSpec) -> str:
    return f"{spec.key}-{SPACE_VERSION}"


def _opened(store: str) -> BaseStorage:
    """The storage at an address; a SQLite file that is not there is made."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        if store.startswith(SQLITE) and is_foreign(Path(store.removeprefix(SQLITE)), tables=TABLES):
            raise _Unusable("another program's file")
        return optuna.storages.get_storage(store)
    except Exception as error:
        # Every kind of address fails in its own way; all of them mean the same to the user here.
        if is_full_disk(error):
            raise
        why = error if isinstance(error, _Unusable) else type(error).__name__
        raise _Unusable(
            f"--searches takes the address of an Optuna storage; {_shown(store) or repr(store)} cannot be "
            f"opened as one ({why}): name {SQLITE}FILE, Optuna's or new, in a folder that is there, or a "
            "server that is up and whose driver is installed, or leave --searches out (./optuna.db)"
        ) from error


class _Unusable(ValueError):
    """A store that cannot be opened, which says so itself."""


@contextmanager
def _reading(store: str) -> Iterator[None]:
    """What is found in a store that opens, of which any part may be damaged or another program's."""
    try:
        yield
    except _Unusable:
        raise
    except Exception as error:
        # Optuna raises whatever it stumbles over, and the database's own errors beside.
        if is_full_disk(error):
            raise
        raise ValueError(
            f"the searches must be as Optuna has written them; those in {_shown(store)} cannot be read "
            f"({type(error).__name__}): name another store with --searches, or take this one away and search "
            "anew"
        ) from error


def _shown(store: str) -> str:
    """The address without credentials, for people."""
    if store.startswith(SQLITE):
        return store
    return re.sub(r"^([\w+]+://)?.*@", r"\1…@", store).partition("?")[0]


def _pruners(storage: BaseStorage) -> dict[str, str]:
    """The pruner of every search in the storage that has begun, by the search's name."""
    return {
        study.study_name: str(study.user_attrs[PRUNER])
        for study in storage.get_all_studies()
        if PRUNER in study.user_attrs
    }


def _study(spec: RunSpec, storage: BaseStorage) -> optuna.Study:
    """The run's search as it is stored, new if it is not."""
    return optuna.create_study(
        storage=storage, study_name=_name(spec), direction="maximize", load_if_exists=True
    )


def _search(spec: RunSpec, made: optuna.Study, *, store: str) -> Search:
    with _reading(store):
        trials = made.get_trials(deepcopy=False, states=COUNTED)
        complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        if complete:
            best = max(complete, key=lambda trial: (trial.value, -trial.number))
            told = {name: best.params[name] for name in ("learning_rate", "gamma", "class_weights")}
            values = [_reached(trial) for trial in trials]
            pruned = [trial.state == TrialState.PRUNED for trial in trials]
            return from_data(Search, {"key": spec.key, "values": values, "pruned": pruned, **told})
    raise ValueError(
        f"the search for {spec.name} under {spec.protocol} has no finished trial: run `harness tune`"
    )


def _reached(trial: optuna.trial.FrozenTrial) -> float:
    """A trial's value, or the last that it had reached when it was pruned."""
    if trial.value is not None:
        return float(trial.value)
    return max(trial.intermediate_values.values(), default=0.0)

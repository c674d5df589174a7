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
from harness.training.run import RunInputs, init_run_state, train_epochs
from harness.training.train import DivergenceError
from studies.codec import from_data
from studies.search import Search
from studies.spec import RunSpec, Study

SPACE_VERSION = 2
"""Raised when the space changes, or what is noted of a search, so that none goes on as another one."""

SQLITE_PREFIX = "sqlite:///"
PRUNER_KEY = "pruner"
GAMMAS = (0.0, 1.0, 2.0, 3.0)
CLASS_WEIGHTS = ("inverse", "none")
LEARNING_RATES = (1e-4, 1e-2)
MAX_TRIALS = 10_000
OPTUNA_TABLES = ("studies", "trials", "version_info")
"""Of those that Optuna makes."""

FINISHED_STATES = (TrialState.COMPLETE, TrialState.PRUNED)

PRUNERS: dict[str, Callable[[], BasePruner]] = {
    "median": lambda: MedianPruner(n_startup_trials=3, n_warmup_steps=2),
    "hyperband": HyperbandPruner,
}


def get_default_store() -> str:
    """The SQLite file of searches in the working folder."""
    return f"{SQLITE_PREFIX}{Path.cwd() / 'optuna.db'}"


def check_searches(runs: Sequence[RunSpec], *, trials: int, pruner: str, store: str) -> None:
    """See that the searches of all of these runs can be made, before the first trial of any.

    Raises:
        ValueError: no such pruner, fewer than one trial, a store that cannot be opened, or a search that was
            begun with another pruner.
    """
    if pruner not in PRUNERS:
        raise ValueError(f"unknown --pruner {pruner!r}; accepted: {', '.join(PRUNERS)}")
    if trials < 1:
        raise ValueError(f"--trials must be at least 1; got {trials}")
    if trials > MAX_TRIALS:
        raise ValueError(f"--trials must be at most {MAX_TRIALS}; got {trials}")
    file = Path(store.removeprefix(SQLITE_PREFIX))
    if not runs and store.startswith(SQLITE_PREFIX) and file.parent.is_dir() and not file.exists():
        # A mistake found later leaves no store behind.
        check_writable(file.parent, label="the folder of --searches")
        return
    with _wrap_read_errors(store):
        pruners = _read_pruners(_open_storage(store))
    for spec in runs:
        earlier_pruner = pruners.get(_study_name(spec), pruner)
        if earlier_pruner != pruner:
            raise ValueError(
                f"the search for {spec.name} under {spec.protocol} was begun with --pruner {earlier_pruner} and goes "
                f"on with no other; got {pruner}: take {earlier_pruner}, or name another store with --searches"
            )


def check_store(store: str) -> None:
    """See that a store can be read, and make none.

    Raises:
        ValueError: it cannot be opened, or is a file that is not there.
    """
    file = store.removeprefix(SQLITE_PREFIX)
    if file != store and not Path(file).is_file():
        raise ValueError(
            f"--tuned reads what `harness tune` has found; there is no file {file}: run `harness tune` with "
            "the same options first, or name its store with --searches"
        )
    _open_storage(store)


def run_search(
    spec: RunSpec,
    inputs: RunInputs,
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
    check_searches((spec,), trials=trials, pruner=pruner, store=store)
    with _wrap_read_errors(store):
        optuna_study = _load_study(spec, _open_storage(store))
        optuna_study.set_user_attr(PRUNER_KEY, pruner)
        finished_trials = optuna_study.get_trials(deepcopy=False, states=FINISHED_STATES)
    optuna_study.pruner = PRUNERS[pruner]()
    # A seed that depends on how far the search has come: the same one would draw the same trials again.
    optuna_study.sampler = optuna.samplers.TPESampler(seed=int(spec.key[:7], 16) + len(finished_trials))
    if not finished_trials:
        training = spec.training
        optuna_study.enqueue_trial(
            {
                "learning_rate": training.learning_rate,
                "gamma": training.gamma,
                "class_weights": training.class_weights,
            }
        )

    def report_trial(study: optuna.Study, _: object) -> None:
        on_trial(len(study.get_trials(deepcopy=False, states=FINISHED_STATES)), study.best_value)

    optuna_study.optimize(
        lambda trial: _run_trial(trial, spec, inputs),
        n_trials=max(0, trials - len(finished_trials)),
        callbacks=[report_trial],
    )
    return _build_search(spec, optuna_study, store=store)


def _run_trial(trial: optuna.Trial, spec: RunSpec, inputs: RunInputs) -> float:
    """The best validation accuracy of a run with the settings that the trial suggests."""
    training = replace(
        spec.training,
        learning_rate=trial.suggest_float("learning_rate", *LEARNING_RATES, log=True),
        gamma=trial.suggest_categorical("gamma", GAMMAS),
        class_weights=trial.suggest_categorical("class_weights", CLASS_WEIGHTS),  # type: ignore[arg-type]
    )
    trial_spec = replace(spec, training=training)
    best_accuracy = 0.0
    try:
        for epoch in train_epochs(init_run_state(trial_spec, inputs), trial_spec, inputs):
            best_accuracy = max(best_accuracy, epoch.validation_accuracy)
            trial.report(best_accuracy, epoch.number)
            if trial.should_prune():
                raise optuna.TrialPruned
    except DivergenceError:
        return 0.0
    return best_accuracy


def load_searches(study: Study, store: str) -> tuple[Search, ...]:
    """The searches of every run of a study, all made with the same number of trials and the same pruner.

    Raises:
        ValueError: the store cannot be opened, a search is not there, has fewer trials than another or
            another pruner; the message names the command.
    """
    check_store(store)
    runs = [spec for spec in study.list_runs() if spec.variant == "none"]
    with _wrap_read_errors(store):
        storage = _open_storage(store)
        pruners_by_name = _read_pruners(storage)
    missing_runs = [spec for spec in runs if _study_name(spec) not in pruners_by_name]
    if missing_runs:
        raise ValueError(
            f"--tuned needs a search for every run; {len(missing_runs)} of {len(runs)} have none in "
            f"{_redact_credentials(store)}, such as {missing_runs[0].name} under {missing_runs[0].protocol}: run `harness tune` "
            "with the same options first"
        )
    distinct_pruners = sorted({pruners_by_name[_study_name(spec)] for spec in runs})
    if len(distinct_pruners) > 1:
        raise ValueError(
            f"--tuned needs the same pruner for every run; found {', '.join(distinct_pruners)} in {_redact_credentials(store)}: "
            "run `harness tune` with the same options and another store, --searches"
        )
    with _wrap_read_errors(store):
        optuna_studies = [_load_study(spec, storage) for spec in runs]
    results = tuple(
        _build_search(spec, item, store=store) for spec, item in zip(runs, optuna_studies, strict=True)
    )
    budgets = sorted({len(item.values) for item in results})
    if len(budgets) > 1:
        raise ValueError(
            f"--tuned needs the same number of trials for every run; found {budgets[0]} to {budgets[-1]}: "
            f"run `harness tune --trials {budgets[-1]}` with the same options, which makes the missing ones"
        )
    return results


def _study_name(spec: RunSpec) -> str:
    return f"{spec.key}-{SPACE_VERSION}"


def _open_storage(store: str) -> BaseStorage:
    """The storage at an address; a SQLite file that is not there is made."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        if store.startswith(SQLITE_PREFIX) and is_foreign(
            Path(store.removeprefix(SQLITE_PREFIX)), tables=OPTUNA_TABLES
        ):
            raise _StoreError("another program's file")
        return optuna.storages.get_storage(store)
    except Exception as error:
        # Every kind of address fails in its own way; all of them mean the same to the user here.
        if is_full_disk(error):
            raise
        reason = error if isinstance(error, _StoreError) else type(error).__name__
        raise _StoreError(
            f"--searches takes the address of an Optuna storage; {_redact_credentials(store) or repr(store)} cannot be "
            f"opened as one ({reason}): name {SQLITE_PREFIX}FILE, Optuna's or new, in a folder that is there, or a "
            "server that is up and whose driver is installed, or leave --searches out (./optuna.db)"
        ) from error


class _StoreError(ValueError):
    """A store that cannot be opened, which says so itself."""


@contextmanager
def _wrap_read_errors(store: str) -> Iterator[None]:
    """What is found in a store that opens, of which any part may be damaged or another program's."""
    try:
        yield
    except _StoreError:
        raise
    except Exception as error:
        # Optuna raises whatever it stumbles over, and the database's own errors beside.
        if is_full_disk(error):
            raise
        raise ValueError(
            f"the searches must be as Optuna has written them; those in {_redact_credentials(store)} cannot be read "
            f"({type(error).__name__}): name another store with --searches, or take this one away and search "
            "anew"
        ) from error


def _redact_credentials(store: str) -> str:
    """The address without credentials, for people."""
    if store.startswith(SQLITE_PREFIX):
        return store
    return re.sub(r"^([\w+]+://)?.*@", r"\1…@", store).partition("?")[0]


def _read_pruners(storage: BaseStorage) -> dict[str, str]:
    """The pruner of every search in the storage that has begun, by the search's name."""
    return {
        study.study_name: str(study.user_attrs[PRUNER_KEY])
        for study in storage.get_all_studies()
        if PRUNER_KEY in study.user_attrs
    }


def _load_study(spec: RunSpec, storage: BaseStorage) -> optuna.Study:
    """The run's search as it is stored, new if it is not."""
    return optuna.create_study(
        storage=storage, study_name=_study_name(spec), direction="maximize", load_if_exists=True
    )


def _build_search(spec: RunSpec, optuna_study: optuna.Study, *, store: str) -> Search:
    with _wrap_read_errors(store):
        trials = optuna_study.get_trials(deepcopy=False, states=FINISHED_STATES)
        complete_trials = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        if complete_trials:
            best_trial = max(complete_trials, key=lambda trial: (trial.value, -trial.number))
            params = {name: best_trial.params[name] for name in ("learning_rate", "gamma", "class_weights")}
            values = [_read_value(trial) for trial in trials]
            pruned_flags = [trial.state == TrialState.PRUNED for trial in trials]
            return from_data(Search, {"key": spec.key, "values": values, "pruned": pruned_flags, **params})
    raise ValueError(
        f"the search for {spec.name} under {spec.protocol} has no finished trial: run `harness tune`"
    )


def _read_value(trial: optuna.trial.FrozenTrial) -> float:
    """A trial's value, or the last that it had reached when it was pruned."""
    if trial.value is not None:
        return float(trial.value)
    return max(trial.intermediate_values.values(), default=0.0)

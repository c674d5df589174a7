"""Search training settings with the same budget for every arm. This is the only module that uses optuna.

Each run of a study has its own search, on its own training and validation sets. The settings of a fold are
therefore never chosen with the test subjects of that fold (nested cross-validation, Varma and Simon 2006,
doi 10.1186/1471-2105-7-91). TPE proposes the trials (Bergstra et al. 2011); the first trial has the default
settings. The median rule or Hyperband stops trials early (Li et al. 2018, arXiv:1603.06560).

A store holds one search per run, and a search keeps its pruner, because another stopping rule would be
another budget. `--tuned` therefore finds the search without the name of the pruner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from harness.errors import HarnessError, is_full_disk
from harness.output_folders import check_file_writable, check_writable
from harness.runs.run import init_run_state, train_epochs
from harness.runs.run_inputs import RunInputs
from harness.tracking.sqlite import is_foreign
from harness.tracking.uri import SQLITE_PREFIX, strip_credentials
from harness.training.engine import backend_settings
from harness.training.train import DivergenceError
from studies.codec import from_data
from studies.search import Search, check_budget
from studies.spec import RunSpec
from studies.study import Study

SPACE_VERSION = 2
"""Version of the search space and of the stored attributes.

Raise it when either changes, so that an old search is not resumed with the new space.
"""

PRUNER_KEY = "pruner"
GAMMAS = (0.0, 1.0, 2.0, 3.0)
CLASS_WEIGHTS = ("inverse", "none")
LEARNING_RATES = (1e-4, 1e-2)
OPTUNA_TABLES = ("studies", "trials", "version_info")
"""Some tables of an Optuna database, to recognize one."""

FINISHED_STATES = (TrialState.COMPLETE, TrialState.PRUNED)

PRUNER_FACTORIES: dict[str, Callable[[], BasePruner]] = {
    "median": lambda: MedianPruner(n_startup_trials=3, n_warmup_steps=2),
    "hyperband": HyperbandPruner,
}


def get_default_store() -> str:
    """Return the URI of the default SQLite store in the working folder."""
    return f"{SQLITE_PREFIX}{Path.cwd() / 'optuna.db'}"


def check_searches(runs: Sequence[RunSpec], *, trials: int, pruner: str, store: str) -> None:
    """Check that the searches of all `runs` are possible, before the first trial of any.

    Raises:
        HarnessError: The pruner is unknown, the number of trials is out of range, the store cannot be opened,
            or a search was started with another pruner.
    """
    check_budget(trials=trials, pruner=pruner)
    file = Path(store.removeprefix(SQLITE_PREFIX))
    if not runs and store.startswith(SQLITE_PREFIX) and file.parent.is_dir() and not file.exists():
        # Do not create the store yet, so that a later error leaves no file behind.
        check_writable(
            file.parent,
            label="the folder of --searches",
            contents=f"trials ({file.name})",
            option=f"--searches {SQLITE_PREFIX}FILE",
        )
        return
    if store.startswith(SQLITE_PREFIX):
        check_file_writable(file, label="--searches", option=f"--searches {SQLITE_PREFIX}FILE")
    with _wrap_read_errors(store):
        pruners = _read_pruners(_open_storage(store))
    for spec in runs:
        earlier = pruners.get(_search_name(spec), pruner)
        if earlier != pruner:
            raise HarnessError(
                "search-pruner.changed",
                f"a search keeps its pruner; {spec.name} under {spec.protocol} was started with --pruner "
                f"{earlier}, got {pruner}: use {earlier}, or name another store with --searches",
            )


def check_store(store: str) -> None:
    """Check that a store exists and can be opened, without creating it.

    Raises:
        HarnessError: The store cannot be opened, or its file does not exist.
    """
    file = store.removeprefix(SQLITE_PREFIX)
    if file != store and not Path(file).is_file():
        raise HarnessError(
            "searches.no-file",
            f"--tuned reads the results of `harness tune`; there is no file {file}: run `harness tune` with "
            "the same options first, or name its store with --searches",
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
    """Run the missing trials of a run's search, up to `trials` in total; the test set is never used.

    After each trial, `on_trial` is called with the number of finished trials and the best value. A trial
    whose loss becomes NaN or infinite has the value 0.

    Raises:
        ValueError: As `check_searches`.
    """
    check_searches((spec,), trials=trials, pruner=pruner, store=store)
    with _wrap_read_errors(store):
        optuna_study = _load_study(spec, _open_storage(store))
        optuna_study.set_user_attr(PRUNER_KEY, pruner)
        finished_trials = optuna_study.get_trials(deepcopy=False, states=FINISHED_STATES)
    optuna_study.pruner = PRUNER_FACTORIES[pruner]()
    # The seed depends on the number of finished trials: a fixed seed would repeat trials after a resume.
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
    """Train a run with the trial's settings and return its best validation accuracy."""
    training = replace(
        spec.training,
        learning_rate=trial.suggest_float("learning_rate", *LEARNING_RATES, log=True),
        gamma=trial.suggest_categorical("gamma", GAMMAS),
        class_weights=trial.suggest_categorical("class_weights", CLASS_WEIGHTS),  # type: ignore[arg-type]
    )
    trial_spec = replace(spec, training=training)
    best_accuracy = 0.0
    try:
        with backend_settings(training, inputs.device):
            for epoch in train_epochs(init_run_state(trial_spec, inputs), trial_spec, inputs):
                best_accuracy = max(best_accuracy, epoch.validation_accuracy)
                trial.report(best_accuracy, epoch.number)
                if trial.should_prune():
                    raise optuna.TrialPruned
    except DivergenceError:
        return 0.0
    return best_accuracy


def load_searches(study: Study, store: str) -> tuple[Search, ...]:
    """Load the searches of all runs of a study. All must have the same number of trials and the same pruner.

    Raises:
        HarnessError: The store cannot be opened, a search is missing, or the searches differ in the number of
            trials or in the pruner.
    """
    check_store(store)
    runs = [spec for spec in study.list_runs() if spec.variant == "none"]
    with _wrap_read_errors(store):
        storage = _open_storage(store)
        pruners_by_name = _read_pruners(storage)
    missing_runs = [spec for spec in runs if _search_name(spec) not in pruners_by_name]
    if missing_runs:
        example = missing_runs[0]
        raise HarnessError(
            "searches.missing",
            f"--tuned needs a search for every run; {len(missing_runs)} of {len(runs)} have no search in "
            f"{strip_credentials(store)}, such as {example.name} under {example.protocol}: "
            "run `harness tune` with the same options first",
        )
    distinct_pruners = sorted({pruners_by_name[_search_name(spec)] for spec in runs})
    if len(distinct_pruners) > 1:
        raise HarnessError(
            "searches.several-pruners",
            f"--tuned needs the same pruner for every run; found {', '.join(distinct_pruners)} in "
            f"{strip_credentials(store)}: run `harness tune` with the same options and another store "
            "(--searches)",
        )
    with _wrap_read_errors(store):
        optuna_studies = [_load_study(spec, storage) for spec in runs]
    results = tuple(
        _build_search(spec, item, store=store) for spec, item in zip(runs, optuna_studies, strict=True)
    )
    budgets = sorted({len(item.values) for item in results})
    if len(budgets) > 1:
        raise HarnessError(
            "searches.several-budgets",
            f"--tuned needs the same number of trials for every run; found {budgets[0]} to {budgets[-1]}: "
            f"run `harness tune --trials {budgets[-1]}` with the same options, which runs the missing trials",
        )
    return results


def _search_name(spec: RunSpec) -> str:
    return f"{spec.key}-{SPACE_VERSION}"


def _open_storage(store: str) -> BaseStorage:
    """Open the storage at a URI; create a SQLite file if it does not exist."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        if store.startswith(SQLITE_PREFIX) and is_foreign(
            Path(store.removeprefix(SQLITE_PREFIX)), tables=OPTUNA_TABLES
        ):
            raise _StoreError("search-store.other-file", "another program's file")
        return optuna.storages.get_storage(store)
    except Exception as error:
        # Each kind of URI raises its own exceptions; to the user all mean the same.
        if is_full_disk(error):
            raise
        reason = error if isinstance(error, _StoreError) else type(error).__name__
        raise _StoreError(
            "search-store.unusable",
            f"--searches takes the address of an Optuna storage; {strip_credentials(store) or repr(store)} "
            f"cannot be opened as one ({reason}): name {SQLITE_PREFIX}FILE in an existing folder (a new file "
            "or an Optuna database), or a running server whose driver is installed, or leave --searches out "
            "(./optuna.db)",
        ) from error


class _StoreError(HarnessError):
    """A store cannot be opened. The message is complete, so `_wrap_read_errors` does not wrap it."""


@contextmanager
def _wrap_read_errors(store: str) -> Iterator[None]:
    """Convert errors of reading an opened store, which may be damaged or not Optuna's, to HarnessError."""
    try:
        yield
    except _StoreError:
        raise
    except Exception as error:
        # Optuna does not wrap the errors of damaged data or of the database driver.
        if is_full_disk(error):
            raise
        raise HarnessError(
            "searches.unreadable",
            f"the searches must be as Optuna has written them; those in {strip_credentials(store)} cannot "
            f"be read ({type(error).__name__}): name another store with --searches, or remove this one and "
            "run `harness tune` again",
        ) from error


def _read_pruners(storage: BaseStorage) -> dict[str, str]:
    """Map the name of each started search in the storage to its pruner."""
    return {
        study.study_name: str(study.user_attrs[PRUNER_KEY])
        for study in storage.get_all_studies()
        if PRUNER_KEY in study.user_attrs
    }


def _load_study(spec: RunSpec, storage: BaseStorage) -> optuna.Study:
    """Load the search of a run, or create it."""
    return optuna.create_study(
        storage=storage, study_name=_search_name(spec), direction="maximize", load_if_exists=True
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
    raise HarnessError(
        "search.no-finished-trial",
        f"the search for {spec.name} under {spec.protocol} has no finished trial: run `harness tune`",
    )


def _read_value(trial: optuna.trial.FrozenTrial) -> float:
    """Return the value of a trial, or its best intermediate value if it was pruned."""
    if trial.value is not None:
        return float(trial.value)
    return max(trial.intermediate_values.values(), default=0.0)

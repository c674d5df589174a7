"""The requests that run the paper again, on the sets that are there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from datasets.catalogue import default_frames, entry
from harness.data.reading import DataRequest
from harness.plan import Request
from studies.reproduction import EXPERIMENTS

PAPERS_SPLIT = "frame"


def present(roots: Mapping[str, Path | None]) -> dict[str, Path]:
    """The sets of `roots` with a place: the one given, or the data set's usual one where it is there.

    Raises:
        ValueError: none has one.
    """
    found = {name: entry(name).place(root) for name, root in roots.items()}
    there = {name: place for name, place in found.items() if roots[name] or _expected(name, place)}
    if not there:
        options = " or ".join(f"--{name} DIR" for name in roots)
        told = " ".join(entry(name).obtain for name in roots)
        raise ValueError(f"none of the paper's sets is here; name the folder of one with {options}. {told}")
    return there


def _expected(name: str, place: Path) -> bool:
    """Whether a set that was not named is wanted too: its variable is set, or its usual folder is there."""
    return bool(os.environ.get(entry(name).variable)) or place.is_dir()


def requests(settings: Request, roots: Mapping[str, Path]) -> tuple[Request, ...]:
    """`settings` for every experiment on these sets, each with the checks that the claims need.

    The paper's split comes on the paper's frames. Where the set's frames under several protocols are others,
    those make a second study, with the paper's split beside them on the same frames.
    """
    others = tuple(protocol for protocol in settings.protocols if protocol != PAPERS_SPLIT)
    asked = []
    for experiment in EXPERIMENTS:
        if experiment.dataset not in roots:
            continue
        study = replace(
            settings,
            kind=experiment.kind,
            design=experiment.design,
            data=DataRequest(dataset=experiment.dataset, root=roots[experiment.dataset]),
            checks=True,
        )
        whole = (PAPERS_SPLIT, *others)
        frames = [default_frames(experiment.dataset, protocols) for protocols in ((PAPERS_SPLIT,), whole)]
        if frames[0] == frames[1]:
            asked.append(replace(study, protocols=whole))
            continue
        # The number of folds is the other protocols'.
        asked.append(replace(study, protocols=(PAPERS_SPLIT,), folds=None if others else study.folds))
        if others:
            asked.append(replace(study, protocols=whole))
    return tuple(asked)

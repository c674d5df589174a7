"""The requests that run the paper again, on the sets that are there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from datasets.catalogue import get_default_frame_policy, get_entry
from harness.data.reading import DataRequest
from harness.plan import Request
from studies.reproduction import PAPER_EXPERIMENTS

PAPER_PROTOCOL = "frame"


def find_roots(roots: Mapping[str, Path | None]) -> dict[str, Path]:
    """The sets of `roots` with a place: the one given, or the data set's usual one where it is there.

    Raises:
        ValueError: none has one.
    """
    candidates = {name: get_entry(name).resolve_root(root) for name, root in roots.items()}
    available = {name: path for name, path in candidates.items() if roots[name] or _is_expected(name, path)}
    if not available:
        option_list = " or ".join(f"--{name} DIR" for name in roots)
        instructions = " ".join(get_entry(name).access_instructions for name in roots)
        raise ValueError(
            f"none of the paper's sets is here; name the folder of one with {option_list}. {instructions}"
        )
    return available


def _is_expected(name: str, path: Path) -> bool:
    """Whether a set that was not named is wanted too: its variable is set, or its usual folder is there."""
    return bool(os.environ.get(get_entry(name).env_var)) or path.is_dir()


def build_requests(request: Request, roots: Mapping[str, Path]) -> tuple[Request, ...]:
    """`settings` for every experiment on these sets, each with the checks that the claims need.

    The paper's split comes on the paper's frames. Where the set's frames under several protocols are others,
    those make a second study, with the paper's split beside them on the same frames.
    """
    other_protocols = tuple(protocol for protocol in request.protocols if protocol != PAPER_PROTOCOL)
    requests = []
    for experiment in PAPER_EXPERIMENTS:
        if experiment.dataset not in roots:
            continue
        study_request = replace(
            request,
            kind=experiment.kind,
            design=experiment.design,
            data=DataRequest(dataset=experiment.dataset, root=roots[experiment.dataset]),
            checks=True,
        )
        all_protocols = (PAPER_PROTOCOL, *other_protocols)
        policies = [
            get_default_frame_policy(experiment.dataset, protocols)
            for protocols in ((PAPER_PROTOCOL,), all_protocols)
        ]
        if policies[0] == policies[1]:
            requests.append(replace(study_request, protocols=all_protocols))
            continue
        # The number of folds is the other protocols'.
        requests.append(
            replace(
                study_request,
                protocols=(PAPER_PROTOCOL,),
                folds=None if other_protocols else study_request.folds,
            )
        )
        if other_protocols:
            requests.append(replace(study_request, protocols=all_protocols))
    return tuple(requests)

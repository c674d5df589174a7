"""Build the requests that run the paper's experiments on the available data sets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from datasets.catalogue import get_default_frame_policy, get_entry
from harness.data.loading import DataRequest
from harness.errors import HarnessError
from harness.planning.request import Request
from studies.paper.experiments import PAPER_EXPERIMENTS

PAPER_PROTOCOL = "frame"


def find_roots(roots: Mapping[str, Path | None]) -> dict[str, Path]:
    """Return the data sets of `roots` that are available, with their folders.

    A data set without a given root uses its environment variable or its default folder, if that exists.

    Raises:
        HarnessError: No data set is available.
    """
    candidates = {name: get_entry(name).resolve_root(root) for name, root in roots.items()}
    available = {name: path for name, path in candidates.items() if roots[name] or _is_expected(name, path)}
    if not available:
        option_list = " or ".join(f"--{name} DIR" for name in roots)
        instructions = " ".join(get_entry(name).access_instructions for name in roots)
        raise HarnessError(
            "reproduction.no-dataset",
            "`harness reproduce` needs a data set of the paper, and none was found; name the folder of one "
            f"with {option_list}. {instructions}",
        )
    return available


def _is_expected(name: str, path: Path) -> bool:
    """Return True if the data set's environment variable is set or its default folder exists."""
    return bool(os.environ.get(get_entry(name).env_var)) or path.is_dir()


def build_requests(request: Request, roots: Mapping[str, Path]) -> tuple[Request, ...]:
    """Return one request for each experiment on the data sets in `roots`, based on `request`, with checks.

    The frame protocol uses the paper's frames. If the default frame policy for all protocols differs, the
    experiment has a second request: all protocols, including frame, with that frame policy.
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
        # `folds` applies to the other protocols only.
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

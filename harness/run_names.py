"""Labels of studies and cells in the tracking store."""

from __future__ import annotations

from studies.spec import RunSpec
from studies.study import NULL_SEED_OFFSET, Study

LABEL_SEPARATOR = " · "
"""Text between the parts of a cell's display name."""


def format_run_name(spec: RunSpec) -> str:
    """Return the display name of a cell: arm, protocol, split, seed and fold, numbered from 0."""
    parts = (
        spec.name,
        spec.protocol,
        f"split {spec.split_seed}" if spec.split_seed else "",
        f"seed {spec.seed % NULL_SEED_OFFSET}",
        f"fold {spec.fold} of {spec.folds}" if spec.folds > 1 else "",
    )
    return LABEL_SEPARATOR.join(filter(None, parts))


def format_study_note(study: Study, alias: str = "") -> str:
    """Return a markdown description of the study, with the command that writes its report."""
    arms = ", ".join(arm.name for arm in study.arms)
    return (
        f"**{study.kind}** {study.design} on **{study.dataset.name}** ({study.dataset.frame_policy}, "
        f"{study.dataset.image_size} px), protocols {', '.join(study.protocols)}, "
        f"{len(study.split_seeds)} split(s), {len(study.seeds)} seed(s)\n\narms: {arms}\n\n"
        f"report: `harness report {alias or study.name}`"
    )

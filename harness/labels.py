"""What people find studies and cells by on the ledger."""

from __future__ import annotations

from studies.spec import NULL_SEED_OFFSET, RunSpec, Study


def format_run_name(spec: RunSpec) -> str:
    """What a person finds a cell by."""
    fold = f" · fold {spec.fold + 1}/{spec.folds}" if spec.folds > 1 else ""
    division = f" · division {spec.split_seed}" if spec.split_seed else ""
    return f"{spec.name} · {spec.protocol}{division} · seed {spec.seed % NULL_SEED_OFFSET}{fold}"


def format_study_note(study: Study) -> str:
    """What a study is, in markdown, and how to report on it."""
    arms = ", ".join(arm.name for arm in study.arms)
    return (
        f"**{study.kind}** {study.design} on **{study.dataset.name}** ({study.dataset.frame_policy}, "
        f"{study.dataset.image_size} px), protocols {', '.join(study.protocols)}, "
        f"{len(study.split_seeds)} division(s), {len(study.seeds)} seed(s)\n\narms: {arms}\n\n"
        f"report: `harness report {study.name}`"
    )

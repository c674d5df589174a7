"""The frame policies of CASME II: those of every coding sheet, and `paper`.

`paper` reproduces the counts of Zhang et al.: the frames of one emotion are copied into one folder, named by
subject and frame number, so clips of one subject with the same emotion overwrite each other. The paper does
not describe this step; its Table 2 follows from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from datasets.sheets.clips import Clip
from datasets.sheets.frame_policies import POLICY_FUNCTIONS as SHEET_POLICIES
from datasets.sheets.frame_policies import FrameSelection, Policy, select_onset_offset


def select_paper_frames(clips: Sequence[Clip], classes: Sequence[str]) -> FrameSelection:
    """Select onset to offset; of frames with equal emotion, subject and number, keep the last one."""
    all_frames = select_onset_offset(clips, classes)
    last_samples = {
        (sample.label, sample.subject, sample.frame_number): sample for sample in all_frames.samples
    }
    total, num_overwritten = len(all_frames.samples), len(all_frames.samples) - len(last_samples)
    overwrite_share = f"{num_overwritten / total:.1%}" if total else "none"
    overwrite_note = (
        f"{num_overwritten} of {total} frames ({overwrite_share}) were overwritten by a later clip's frame "
        f"of the same emotion, subject and number; {len(last_samples)} remain"
    )
    return replace(
        all_frames, samples=tuple(last_samples.values()), notes=(*all_frames.notes, overwrite_note)
    )


POLICY_FUNCTIONS: dict[str, Policy] = {**SHEET_POLICIES, "paper": select_paper_frames}

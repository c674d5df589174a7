"""A composite of synthetic releases in full size, with image files that are empty, as no table opens them."""

from collections.abc import Iterable
from pathlib import Path

from datasets.synthetic.casme2 import plan_casme2_jobs
from datasets.synthetic.casme2_plan import plan_clips
from datasets.synthetic.casme2_quirks import without_quirks
from datasets.synthetic.clip_writer import RenderJob
from datasets.synthetic.coding_sheet import write_sheet
from datasets.synthetic.layouts import SAMM_SHEETS, SMIC_SHEETS
from datasets.synthetic.megc2019 import arrange_casme2
from datasets.synthetic.samm import encode_samm_sheet, plan_samm, plan_samm_jobs
from datasets.synthetic.smic import encode_annotation, plan_smic, plan_smic_jobs
from datasets.synthetic.spec import SyntheticSpec


def write_full_composite(root: Path, *, quirks: bool) -> None:
    """Write the three releases; with quirks, SMIC and SAMM have those of the copies in circulation."""
    smic, casme2, samm = SyntheticSpec(layout="megc2019", frames=3).part_specs
    _write_casme2(casme2, root / "CASME II")
    for spec, folder in ((smic, root / "smic"), (samm, root / "SAMM")):
        _write_part(SyntheticSpec(layout=spec.layout, frames=3, seed=spec.seed, quirks=quirks), folder)


def _write_casme2(spec: SyntheticSpec, root: Path) -> None:
    planned = plan_clips(subjects=26, clips=255, frames=3, balance=False, seed=spec.seed)
    release = without_quirks(arrange_casme2(spec, planned))
    root.mkdir(parents=True)
    write_sheet(release.rows, root)
    _touch(plan_casme2_jobs(spec, release, root))


def _write_part(spec: SyntheticSpec, root: Path) -> None:
    root.mkdir(parents=True)
    if spec.layout == "smic":
        clips = plan_smic(spec)
        (root / SMIC_SHEETS["162"]).write_bytes(encode_annotation(clips, form="162", quirks=spec.quirks))
        _touch(plan_smic_jobs(spec, clips, root / "SMIC_all_cropped" / "HS"))
    else:
        clips = plan_samm(spec)
        (root / SAMM_SHEETS["v2"]).write_bytes(encode_samm_sheet(clips, form="v2", quirks=spec.quirks))
        _touch(plan_samm_jobs(spec, clips, root / "SAMM"))


def _touch(jobs: Iterable[RenderJob]) -> None:
    for job in jobs:
        job.folder.mkdir(parents=True, exist_ok=True)
        for number in job.frame_numbers:
            job.frame_path(number).touch()

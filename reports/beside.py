"""Which of the paper's numbers may stand beside a data set's, and whether they can be compared."""

from __future__ import annotations

from dataclasses import dataclass

from datasets.catalogue import DATASETS
from reports.outcomes import StudyEvaluation
from studies.paper import (
    BATCH_SIZE,
    EPOCHS,
    IMAGE_SIZE,
    PUBLISHED_RESULTS,
    REFERENCE_DATASETS,
    PublishedDataset,
)
from studies.spec import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperReference:
    """The paper's set beside ours; `same`: the data are the same, so that differences mean something."""

    results: PublishedDataset
    is_same_data: bool

    @property
    def column_title(self) -> str:
        """Heading of a column with the paper's numbers."""
        return "Paper" if self.is_same_data else f"Paper ({self.results.title})"

    def cite_items(self, *items: str) -> tuple[str, ...]:
        """The paper's tables and figures, with the set that they are about where it is not ours."""
        return items if self.is_same_data else tuple(f"{item} ({self.results.title})" for item in items)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know before looking from one column to the other."""
        if self.is_same_data:
            return ()
        return (
            f"The paper's values are for {self.results.title}; they stand here for orientation and "
            "cannot be compared with these.",
        )


def find_paper_reference(evaluation: StudyEvaluation) -> PaperReference | None:
    """The paper's numbers for the study's data, a stand-in's, or none; drawn faces are not the same data."""
    name = evaluation.study.dataset.name
    results = PUBLISHED_RESULTS.get(REFERENCE_DATASETS.get(name, name))
    return (
        PaperReference(
            results=results, is_same_data=name in PUBLISHED_RESULTS and not evaluation.is_synthetic
        )
        if results
        else None
    )


def dataset_title(dataset: str) -> str:
    """The data set's name as people write it."""
    return DATASETS[dataset].title if dataset in DATASETS else dataset


def differences_from_paper(study: Study) -> tuple[str, ...]:
    """In what a study's settings differ from the paper's; empty if in nothing that it states."""
    texts = []
    if study.dataset.image_size != IMAGE_SIZE:
        texts.append(f"{study.dataset.image_size} px for the paper's {IMAGE_SIZE}")
    widths = sorted({arm.width for arm in study.arms if arm.width != 1})
    if widths:
        texts.append(f"width {', '.join(f'{width:g}' for width in widths)} for the networks that scale")
    if study.training.epochs != EPOCHS:
        texts.append(f"at most {study.training.epochs} epochs for the paper's {EPOCHS}")
    if study.training.batch_size != BATCH_SIZE:
        texts.append(f"batches of {study.training.batch_size} for the paper's {BATCH_SIZE}")
    if study.searches:
        texts.append("learning rates, γ and class weights as found by a search for each network")
    if not study.training.augmentation.flip:
        texts.append("no random flips")
    paper_results = PUBLISHED_RESULTS.get(study.dataset.name)
    if paper_results and study.dataset.frame_policy != paper_results.frame_policy:
        texts.append(f"frames chosen by {study.dataset.frame_policy!r}, not as in the paper")
    if (
        paper_results
        and study.dataset.classes
        and set(study.dataset.classes) != set(paper_results.samples_per_class)
    ):
        texts.append(f"the classes {', '.join(study.dataset.classes)}")
    if study.dataset.representation != "frame":
        texts.append(f"{study.dataset.representation} instead of the frames themselves")
    return tuple(texts)


def build_paper_difference_notes(study: Study) -> tuple[str, ...]:
    """The same as one sentence, or nothing."""
    texts = differences_from_paper(study)
    return (f"Not the paper's settings: {'; '.join(texts)}.",) if texts else ()

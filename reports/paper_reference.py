"""The paper's numbers for a dataset, and whether they can be compared with ours."""

from __future__ import annotations

from dataclasses import dataclass

from datasets.catalogue import DATASETS
from datasets.text import pluralize
from reports.outcomes import StudyEvaluation
from studies.paper.published import (
    BATCH_SIZE,
    EPOCHS,
    IMAGE_SIZE,
    PUBLISHED_RESULTS,
    REFERENCE_DATASETS,
    PublishedDataset,
)
from studies.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperReference:
    """The paper's results for a dataset or for its stand-in.

    With `is_same_data` they concern the same data as the study, so differences from them are meaningful.
    """

    results: PublishedDataset
    is_same_data: bool

    @property
    def column_title(self) -> str:
        """Title of a column with the paper's numbers."""
        return "Paper" if self.is_same_data else f"Paper ({self.results.title})"

    def cite_items(self, *items: str) -> tuple[str, ...]:
        """Return `items`, each followed by the paper's dataset if it is not the study's."""
        return items if self.is_same_data else tuple(f"{item} ({self.results.title})" for item in items)

    @property
    def notes(self) -> tuple[str, ...]:
        """Warning that the paper's values cannot be compared; empty if they can."""
        if self.is_same_data:
            return ()
        return (
            f"The paper's values are for {self.results.title}; they are shown for orientation only and "
            "cannot be compared with ours.",
        )


def find_paper_reference(evaluation: StudyEvaluation) -> PaperReference | None:
    """Return the paper's results for the study's dataset or for its stand-in; None if there are none.

    Synthetic faces are not the same data, whatever the dataset's layout.
    """
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
    """Return the display name of a dataset."""
    return DATASETS[dataset].title if dataset in DATASETS else dataset


def differences_from_paper(study: Study) -> tuple[str, ...]:
    """Return a text for each setting in which a study differs from what the paper states."""
    texts = []
    if study.dataset.image_size != IMAGE_SIZE:
        texts.append(f"{study.dataset.image_size} px instead of the paper's {IMAGE_SIZE}")
    widths = sorted({arm.width for arm in study.arms if arm.width != 1})
    if widths:
        texts.append(f"width {', '.join(f'{width:g}' for width in widths)} for the networks that scale")
    if study.training.epochs != EPOCHS:
        texts.append(f"at most {pluralize(study.training.epochs, 'epoch')} instead of the paper's {EPOCHS}")
    if study.training.batch_size != BATCH_SIZE:
        texts.append(f"batches of {study.training.batch_size} instead of the paper's {BATCH_SIZE}")
    if study.searches:
        texts.append("learning rate, γ and class weights tuned for each network")
    if not study.training.augmentation.flip:
        texts.append("no random flips")
    paper_results = PUBLISHED_RESULTS.get(study.dataset.name)
    if paper_results and study.dataset.frame_policy != paper_results.frame_policy:
        texts.append(f"frame policy {study.dataset.frame_policy!r}, not the paper's")
    if (
        paper_results
        and study.dataset.classes
        and set(study.dataset.classes) != set(paper_results.samples_per_class)
    ):
        texts.append(f"the classes {', '.join(study.dataset.classes)}")
    if study.dataset.representation != "frame":
        texts.append(f"representation {study.dataset.representation} instead of frames")
    return tuple(texts)


def build_paper_difference_notes(study: Study) -> tuple[str, ...]:
    """Return `differences_from_paper` as one sentence in a tuple; empty if there are none."""
    texts = differences_from_paper(study)
    return (f"Not the paper's settings: {'; '.join(texts)}.",) if texts else ()

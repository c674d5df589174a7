"""Which of the paper's numbers may stand beside a data set's, and whether they can be compared."""

from __future__ import annotations

from dataclasses import dataclass

from datasets.catalogue import DATASETS
from reports.outcomes import Outcomes
from studies.paper import BATCH, EPOCHS, IMAGE_SIZE, PAPER, STAND_INS, PublishedSet
from studies.spec import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The paper's set beside ours; `same`: the data are the same, so that differences mean something."""

    published: PublishedSet
    same: bool

    @property
    def column(self) -> str:
        """Heading of a column with the paper's numbers."""
        return "Paper" if self.same else f"Paper ({self.published.title})"

    def items(self, *items: str) -> tuple[str, ...]:
        """The paper's tables and figures, with the set that they are about where it is not ours."""
        return items if self.same else tuple(f"{item} ({self.published.title})" for item in items)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know before looking from one column to the other."""
        if self.same:
            return ()
        return (
            f"The paper's values are for {self.published.title}; they stand here for orientation and "
            "cannot be compared with these.",
        )


def beside(study: Outcomes) -> Beside | None:
    """The paper's numbers for the study's data, a stand-in's, or none; drawn faces are not the same data."""
    name = study.study.dataset.name
    published = PAPER.get(STAND_INS.get(name, name))
    return Beside(published=published, same=name in PAPER and not study.drawn) if published else None


def title_of(dataset: str) -> str:
    """The data set's name as people write it."""
    return DATASETS[dataset].title if dataset in DATASETS else dataset


def departures(study: Study) -> tuple[str, ...]:
    """In what a study's settings differ from the paper's; empty if in nothing that it states."""
    texts = []
    if study.dataset.image_size != IMAGE_SIZE:
        texts.append(f"{study.dataset.image_size} px for the paper's {IMAGE_SIZE}")
    widths = sorted({arm.width for arm in study.arms if arm.width != 1})
    if widths:
        texts.append(f"width {', '.join(f'{width:g}' for width in widths)} for the networks that scale")
    if study.training.epochs != EPOCHS:
        texts.append(f"at most {study.training.epochs} epochs for the paper's {EPOCHS}")
    if study.training.batch != BATCH:
        texts.append(f"batches of {study.training.batch} for the paper's {BATCH}")
    if study.searches:
        texts.append("learning rates, γ and class weights as found by a search for each network")
    if not study.training.augmentation.flip:
        texts.append("no random flips")
    paper = PAPER.get(study.dataset.name)
    if paper and study.dataset.frames != paper.frames:
        texts.append(f"frames chosen by {study.dataset.frames!r}, not as in the paper")
    if paper and study.dataset.classes and set(study.dataset.classes) != set(paper.samples):
        texts.append(f"the classes {', '.join(study.dataset.classes)}")
    if study.dataset.representation != "frame":
        texts.append(f"{study.dataset.representation} instead of the frames themselves")
    return tuple(texts)


def departure_notes(study: Study) -> tuple[str, ...]:
    """The same as one sentence, or nothing."""
    texts = departures(study)
    return (f"Not the paper's settings: {'; '.join(texts)}.",) if texts else ()

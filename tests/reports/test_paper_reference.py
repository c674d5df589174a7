from dataclasses import replace

from reports.outcomes import StudyEvaluation, evaluate_study
from reports.paper_reference import dataset_title, differences_from_paper, find_paper_reference
from studies.results import RunResult
from studies.search import Search
from studies.spec import RunSpec
from tests.reports.conftest import Factory


def _study(factory: type[Factory], dataset: str, *, is_synthetic: bool = False) -> StudyEvaluation:
    def choose(spec: RunSpec) -> RunResult:
        run = factory.run(spec)
        return replace(run, data=replace(run.data, synthetic=is_synthetic))

    return evaluate_study(factory.finish(factory.study(dataset=dataset), choose))


def test_papers_datasets_reference_themselves(factory: type[Factory]) -> None:
    reference = find_paper_reference(_study(factory, "ckplus"))

    assert reference is not None
    assert (reference.column_title, reference.notes) == ("Paper", ())
    assert reference.cite_items("Table 3") == ("Table 3",)
    assert dataset_title("ckplus") == "CK+"


def test_synthetic_faces_are_never_the_papers_dataset(factory: type[Factory]) -> None:
    reference = find_paper_reference(_study(factory, "ckplus", is_synthetic=True))

    assert reference is not None
    assert reference.column_title == "Paper (CK+)"
    assert "cannot be compared" in reference.notes[0]


def test_synthetic_set_has_a_labelled_substitute(factory: type[Factory]) -> None:
    reference = find_paper_reference(_study(factory, "synthetic"))

    assert reference is not None
    assert (reference.column_title, reference.results.title) == ("Paper (CASME II)", "CASME II")
    assert reference.cite_items("Table 5", "Figure 9") == ("Table 5 (CASME II)", "Figure 9 (CASME II)")
    assert "cannot be compared" in reference.notes[0]


def test_own_dataset_has_no_reference(factory: type[Factory]) -> None:
    assert find_paper_reference(_study(factory, "mine")) is None
    assert dataset_title("mine") == "mine"


def test_differences_from_the_papers_settings(factory: type[Factory]) -> None:
    study = factory.study(width=0.25)
    changed = replace(
        study,
        dataset=replace(study.dataset, image_size=72, frame_policy="apex"),
        training=replace(study.training, epochs=16),
    )

    assert differences_from_paper(factory.study()) == ()
    assert differences_from_paper(changed) == (
        "72 px instead of the paper's 224",
        "width 0.25 for the networks that scale",
        "at most 16 epochs instead of the paper's 100",
        "frame policy 'apex', not the paper's",
    )


def test_settings_that_were_searched_for_are_not_the_papers(factory: type[Factory]) -> None:
    study = factory.study()
    searches = (
        Search(key="k", values=(0.5,), pruned=(False,), learning_rate=1e-4, gamma=1.0, class_weights="none"),
    )
    (difference,) = differences_from_paper(replace(study, searches=searches))

    assert difference == "learning rate, γ and class weights tuned for each network"

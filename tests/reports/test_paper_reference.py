from dataclasses import replace

from reports.outcomes import StudyEvaluation, evaluate_study
from reports.paper_reference import dataset_title, differences_from_paper, find_paper_reference
from studies.results import RunResult
from studies.search import Search
from studies.spec import RunSpec
from tests.reports.conftest import Built


def _study(built: type[Built], dataset: str, *, drawn: bool = False) -> StudyEvaluation:
    def choose(spec: RunSpec) -> RunResult:
        run = built.run(spec)
        return replace(run, data=replace(run.data, synthetic=drawn))

    return evaluate_study(built.finish(built.study(dataset=dataset), choose))


def test_the_papers_sets_stand_beside_themselves(built: type[Built]) -> None:
    found = find_paper_reference(_study(built, "ckplus"))

    assert found is not None
    assert (found.column_title, found.notes) == ("Paper", ())
    assert found.cite_items("Table 3") == ("Table 3",)
    assert dataset_title("ckplus") == "CK+"


def test_drawn_faces_are_not_the_papers_set_whatever_their_layout(built: type[Built]) -> None:
    found = find_paper_reference(_study(built, "ckplus", drawn=True))

    assert found is not None
    assert found.column_title == "Paper (CK+)"
    assert "cannot be compared" in found.notes[0]


def test_the_synthetic_set_has_a_stand_in_that_says_so(built: type[Built]) -> None:
    found = find_paper_reference(_study(built, "synthetic"))

    assert found is not None
    assert (found.column_title, found.results.title) == ("Paper (CASME II)", "CASME II")
    assert found.cite_items("Table 5", "Figure 9") == ("Table 5 (CASME II)", "Figure 9 (CASME II)")
    assert "cannot be compared" in found.notes[0]


def test_a_set_of_ones_own_has_nothing_beside_it_and_keeps_its_name(built: type[Built]) -> None:
    assert find_paper_reference(_study(built, "mine")) is None
    assert dataset_title("mine") == "mine"


def test_departures_from_the_papers_settings(built: type[Built]) -> None:
    study = built.study(width=0.25)
    changed = replace(
        study,
        dataset=replace(study.dataset, image_size=72, frame_policy="apex"),
        training=replace(study.training, epochs=16),
    )

    assert differences_from_paper(built.study()) == ()
    assert differences_from_paper(changed) == (
        "72 px instead of the paper's 224",
        "width 0.25 for the networks that scale",
        "at most 16 epochs instead of the paper's 100",
        "frame policy 'apex', not the paper's",
    )


def test_settings_that_were_searched_for_are_not_the_papers(built: type[Built]) -> None:
    study = built.study()
    searches = (
        Search(key="k", values=(0.5,), pruned=(False,), learning_rate=1e-4, gamma=1.0, class_weights="none"),
    )
    (told,) = differences_from_paper(replace(study, searches=searches))

    assert told == "learning rate, γ and class weights tuned for each network"

from dataclasses import replace

from datasets.megc2019.constants import SETS
from reports.tables.prediction_scores import build_clip_table, build_difference_table, build_score_table
from studies.prediction_files.table import ClipPrediction
from studies.scoring.scored_table import compare_tables, score_table
from tests.studies.prediction_files.synthetic import make_predictions, make_table


def _texts(rows: object) -> list[list[str]]:
    return [[cell.text for cell in row] for row in rows]  # type: ignore[attr-defined]


def test_counts_show_different_official_ones() -> None:
    table = build_clip_table(score_table(make_table()))

    assert table.header == ("Set", "Subjects", "Clips", "negative", "positive", "surprise")
    assert _texts(table.rows)[2][:3] == ["CASME II", "8 (24)", "40 (145)"]
    assert "in parentheses" in table.notes[0]


def test_scores_have_intervals_and_the_number_of_classes_that_count() -> None:
    predictions = [replace(p, truth=min(p.truth, 1)) for p in make_predictions()]
    table = build_score_table(score_table(make_table(predictions)))
    full = _texts(table.rows)[0]

    assert table.header[2] == "UAR = macro recall"
    assert full[-1] == "2 of 3"
    assert all("." in text and " to " in text for text in full[1:-1])


def test_value_that_does_not_vary_has_no_interval() -> None:
    predictions = [replace(p, predicted_class=p.truth) for p in make_predictions()]
    rows = _texts(build_score_table(score_table(make_table(predictions))).rows)

    assert rows[0][1:5] == ["1.0000"] * 4


def test_table_of_all_official_clips_names_published_values() -> None:
    predictions = [
        ClipPrediction(
            dataset=name,
            subject=f"{index % counts.num_subjects}",
            clip=f"{label}-{index}",
            truth=label,
            predicted_class=label,
        )
        for name, counts in SETS.items()
        for label, count in enumerate(counts.clips_per_class)
        for index in range(count)
    ]
    notes = build_score_table(score_table(make_table(predictions))).notes
    assert "STSTNet UF1 0.7353, UAR 0.7186; STSTNet (Python port) UF1 0.7209, UAR 0.7250." in notes[-1]
    assert "CapsuleNet" not in notes[-1]
    assert not any("STSTNet" in note for note in build_score_table(score_table(make_table())).notes)


def test_difference_is_conditional_and_no_verdict() -> None:
    difference = compare_tables(make_table(), make_table(make_predictions(seed=1), name="b.txt"))
    table = build_difference_table(difference)

    assert table.title == "b.txt minus a.txt, in points, over 120 clips of both"
    assert len(table.rows) == 4
    assert any("no verdict" in note for note in table.notes)

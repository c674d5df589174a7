import json
from dataclasses import replace
from pathlib import Path

from datasets.megc2019.truth_list import TrueClip
from reports.score_document import build_score_data, render_scores, write_scores
from studies.scoring.claims import parse_claims
from studies.scoring.scored_table import compare_tables, score_table
from tests.studies.prediction_files.synthetic import make_predictions, make_table

PREDICTIONS = make_predictions()
TRUTHS = {
    p.key: TrueClip(dataset=p.dataset, subject=p.subject, clip=p.clip, label=p.truth) for p in PREDICTIONS
}


def test_text_names_clips_claims_and_notes() -> None:
    table = replace(
        make_table(PREDICTIONS[1:]), repeats=3, notes=("Read with <b>care</b>.",), name="a\u202e|b.txt"
    )
    scored = score_table(table, truth_list=TRUTHS, claims=parse_claims(["UF1=.0001"]))
    text = render_scores([scored], None)

    assert "Clips that in the truth list have no prediction: 1 (smic s01 s01_01)." in text
    assert "3 lines repeat a clip" in text
    assert "UF1 .0001: no;" in text
    assert "Clips and labels of --truth" in text.replace("\\", "")
    assert "<b>care" not in text
    assert "\u202e" not in text


def test_clips_equal_to_the_truth_list_are_noted() -> None:
    text = render_scores([score_table(make_table(PREDICTIONS), truth_list=TRUTHS)], None)

    assert "Clips and labels are those of the truth list (120 clips)." in text


def test_data_hold_every_clip_and_metric(tmp_path: Path) -> None:
    tables = [make_table(PREDICTIONS[10:]), make_table(make_predictions(seed=1), name="b.txt")]
    scored = [score_table(table, truth_list=TRUTHS) for table in tables]
    difference = compare_tables(*tables)
    path = write_scores(scored, difference, tmp_path / "new" / "out")
    data = json.loads(path.with_name("score.json").read_text())

    assert data == json.loads(json.dumps(build_score_data(scored, difference)))
    assert len(data["files"][0]["truth_list"]["missing"]) == 10
    full = data["files"][1]["scopes"][0]
    assert sum(map(sum, full["confusion_matrix"])) == full["clips"] == 120
    low, high = full["intervals"]["UAR"]
    assert low < full["metrics"]["UAR"] < high
    assert data["difference"]["conditional"]
    assert path.read_text().startswith("# Scores of a.txt, b.txt\n\n**Clips of a.txt")

from datasets.casme2.constants import DEFAULT_CLASSES, FRAME_POLICIES
from datasets.casme2.paper_frames import POLICY_FUNCTIONS, select_paper_frames
from datasets.sheets.clips import Clip
from datasets.spec import ImageRef


def clip(
    name: str = "EP01",
    onset: int = 10,
    peak: int | None = 20,
    offset: int = 30,
    emotion: str = "fear",
    subject: str = "sub01",
) -> Clip:
    present = range(onset, offset + 1)
    return Clip(
        name=f"{subject}/{name}",
        subject=subject,
        class_name=emotion,
        onset=onset,
        apex=peak,
        offset=offset,
        frames={number: ImageRef(f"{subject}/{name}.avi", number - 1) for number in present},
        apex_text="/" if peak is None else str(peak),
    )


def test_every_policy_has_a_function() -> None:
    assert tuple(POLICY_FUNCTIONS) == FRAME_POLICIES


def test_a_clip_without_an_apex_is_kept() -> None:
    choice = select_paper_frames([clip(peak=None)], DEFAULT_CLASSES)
    assert len(choice.samples) == 21
    assert [anomaly.code for anomaly in choice.anomalies] == ["unusable apex"]


def test_papers_frames_by_hand() -> None:
    # Happiness of subject 1: 10-30 (21 frames), 25-40 (16; 6 of them, 25-30, again), 35-36 (2, both again).
    # Its fear has the same numbers, as has the happiness of subject 2: neither overwrites.
    clips = [
        clip("EP05", 10, 20, 30, "happiness"),
        clip("EP01", 25, 30, 40, "happiness"),
        clip("EP03", 10, 20, 30, "fear"),
        clip("EP02", 35, 35, 36, "happiness"),
        clip("EP05", 10, 20, 30, "happiness", subject="sub02"),
    ]
    choice = select_paper_frames(clips, DEFAULT_CLASSES)
    assert sum(len(each.frames) for each in clips) == 21 + 16 + 21 + 2 + 21
    assert len(choice.samples) == (15 + 14 + 2) + 21 + 21
    survivors = {
        sample.frame_number: sample.clip
        for sample in choice.samples
        if sample.subject == "sub01" and sample.label == DEFAULT_CLASSES.index("happiness")
    }
    assert survivors == {
        **dict.fromkeys(range(10, 25), "sub01/EP05"),
        **dict.fromkeys(range(25, 35), "sub01/EP01"),
        35: "sub01/EP02",
        36: "sub01/EP02",
        **dict.fromkeys(range(37, 41), "sub01/EP01"),
    }
    assert choice.notes == (
        "frames: 81, of 5 clips",
        "8 of 81 frames (9.9%) were overwritten by a later clip's frame of the same emotion, subject and "
        "number; 73 remain",
    )


def test_frames_of_the_later_row_win() -> None:
    first, second = clip("EP01"), clip("EP02")
    assert {sample.clip for sample in select_paper_frames([first, second], DEFAULT_CLASSES).samples} == {
        "sub01/EP02"
    }
    assert {sample.clip for sample in select_paper_frames([second, first], DEFAULT_CLASSES).samples} == {
        "sub01/EP01"
    }

from datasets.ckplus.clips import CkplusClip, check_completeness


def faults(numbers: list[int], *, full: bool = True) -> list[tuple[str, str]]:
    frames = dict.fromkeys(numbers, "")
    clip = CkplusClip(name="S005/001", subject="S005", emotion="happy", frames=frames, is_full_sequence=full)
    return [(fault.code, fault.description) for fault in check_completeness(clip)]


def test_sequence_from_frame_1_is_complete() -> None:
    assert faults([1, 2, 3]) == []


def test_partial_sequence_may_start_at_any_frame() -> None:
    assert faults([9, 10, 11], full=False) == []
    assert faults([9, 10, 11]) == [("missing frames", "8 of the frames 1-11 are not there: 1-8")]


def test_gaps_are_listed_with_their_number() -> None:
    assert faults([1, 2, 4, 8]) == [("missing frames", "4 of the frames 1-8 are not there: 3, 5-7")]


def test_huge_frame_numbers_are_handled_quickly() -> None:
    assert faults([1594215, 1594216, 1594217]) == [
        ("missing frames", "1594214 of the frames 1-1594217 are not there: 1-1594214")
    ]


def test_fewer_than_three_frames_are_few() -> None:
    assert faults([1, 2]) == [("short sequence", "the sequence has fewer than 3 frames: 2")]

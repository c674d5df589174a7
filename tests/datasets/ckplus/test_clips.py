from datasets.ckplus.clips import CkplusClip, check_completeness


def faults(numbers, *, whole=True):
    frames = dict.fromkeys(numbers, "")
    clip = CkplusClip(name="S005/001", subject="S005", emotion="happy", frames=frames, is_full_sequence=whole)
    return [(fault.code, fault.description) for fault in check_completeness(clip)]


def test_a_sequence_from_one_on_lacks_nothing():
    assert faults([1, 2, 3]) == []


def test_a_sequence_cut_out_of_a_longer_one_may_start_anywhere():
    assert faults([9, 10, 11], whole=False) == []
    assert faults([9, 10, 11]) == [("missing frames", "8 of the frames 1-11 are not there: 1-8")]


def test_gaps_are_named_and_counted():
    assert faults([1, 2, 4, 8]) == [("missing frames", "4 of the frames 1-8 are not there: 3, 5-7")]


def test_the_numbers_of_the_first_cohn_kanade_release_do_not_take_for_ever():
    assert faults([1594215, 1594216, 1594217]) == [
        ("missing frames", "1594214 of the frames 1-1594217 are not there: 1-1594214")
    ]


def test_fewer_than_three_frames_are_few():
    assert faults([1, 2]) == [("short sequence", "the sequence has fewer than 3 frames: 2")]

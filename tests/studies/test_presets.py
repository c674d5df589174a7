import pytest

from architectures.catalogue import PROPOSED
from datasets.spec import AugmentationSpec, FlowSpec
from studies.presets import PRESETS, adapt_augmentation, get_preset, get_purpose
from studies.statistics.verdicts import MIN_TRAININGS
from tests.error_codes import raises_code

AUGMENTATION = AugmentationSpec()


@pytest.mark.parametrize("name", PRESETS)
def test_preset_is_returned_by_its_name(name: str) -> None:
    assert get_preset(name) is PRESETS[name]


def test_paper_preset_holds_the_settings_of_the_paper() -> None:
    preset = get_preset("paper")
    assert (preset.ablation_size, preset.comparison_size) == (224, 224)
    assert (preset.epochs, preset.width, preset.augmentation) == (100, 1.0, AUGMENTATION)


def test_demo_preset_has_enough_trainings_for_verdicts_under_both_splits() -> None:
    preset = get_preset("demo")
    assert (preset.networks[0], preset.networks[-1]) == ("vgg16", PROPOSED)
    assert (preset.protocols, preset.seeds) == (("frame", "subject"), MIN_TRAININGS)


def test_only_the_demo_preset_is_chosen_for_its_effects() -> None:
    assert get_purpose("demo") == PRESETS["demo"].purpose
    assert [get_purpose(name) for name in ("paper", "quick", "gone")] == ["", "", ""]


def test_unknown_preset_is_refused_with_the_accepted_names() -> None:
    with raises_code("preset.unknown", "'slow'", ", ".join(PRESETS)):
        get_preset("slow")


@pytest.mark.parametrize("representation", ["frame", "onset"])
def test_augmentation_of_faces_is_unchanged(representation: str) -> None:
    assert adapt_augmentation(AUGMENTATION, representation) is AUGMENTATION


@pytest.mark.parametrize(("representation", "flip"), [("apex_minus_onset", 0.5), ("flow", 0.0)])
def test_augmentation_of_motion_changes_no_color_and_flips_no_flow(representation: str, flip: float) -> None:
    adapted = adapt_augmentation(AUGMENTATION, representation)
    assert (adapted.brightness, adapted.contrast, adapted.saturation, adapted.hue) == (0, 0, 0, 0)
    assert adapted.flip == flip
    assert (adapted.rotation, adapted.scale, adapted.crop) == (3.0, 0.03, 0.02)


@pytest.mark.parametrize(("scale", "flip"), [("bytes", 0.0), ("constant", 0.5), ("image", 0.5)])
def test_float_flow_is_flipped_and_flow_in_bytes_is_not(scale: str, flip: float) -> None:
    adapted = adapt_augmentation(AUGMENTATION, "flow", flow=FlowSpec(scale=scale))
    assert (adapted.flip, adapted.brightness, adapted.hue) == (flip, 0, 0)

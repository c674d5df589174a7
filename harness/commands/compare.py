"""`harness compare`: the paper's seven networks side by side."""

from __future__ import annotations

from harness.commands import options


@options.grouped
def compare(
    data: options.Data,
    networks: options.Networks,
    splits: options.Splits,
    comparing: options.Comparing,
    planning: options.Planning,
    training: options.Training,
    beside: options.Beside,
    output: options.Output,
    architecture: options.Own = None,
    allow_leaks: options.AllowLeaks = False,
) -> None:
    """Run a comparison: VGG16, AlexNet, ResNet34, EfficientNet-B0, ShuffleNetV2, MobileNetV3, proposed."""
    from harness.commands.study import run

    asked = options.request(
        "comparison",
        data,
        splits=splits,
        training=training,
        networks=networks,
        architecture=architecture,
        allow_leaks=allow_leaks,
        beside=beside,
        comparing=comparing,
        plan=planning.plan,
    )
    run((asked,), output, save_plan=planning.save_plan)

"""The table of several tasks in one training against each alone."""

from training.encoders.recipe import EncoderRecipe, TaskSource
from training.encoders.tasks.proof import Line, _seeded, table


def test_one_run_has_its_scores() -> None:
    found = table([[Line("ytvis", "instances", 48, 0.05, 0.436, 0.415)]])
    assert found.splitlines()[2] == "| ytvis | instances | 48 | 0.050 | 0.436 | 0.415 |"


def test_several_seeds_have_means_and_their_differences() -> None:
    runs = [
        [Line("kinetics", "recognition", 48, 0.25, alone, together)]
        for alone, together in ((0.5, 0.75), (0.7, 0.4))
    ]
    head, _, row = table(runs).splitlines()
    assert head.endswith("| together | by seed |")
    assert row == "| kinetics | recognition | 48 | 0.250 | 0.600 | 0.575 | +0.25, -0.30 |"


def test_each_seed_has_a_folder_of_its_own() -> None:
    recipe = EncoderRecipe(
        output="runs/proof", objective="tasks", text="siglip-test",
        tasks=(TaskSource("ytvis", "toy"),),
    )  # fmt: skip
    assert [(one.seed, one.output) for one in _seeded(recipe, [0, 3])] == [
        (0, "runs/proof-0"), (3, "runs/proof-3"),
    ]  # fmt: skip
    assert _seeded(recipe, None) == [recipe]

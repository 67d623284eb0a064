"""The card says what its recipe says, and nothing about the sets of others."""

import copy
import dataclasses

import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pneumoscope.lab.networks import create
from pneumoscope.lab.training.card import CardFacts, licence_text, render_card
from pneumoscope.lab.training.evidence_map import outlining

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def card(finished):
    """Render the finished run's card with changes of its recipe and facts."""
    facts = CardFacts(
        recipe=finished.recipe,
        recipe_text="name: as given\n",
        finished=finished,
        network=finished.network,
        certificate=finished.data.certificate,
        leaks=(),
        without_patients=(),
        comparison=None,
        looks=None,
        outlined=outlining(("everyone",), {}),
        variants=(),
        parity={"logits": 1e-6, "activation_maps": 1e-6},
        record={},
        machine="a machine",
    )

    def render(*, recipe=None, **changes):
        changed = finished.recipe.model_copy(update=recipe or {})
        return render_card(dataclasses.replace(facts, recipe=changed, **changes))

    return render


def _with_input(finished, **changes):
    return {"input": finished.recipe.input.model_copy(update=changes)}


def _with_source(finished, **changes):
    first, *others = finished.recipe.sources
    return {"sources": (first.model_copy(update=changes), *others)}


def test_an_accepted_leak_stands_at_the_top_and_nothing_of_it_for_an_honest_split(card):
    told = card(leaks=("3 patients are in more than one part", "it was stale"))
    top = " ".join(told.split("## ")[0].split())
    assert (
        "leaks, accepted with `--accept-leak`: 3 patients are in more than one part; it was" in top
    )
    assert "accept-leak" not in card()


def test_a_split_from_a_file_is_told_and_how_to_use_it_again(card, finished):
    certificate = finished.data.certificate
    assert "alone, which nothing else saw." in card()
    assert "--split" not in card()
    fold = certificate["folds"][0] | {"stopped_on_report": True}
    other = card(certificate=certificate | {"scheme": "kfold", "folds": [fold]}, leaks=("so",))
    assert "split kfold by patient" in other
    assert "`--split` with the `split.json` of its run folder" in other
    assert "the very images of `stop`" in other
    assert "nothing else saw" not in other


def test_clahe_is_told_only_where_it_is_used(card, finished):
    assert "reduced by area, then CLAHE. Answers" in card()
    without = card(recipe=_with_input(finished, clahe_clip=None))
    assert "reduced by area. Answers" in without
    assert "CLAHE" not in without


def test_limits_are_those_of_the_recipe_and_no_others(card, finished):
    def limits(text):
        section = text.split("## Limits that are known\n")[1].split("\n## ")[0]
        return [line for line in section.splitlines() if line.startswith("- ")]

    own, general = limits(card())
    assert own == "- children: drawn by a program."
    changed = _with_source(finished, limits=("too few.", "too small."))
    assert limits(card(recipe=changed)) == [
        "- children: too few.",
        "- children: too small.",
        general,
    ]
    assert limits(card(recipe=_with_source(finished, limits=()))) == [general]


@pytest.mark.parametrize("word", ["AP", "hospital system", "opacities", "Kermany", "RSNA"])
def test_a_card_of_other_sets_says_nothing_of_the_published_ones(card, word):
    prose = [line for line in card().splitlines() if "AP view" not in line]
    assert word not in "\n".join(prose)


def test_a_leaking_split_is_not_said_to_be_unseen(card):
    assert "which nothing else saw" in card()
    assert "which nothing else saw" not in card(leaks=("3 patients are in more than one part",))


def test_a_set_without_patients_is_told_beside_its_split(card):
    assert "Of children no patients are known" in card(without_patients=("children",))
    assert "no patients are known" not in card()


def test_initial_weights_are_told(card, finished):
    assert "It started from random weights." in card()
    later = card(recipe={"initial_weights": "runs/first/checkpoints/best.ckpt"})
    assert "It started from the weights of an earlier run on the same split" in later
    assert "random weights" not in later
    network = copy.copy(finished.network)
    network.pretrained, network.weights_source = True, "random; pretrained: Sky-2 (MIT)"
    assert "It started from: Sky-2 (MIT)." in card(network=network)
    both = card(network=network, recipe={"initial_weights": "runs/first/checkpoints/best.ckpt"})
    assert "(initial_weights below). That one started from: Sky-2 (MIT)." in both


def test_the_recipe_s_text_stands_at_the_end(card):
    assert card().endswith("```yaml\nname: as given\n```\n")


def test_a_comparison_of_another_recipe_is_called_so(card, finished):
    pair = (finished, finished)
    assert "not the bundle's own recipe" not in card(comparison=pair)
    told = _with_source(finished, population="others")
    assert "not the bundle's own recipe" not in card(comparison=pair, recipe=told)
    trained = {"training": finished.recipe.training.model_copy(update={"l1": 0.5})}
    assert "not the bundle's own recipe" in card(comparison=pair, recipe=trained)


def test_terms_have_their_citation_where_there_is_one(finished):
    text = licence_text(finished.recipe, finished.network)
    assert "- children (made-up children): CC0 1.0.\n  Nobody 2020, Made-up Children\n" in text
    assert "- adults (made-up adults): for tests only\n" in text
    assert "ImageNet" not in text


def test_terms_of_imagenet_are_there_when_training_started_from_its_weights(finished):
    network = create(
        "vision_transformer", classes=3, size=48, options={"pretrained": True}, fetch=False
    )
    text = licence_text(finished.recipe, network)
    assert "for tests only\n- Weights that the training started from: ImageNet-1k (torch" in text
    assert "images for research)\n\nWhere one of these sets" in text


def section(text, title):
    return text.split(f"## {title}\n", 1)[1].split("\n## ")[0]


def test_the_training_s_machine_and_time_are_told_where_they_were_recorded(card):
    assert "Trained on: not recorded.\n" in card()
    record = {"device": "cpu", "machine": "x86_64", "precision": "32-true", "commit": "abc"}
    told = card(record=record | {"torch": "2", "seconds": 5400})
    assert "Trained on: cpu, x86_64, 32-true, torch 2, commit abc; at least 1.5 hours.\n" in told


# Letters of each item of TRIPOD+AI, "" for an item without.
TRIPOD_AI = {
    1: "", 2: "", 3: "abc", 4: "", 5: "ab", 6: "abc", 7: "", 8: "abc", 9: "abc", 10: "", 11: "",
    12: "abcdefg", 13: "", 14: "", 15: "", 16: "", 17: "", 18: "abcdef", 19: "", 20: "abc", 21: "",
    22: "", 23: "ab", 24: "", 25: "", 26: "", 27: "abc",
}  # fmt: skip


@pytest.mark.parametrize(
    ("guideline", "items"),
    [
        ("CLAIM 2024", [str(n) for n in range(1, 45)]),
        ("TRIPOD+AI", [f"{n}{letter}" for n, all_ in TRIPOD_AI.items() for letter in all_ or [""]]),
    ],
)
def test_every_item_of_the_guidelines_is_answered_by_a_section_that_is_there(
    card, guideline, items
):
    text = card()
    table = text.split(f"### {guideline}\n")[1].split("\n#")[0]
    rows = [line.strip("|").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    assert [row[0].strip() for row in rows[2:]] == items
    assert all(len(row) == 3 and row[2].strip() for row in rows)
    titles = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    for title in ("What it is", "Calibration", "At the operating points", "Limits that are known"):
        assert title in titles
    # What this run has not is not referred to.
    for title in ("If the age is not known", "Images unlike the training", "Figures on other sets"):
        assert title not in titles
        assert title not in table


def test_tables_are_whole(card):
    rows = []
    for line in [*card().splitlines(), ""]:
        if line.startswith("|"):
            rows.append(line.rstrip().count("|"))
        elif rows:
            assert len(rows) > 2
            assert len(set(rows)) == 1
            rows = []


def test_the_ways_to_calibrate_and_what_they_are_worth_stand_in_the_card(card, finished):
    text = section(card(), "Calibration")
    (fitted,) = finished.fit.profiles
    assert (
        f"| everyone | {fitted.images} ({fitted.patients}) | {fitted.profile.temperature:.3f} |"
        in text
    )
    for name, each in fitted.calibrators.items():
        used = " (used)" if name == fitted.way else ""
        assert f"| everyone | {name}{used} | {each.loss.value:.3f} (" in text
    (measured,) = finished.profiles
    for name, slope in measured.slope.items():
        assert (
            f"| everyone | {name} | {measured.images} ({measured.patients}) | {slope.value:.3f} "
            in text
        )


def test_a_card_of_one_age_group_says_nothing_of_ages(card):
    assert "age group" not in card().split("## What reporting")[0]

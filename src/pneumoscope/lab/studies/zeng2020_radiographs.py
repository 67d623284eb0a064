"""Zeng 2020 on radiographs: the searched dropout against the usual ones, many times."""

from __future__ import annotations

import numpy as np

from pneumoscope.evaluation import read_manifest
from pneumoscope.lab.datasets import (
    DataIdentity,
    SchemeSettings,
    Split,
    draw,
    linked_groups,
    units_of,
)
from pneumoscope.lab.studies.folds import one_by_one
from pneumoscope.lab.studies.page import Page, with_interval
from pneumoscope.lab.studies.study import Context, Study
from pneumoscope.lab.studies.zeng2020_backbone import (
    CHILDREN,
    Backbone,
    Frozen,
    features_of,
    train_backbone,
)
from pneumoscope.lab.studies.zeng2020_heads import WAYS, Budget
from pneumoscope.lab.studies.zeng2020_page import HARD_LABELS, write_ways
from pneumoscope.lab.studies.zeng2020_rounds import write_rounds
from pneumoscope.lab.studies.zeng2020_trials import Heads, measured, with_intervals

POSITIVE = "PNEUMONIA"
NETWORKS: tuple[str, ...] = ("inception_v3", "resnet152")
# Accuracy, F1, "AUROC".
PUBLISHED = {
    "inception_v3": (0.78205, 0.85120, 0.691880),
    "resnet152": (0.92788, 0.94465, 0.908974),
}
REPEATS, BUDGET = 15, Budget(seconds=5.0)
HELD_OUT, STOP = 0.3, 0.2


def _run(context: Context, page: Page) -> None:
    networks, repeats, budget = NETWORKS, REPEATS, BUDGET
    if context.smoke:
        networks, repeats, budget = NETWORKS[:1], 2, Budget(seconds=0.1)
    page.text(
        "Zeng 2020 searches the dropout rate of Inception-v3 and ResNet-152 by a genetic algorithm "
        "and reports the tuned networks alone, on the official test set of 624 children; no "
        "network with a usual rate stands beside them. Here the searched rate stands beside the "
        "usual ones and beside other searches of the same length, on many splits by patient. That "
        "test set is kept for the release and was not looked at."
    )
    page.text(
        "**The cheap form.** A network is trained end to end, with dropout 0.5, on one half of the "
        "Guangzhou children. It is frozen there. The other half, no patient of whom it saw, gives "
        "the features on which heads (dropout and one linear layer) are trained, stopped and "
        "reported; a head takes a second, so every way can be tried on many splits. What dropout "
        "does in a whole network that is trained with it may differ: `zeng2020-end-to-end` does "
        "that, on a GPU."
    )
    for network in networks:
        backbone, data = train_backbone(context, network)
        _write_network(page, backbone)
        _write_heads(context, page, backbone, data, repeats, budget)
    page.heading("Where this departs from the publication")
    page.text(
        "The publication merges the public set with one of Shenzhen Third People's Hospital, and "
        "does not say which. A set of that hospital is public (Jaeger 2014: 326 normal, 336 with "
        "tuberculosis); [what a merge with it can and cannot show](zeng2020-frozen.md"
        "#a-second-hospital-shenzhen). The publication "
        "states neither the input's size nor the optimiser; its networks presumably began with "
        "ImageNet weights, these with random ones, at "
        f"{backbone.recipe.input.size} pixels. The test sets differ, so the figures do not compare "
        "one to one. See [the search](../explanation/dropout-search.md) for what else was not "
        "published."
    )
    page.published_text(
        "Inception-v3's published figures do not fit together: accuracy and F1 force 389 true "
        "positives, 99 true negatives, 135 false positives and 1 false negative, whose balanced "
        'accuracy is 0.710 and not 0.692. ResNet-152\'s "AUROC" is the balanced accuracy of its '
        "384, 195, 39 and 6."
    )
    page.values("recipe", backbone.contents)


def _write_network(page: Page, backbone: Backbone) -> None:
    """Set the whole network, as it was trained, beside the published figures."""
    result = backbone.result
    page.heading(f"{backbone.network}: the network as a whole, dropout 0.5")
    page.source(f"split of {backbone.network}", f"certificate {result.certificate[:16]}")
    truth = np.array(result.labels) == POSITIVE
    answers = result.probabilities[:, result.classes.index(POSITIVE)]
    found = with_intervals(lambda weights: measured(truth, answers, weights), result.patients)
    accuracy, f1, as_published = (page.published(figure) for figure in PUBLISHED[backbone.network])
    rows = [
        ["published, dropout p*", accuracy, f1, "-", as_published],
        ["measured, dropout 0.5", *map(with_interval, found.values())],
    ]
    page.table(["", *found], rows)
    page.values(f"{backbone.network}, whole", {name: v.as_dict() for name, v in found.items()})
    page.text(
        f"Measured on {len(truth):,} images of children whom the network did not see, after "
        f"{len(result.epochs)} epochs on the others; 95% intervals from a bootstrap of patients. "
        f"{HARD_LABELS}"
    )
    write_rounds(page, backbone.network, {backbone.network: result})


def _write_heads(
    context: Context,
    page: Page,
    backbone: Backbone,
    data: DataIdentity,
    repeats: int,
    budget: Budget,
) -> None:
    heads = Heads(
        context,
        _features(context, backbone, data),
        data,
        positive=POSITIVE,
        budget=budget,
    )
    splits = splits_by_patient(data, repeats)
    found = heads.repeats(page, backbone.network, splits)
    page.heading(f"{backbone.network}: dropout before the last layer, chosen in {len(WAYS)} ways")
    sizes = [len(splits[0].folds[0].indices(part)) for part in ("train", "stop", "report")]
    page.text(
        f"{repeats} random splits of {len(data.files):,} images by patient: about "
        f"{sizes[0]:,} train a head, {sizes[1]:,} stop it, {sizes[2]:,} are reported. "
        f"{heads.units:,} units; {heads.along_one_direction:.1%} of their variance lies along one "
        "direction, and the nearer to all of it, the less any head on them has to choose."
    )
    write_ways(
        page,
        backbone.network,
        found,
        ratio=sizes[2] / sizes[0],
        budget=budget,
        of=f"{repeats} splits by patient",
    )


def splits_by_patient(data: DataIdentity, repeats: int) -> list[Split]:
    """Draw random splits by patient: 30% are reported, and a fifth of the others stops."""
    groups = linked_groups(data.patients, data.fingerprints)
    settings = SchemeSettings(
        scheme="monte-carlo", folds=repeats, holdout=HELD_OUT, stop=STOP, calibrate=0.0
    )
    return one_by_one(draw(units_of(data.strata, groups, "patient"), settings))


def _features(context: Context, backbone: Backbone, data: DataIdentity) -> Frozen:
    images = {image.file: image for image in read_manifest(context.data / CHILDREN).images}
    chosen = [images[file.removeprefix(f"{CHILDREN}/")] for file in data.files]
    return features_of(backbone, CHILDREN, chosen, data)


STUDY = Study(
    name="zeng2020-radiographs",
    title="Zeng 2020: a genetic search for dropout, on children's radiographs",
    reaches="the figures of Inception-v3 and ResNet-152 on radiographs; heads on frozen features",
    cost="two trainings at 112 pixels and 30 times thirteen heads: hours on one core",
    run=_run,
    needs=(CHILDREN,),
)

"""What Zeng 2020 leaves open, on a frozen ImageNet network: minutes on one core.

Three questions: dropout weighted by feature matrices (its future work), the other reading of its
equation 4, and what a merge with the public set of its second hospital can show.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import yaml

from pneumoscope.evaluation import LabelledImage, read_manifest
from pneumoscope.files import write_files
from pneumoscope.lab.datasets import DataIdentity, identify
from pneumoscope.lab.networks import Network
from pneumoscope.lab.studies.experiment import recipe_contents
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.study import Context, Study
from pneumoscope.lab.studies.zeng2020_backbone import (
    CHILDREN,
    SEED,
    Frozen,
    kept_features,
    part_of,
)
from pneumoscope.lab.studies.zeng2020_heads import WAYS, Budget
from pneumoscope.lab.studies.zeng2020_page import HARD_LABELS, write_ways
from pneumoscope.lab.studies.zeng2020_radiographs import POSITIVE, splits_by_patient
from pneumoscope.lab.studies.zeng2020_shenzhen import SECOND, Merge, shenzhen_images, write_merge
from pneumoscope.lab.studies.zeng2020_trials import Heads
from pneumoscope.lab.training import Recipe, build_network, read_recipe

# A budget in masks gives the same answer on a busy machine.
IMAGES, REPEATS, BUDGET = 1_600, 10, Budget(evaluations=1_000, rates=5)
SMOKE_IMAGES, SMOKE = 400, {"input.size": 64}


def _run(context: Context, page: Page) -> None:
    repeats, budget, count = REPEATS, BUDGET, IMAGES
    if context.smoke:
        repeats, budget, count = 2, Budget(evaluations=100, rates=2), SMOKE_IMAGES
    contents = recipe_contents("zeng2020-frozen", SMOKE if context.smoke else {})
    path = context.work / "recipe.yaml"
    write_files({path: yaml.safe_dump(contents, sort_keys=False).encode()})
    recipe = read_recipe(path)
    everyone = identify([context.data / CHILDREN])
    order = np.random.default_rng(SEED).permutation(len(everyone.files))
    data = part_of(everyone, np.sort(order[:count]))
    page.source(CHILDREN, f"sha256 {everyone.sha256[:16]}, {len(data.files)} of its images")
    by_file = {image.file: image for image in read_manifest(context.data / CHILDREN).images}
    images = [by_file[file.removeprefix(f"{CHILDREN}/")] for file in data.files]
    children = _features(context, contents, recipe, CHILDREN, images, data.sha256)
    splits = splits_by_patient(data, repeats)
    heads = Heads(context, children, data, positive=POSITIVE, budget=budget)
    found = heads.repeats(page, "heads", splits)
    _write_opening(page, recipe, data, heads)
    page.heading(f"Dropout before the last layer, chosen in {len(WAYS)} ways")
    sizes = [len(splits[0].folds[0].indices(part)) for part in ("train", "stop", "report")]
    page.text(
        f"{repeats} random splits of {len(data.files):,} images by patient: about {sizes[0]:,} "
        f"train a head, {sizes[1]:,} stop it, {sizes[2]:,} are reported. {HARD_LABELS}"
    )
    ratio = sizes[2] / sizes[0]
    write_ways(page, "heads", found, ratio=ratio, budget=budget, of=f"{repeats} splits by patient")
    second = shenzhen_images(context, page)
    checksum = identify([context.data / SECOND]).sha256
    shenzhen = _features(context, contents, recipe, "shenzhen", second, checksum)
    labels = np.array([stratum.rpartition(" ")[2] == POSITIVE for stratum in data.strata])
    write_merge(page, Merge(children, labels, shenzhen, second), splits, ratio)
    page.values("recipe", contents)


def _write_opening(page: Page, recipe: Recipe, data: DataIdentity, heads: Heads) -> None:
    page.text(
        "Zeng 2020 leaves three things open: a number computed from each unit's feature matrix as "
        "that unit's weight in dropout (its future work), whether its equation 4 means the loss of "
        "the network as it is or of a short training, and which set of its second hospital it "
        "used. Here all three are tried where it is cheap."
    )
    page.text(
        f"**Cheaper still than [heads on a trained network](zeng2020-radiographs.md).** The "
        f"network is EfficientNet-Lite0 with ImageNet weights at {recipe.input.size} pixels, "
        "frozen: no radiograph trained it, so all children can be split again and again. Heads "
        f"(dropout and one linear layer) are trained on its {heads.units:,} averaged feature maps; "
        f"{heads.along_one_direction:.1%} of the units' variance lies along one direction. It is "
        "neither network of the publication, and its figures are not to be compared with the "
        "published ones: what counts are the differences between ways on the same splits. "
        f"{len(data.files):,} of the children's radiographs, drawn at random, keep the study "
        "short. The official test set was not looked at."
    )


def _features(
    context: Context,
    contents: dict[str, Any],
    recipe: Recipe,
    source: str,
    images: list[LabelledImage],
    checksum: str,
) -> Frozen:
    def network() -> Network:
        return build_network(recipe, fetch=True)

    key = [contents, checksum, [image.file for image in images]]
    return kept_features(context.work, key, network, recipe, source, images)


STUDY = Study(
    name="zeng2020-frozen",
    title="Zeng 2020: what it leaves open, on a frozen ImageNet network",
    reaches="weighted dropout (future work), the other reading of equation 4, a second hospital",
    cost="no network is trained; 10 times thirteen heads: about ten minutes on one core",
    run=_run,
    needs=(CHILDREN, SECOND),
)

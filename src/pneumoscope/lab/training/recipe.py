"""A training recipe: one YAML file that says everything a run depends on."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

# As a bundle takes them: a run that cannot be exported should not begin.
from pneumoscope.bundles import Age, ClassName, Name, Text, Version
from pneumoscope.errors import RecipeError
from pneumoscope.evaluation import PATIENT_COLUMN
from pneumoscope.files import read_limited
from pneumoscope.findings import ImageKind, InputSpec
from pneumoscope.lab.datasets import Augmentation
from pneumoscope.lab.networks import MAX_UNIT_RATE, names

DATA_VARIABLE = "PNEUMOSCOPE_DATA"
MAX_BYTES = 1 << 20

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
UnitRate = Annotated[float, Field(ge=0, le=MAX_UNIT_RATE)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Source(_Section):
    """One data set of the recipe.

    `absent_classes` are classes that the set has no label for. For its images the loss leaves
    their logits out (`left_out`: nothing is learnt about them), or keeps them in the softmax
    (`as_negative`: the set's images are taken as none of these classes). `population`, `ages` (the
    range in whole years that the set covers well), `licence`, `citation` and `limits` (what a
    reader of the figures must know of the set) go into the bundle and its card. `boxes` is a CSV
    file of readers' boxes in the set's folder: the card then says where the network looks.
    `patient_column` is the column of `labels.csv` that names the patients, or what stands for them.
    `same_patient` joins values of that column that are, or may be, of one patient. `subset` keeps
    the images that have these values in these columns. Sources with the same `shared_patients`
    name their patients alike: a patient of one may be in another, and stays in one part of the
    split. `train_only` keeps a source out of all parts but train. `cut_out` says that its images
    are lung fields alone, black around them: their outlines are then changed at random. `age_group`
    is the group of the
    recipe's `age_groups` that the images are of.

    With `sampling: balanced_sources`, `share` says how often the source is drawn beside the others,
    `balance` names columns (`label` or others of `labels.csv`) whose combinations are drawn equally
    often, and a patient with more than `patient_cap` images is drawn as if there were so many.
    """

    name: Text
    folder: Text
    population: Text
    licence: Text
    citation: Text | None = None
    limits: tuple[Text, ...] = ()
    ages: tuple[Age, Age] | None = None
    boxes: Text | None = None
    absent_classes: tuple[str, ...] = ()
    absent_class_loss: Literal["left_out", "as_negative"] = "left_out"
    patient_column: Text = PATIENT_COLUMN
    same_patient: tuple[tuple[Text, ...], ...] = ()
    subset: dict[str, str] = Field(default_factory=dict)
    shared_patients: Text | None = None
    train_only: bool = False
    cut_out: bool = False
    age_group: Name | None = None
    share: Positive = 1.0
    balance: tuple[Text, ...] = ()
    patient_cap: int | None = Field(None, ge=1)

    @property
    def patient_prefix(self) -> str:
        """What its patients' numbers begin with, equal for sources that share patients."""
        return self.shared_patients or self.name


class AgeGroup(_Section):
    """Patients with a calibration of their own: `from_age` <= age in years < `to_age`."""

    name: Name
    from_age: Age = 0
    to_age: Age | None = None


class Evidence(_Section):
    """The classes that get a map of evidence, the one that is shown, and how the maps are taught.

    A source's `boxes` teach the map of the class `shown` cell by cell; labels alone teach the
    others. `positive_weight` weighs the cells inside a box, `weight` the cells' loss beside the
    classes', and `label_weight` the loss of maps that only a label is known of.
    """

    classes: tuple[ClassName, ...] = Field(min_length=1)
    shown: ClassName
    positive_weight: Positive = 3.0
    weight: Positive = 1.0
    label_weight: Positive = 0.2

    @model_validator(mode="after")
    def _shown_is_taught(self) -> Evidence:
        if self.shown not in self.classes:
            raise ValueError(f"shown: {self.shown!r} is not among the evidence's classes")
        return self


class Data(_Section):
    """What is done about images that cannot be read; see `pneumoscope.lab.datasets.collect`."""

    max_unreadable_share: float = Field(0, ge=0, lt=1)


class Split(_Section):
    """Shares of the patients (or images) in the four parts, and the seed that draws them."""

    by: Literal["patient", "image"] = "patient"
    seed: Seed = 42
    train: Fraction = 0.65
    stop: Fraction = 0.10
    calibrate: Fraction = 0.10
    report: Fraction = 0.15

    @model_validator(mode="after")
    def _parts_make_one(self) -> Split:
        parts = (self.train, self.stop, self.calibrate, self.report)
        if min(parts) <= 0 or abs(sum(parts) - 1) > 1e-9:
            raise ValueError("train, stop, calibrate and report must be above 0 and sum to 1")
        return self


class Input(_Section):
    """The network's input; see `pneumoscope.findings.InputSpec`."""

    size: int = 224
    clahe_clip: float | None = 2.0
    clahe_tiles: int = 8

    @property
    def spec(self) -> InputSpec:
        """The same as a value that travels with the bundle."""
        return InputSpec(self.size, self.clahe_clip, self.clahe_tiles, channels=3)

    @model_validator(mode="after")
    def _possible(self) -> Input:
        InputSpec(self.size, self.clahe_clip, self.clahe_tiles, channels=3)
        return self


class NetworkChoice(_Section):
    """A registered network and its options.

    `head_dropout` is the one rate before the last layer, whatever the network's options say of it;
    `unit_dropout` has a rate for every unit there.
    """

    name: str
    options: dict[str, int | float | bool | str] = Field(default_factory=dict)
    head_dropout: Fraction | None = None
    unit_dropout: tuple[UnitRate, ...] | None = Field(None, min_length=1, max_length=100_000)

    @field_validator("name")
    @classmethod
    def _registered(cls, name: str) -> str:
        if name not in names():
            raise ValueError(f"{name!r} does not exist; there are: {', '.join(names())}")
        return name

    @model_validator(mode="after")
    def _one_dropout(self) -> NetworkChoice:
        if self.head_dropout is not None and self.unit_dropout is not None:
            raise ValueError(
                "head_dropout and unit_dropout are of one layer: leave one of them out"
            )
        return self


class Plateau(_Section):
    """Lower the learning rate when the stop part's loss no longer falls."""

    factor: float = Field(0.1, gt=0, lt=1)
    patience: int = Field(3, ge=0)
    minimum: float = Field(1e-6, ge=0)


class OneCycle(_Section):
    """The learning rate over the whole run; `warm_up` is the share of the steps that raise it."""

    warm_up: float = Field(0.2, gt=0, lt=1)


class Training(_Section):
    """How long and how fast. `minutes` ends the run early, keeping its best checkpoint.

    `sampling` draws every source equally often, with replacement (`balanced_sources`), or every
    image once an epoch (`every_image`). `keep` says which epoch's checkpoint is kept as the best
    one: by the stop part, or simply the last. `class_weights` weighs the cross-entropy: inversely
    to the class's images in the train part (`balanced`), or as stated per class. `ema_decay` keeps
    the running average of the weights instead of the last ones. `batch_size` is that of all
    `devices` together. `one_cycle` raises the learning rate from a tenth over the first part of the
    steps, then lowers it to nearly nothing (Smith 2018); it takes the place of `plateau`.
    `weight_decay` makes Adam AdamW.
    """

    epochs: int = Field(30, ge=1)
    sampling: Literal["balanced_sources", "every_image"] = "balanced_sources"
    samples_per_epoch: int | None = Field(None, ge=1)
    batch_size: int = Field(16, ge=2)
    learning_rate: Positive = 1e-3
    l1: float = Field(1e-5, ge=0)
    l2: float = Field(1e-4, ge=0)
    class_weights: Literal["balanced"] | dict[str, Positive] | None = None
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    ema_decay: float | None = Field(None, gt=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)
    plateau: Plateau | None = Plateau()
    one_cycle: OneCycle | None = None
    precision: Literal["auto", "fp32"] = "auto"
    early_stopping_patience: int | None = Field(5, ge=1)
    keep: Literal["lowest_loss", "highest_accuracy", "last"] = "lowest_loss"
    minutes: float | None = Field(None, gt=0)
    threads: int | None = Field(None, ge=1)
    devices: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _sampling_agrees(self) -> Training:
        if self.sampling == "every_image" and self.samples_per_epoch is not None:
            raise ValueError("sampling every_image draws all images: leave samples_per_epoch out")
        return self

    @model_validator(mode="after")
    def _one_schedule(self) -> Training:
        if self.one_cycle is not None and self.plateau is not None:
            raise ValueError("one_cycle and plateau both set the learning rate: plateau: null")
        return self

    @model_validator(mode="after")
    def _devices_share(self) -> Training:
        if self.batch_size % self.devices or self.batch_size < 2 * self.devices:
            raise ValueError(
                f"batch_size {self.batch_size} cannot be shared by {self.devices} devices: make it "
                "a multiple, of at least 2 each"
            )
        return self


class Recipe(_Section):
    """Everything that a training run depends on, and what its bundle and card say of it.

    `reads` is the kind of images, `not_for` what the bundle must not be used for (words that
    complete "must not be used"), `picture_check` whether radiographs are first checked for being an
    upright frontal chest. The sets of `also_measured` are in no part of the split: the card
    gives their figures beside those of the report part.
    """

    name: Name
    version: Version = "1"
    reads: ImageKind = ImageKind.CHEST_RADIOGRAPH
    not_for: tuple[Text, ...] = ()
    picture_check: bool = True
    seed: Seed = 42
    classes: tuple[ClassName, ...] = Field(min_length=2, max_length=100)
    positive_class: str
    positive_sensitivity: float = Field(0.95, gt=0, le=1)
    positive_specificity: float = Field(0.9, gt=0, le=1)
    sources: tuple[Source, ...] = Field(min_length=1)
    also_measured: tuple[Source, ...] = ()
    age_groups: tuple[AgeGroup, ...] = Field((AgeGroup(name="everyone"),), min_length=1)
    evidence: Evidence | None = None
    data: Data = Data()
    split: Split = Split()
    input: Input = Input()
    network: NetworkChoice
    augmentation: Augmentation | None = Augmentation()
    training: Training = Training()
    initial_weights: str | None = None

    @model_validator(mode="after")
    def _names_agree(self) -> Recipe:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("a class is listed twice")
        if self.positive_class not in self.classes:
            raise ValueError(f"positive_class {self.positive_class!r} is not among the classes")
        sources = (*self.sources, *self.also_measured)
        if len({source.name for source in sources}) != len(sources):
            raise ValueError("two sources have the same name")
        for source in sources:
            self._check_source(source)
        if all(source.train_only for source in self.sources):
            raise ValueError("every source is train_only: none is left to measure on")
        if self.evidence and set(self.evidence.classes) - set(self.classes):
            raise ValueError("evidence.classes: some are not classes")
        _check_ages(self.age_groups)
        weights = self.training.class_weights
        if isinstance(weights, dict) and set(weights) != set(self.classes):
            raise ValueError("training.class_weights must name every class, and no other")
        return self

    def _check_source(self, source: Source) -> None:
        """Refuse what a source says of classes, ages and age groups that the recipe has not."""
        unknown = set(source.absent_classes) - set(self.classes)
        if unknown:
            raise ValueError(f"source {source.name!r}: {sorted(unknown)} are not classes")
        if len(self.classes) - len(source.absent_classes) < 2:
            raise ValueError(f"source {source.name!r} is left with fewer than two classes")
        if source.ages and source.ages[0] > source.ages[1]:
            raise ValueError(f"source {source.name!r}: the youngest age is above the oldest")
        if self.group_of(source) is None:
            raise ValueError(
                f"source {source.name!r}: age_group must be one of "
                f"{', '.join(group.name for group in self.age_groups)}"
            )

    def group_of(self, source: Source) -> int | None:
        """Index of a source's age group; None where it names none of several, or an unknown one."""
        names = [group.name for group in self.age_groups]
        if source.age_group is None:
            return 0 if len(names) == 1 else None
        return names.index(source.age_group) if source.age_group in names else None

    def known_classes(self) -> list[list[bool]]:
        """Tell which classes (columns) the loss compares for each source's images (rows)."""
        return [
            [
                source.absent_class_loss == "as_negative" or name not in source.absent_classes
                for name in self.classes
            ]
            for source in self.sources
        ]

    def training_part(self) -> dict[str, Any]:
        """What the weights depend on: the recipe without what only the bundle and its card say.

        Without the keys that are at their defaults, so that a new key changes no older recipe.
        """
        told = {"population", "licence", "citation", "limits", "ages"}
        if self.evidence is None:
            told.add("boxes")  # else they teach
        # `data` only allows; which images were left out is seen in the split's certificate.
        only_told = {
            "name",
            "version",
            "reads",
            "not_for",
            "picture_check",
            "positive_class",
            "positive_sensitivity",
            "positive_specificity",
            "also_measured",
            "data",
        }
        exclude: Any = dict.fromkeys(only_told, True) | {"sources": {"__all__": told}}
        return self.model_dump(mode="json", exclude=exclude, exclude_defaults=True)


def _check_ages(groups: Sequence[AgeGroup]) -> None:
    """Refuse age groups that leave an age out or claim it twice."""
    if len({group.name for group in groups}) != len(groups):
        raise ValueError("age_groups: two have the same name")
    ends = [group.to_age for group in groups]
    starts = [group.from_age for group in groups]
    if [0.0, *ends[:-1]] != starts or ends[-1] is not None or None in ends[:-1]:
        raise ValueError(
            "age_groups: must follow each other from from_age 0, the last one without to_age"
        )


class _PlainLoader(yaml.SafeLoader):
    """A safe loader without aliases, as a few lines of nested ones grow beyond any memory.

    A key that is there twice is refused: PyYAML would silently take the last one.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(keys)) < len(keys):
            raise yaml.YAMLError("a key is there twice")
        return super().construct_mapping(node, deep)


def read_recipe(path: Path) -> Recipe:
    """Read and validate a recipe.

    Parameters
    ----------
    path : Path
        A YAML file, at most 1 MiB.

    Raises
    ------
    RecipeError
        No such file, not YAML, an unknown key, or an impossible value; the message names it.
    """
    try:
        data = read_limited(path, MAX_BYTES)
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror}); give a YAML file") from None
    try:
        content: Any = _PlainLoader(data).get_single_data()
    except Exception:
        # Besides its own errors PyYAML lets others out, for impossible dates and deep nesting.
        raise RecipeError(
            f"{path}: is not valid YAML, or has aliases or a key twice (not allowed)"
        ) from None
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of names to values")
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        # A key may hold line breaks.
        where = " ".join(".".join(str(part) for part in first["loc"]).split()) or "recipe"
        what = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            what = "is no key of a recipe; correct or remove it"
        raise RecipeError(f"{path}: {where}: {what}") from None


def source_folder(recipe_path: Path, source: Source) -> Path:
    """Where a source's images are: under $PNEUMOSCOPE_DATA, or else beside the recipe.

    Raises
    ------
    RecipeError
        The folder does not exist; the message names the place that was looked at.
    """
    base = Path(os.environ.get(DATA_VARIABLE, recipe_path.parent))
    folder = base / source.folder
    if not folder.is_dir():
        raise RecipeError(
            f"source {source.name!r}: no folder {folder}; set {DATA_VARIABLE} to the folder that "
            f"holds {source.folder!r}"
        )
    return folder

"""The schema of ``bundle.json``."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from pneumoscope.findings import (
    AgeGroup,
    ImageKind,
    InputSpec,
    OperatingPoint,
    Profile,
    Purpose,
)

SCHEMA_VERSION: Literal[2] = 2
MAX_FILE_BYTES = 512 << 20
GRAPH, CARD, LICENCE, TRAINING_IMAGES = (
    "model.onnx",
    "card.md",
    "LICENSE-BUNDLE",
    "training-images.txt",
)
SINGLE = "fp32"
"""The precision that a bundle's own profiles are of, and in which every engine may run it."""
FILES = (GRAPH, CARD, LICENCE, TRAINING_IMAGES)

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Version = Annotated[str, Field(pattern=r"^[0-9A-Za-z.]{1,20}$")]
ClassName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,39}$")]
Age = Annotated[float, Field(ge=0, le=130)]
GraphFile = Annotated[str, Field(pattern=r"^model(-[a-z0-9]{1,20})?\.onnx$")]
Precision = Annotated[str, Field(pattern=r"^[a-z0-9]{1,20}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Bias = Annotated[float, Field(ge=-100, le=100)]
Distance = Annotated[float, Field(gt=0, allow_inf_nan=False)]
# One printable line: it goes into logs, terminals and pages.
Text = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=1000,
        pattern=r"^[^\p{Cc}\p{Zl}\p{Zp}]+$",
    ),
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileRecord(_Section):
    """Size and checksum of one of the bundle's files."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0, le=MAX_FILE_BYTES)


class TrainingSet(_Section):
    """One data set that the network was trained on, and the terms that come with it.

    `ages` is the range, in whole years, that the set covers well, where it is known.
    """

    name: Text
    population: Text
    licence: Text
    citation: Text | None = None
    images: int = Field(ge=1)
    ages: tuple[Age, Age] | None = None
    absent_classes: tuple[ClassName, ...] = ()

    @model_validator(mode="after")
    def _ages_in_order(self) -> TrainingSet:
        if self.ages and self.ages[0] > self.ages[1]:
            raise ValueError("the youngest age is above the oldest")
        return self


class InputSection(_Section):
    """See `pneumoscope.findings.InputSpec`."""

    size: int
    clahe_clip: float | None
    clahe_tiles: int
    channels: int

    def spec(self) -> InputSpec:
        """Return the same as a value of findings."""
        return InputSpec(self.size, self.clahe_clip, self.clahe_tiles, self.channels)


class AgeGroupSection(_Section):
    """See `pneumoscope.findings.AgeGroup`."""

    name: Name
    from_age: Age
    to_age: Age | None

    def group(self) -> AgeGroup:
        """Return the same as a value of findings."""
        return AgeGroup(self.name, self.from_age, self.to_age)


class CalibrationSection(_Section):
    """Temperature and biases of the softmax, fitted on the calibration part of the split."""

    temperature: float = Field(gt=0, le=100)
    biases: dict[ClassName, Bias]


class OperatingPointSection(_Section):
    """See `pneumoscope.findings.OperatingPoint`."""

    purpose: Purpose
    label: ClassName
    threshold: Share
    rule: Text
    sensitivity: tuple[Share, Share, Share] | None = None
    specificity: tuple[Share, Share, Share] | None = None

    def point(self) -> OperatingPoint:
        """Return the same as a value of findings."""
        return OperatingPoint(
            self.purpose, self.label, self.threshold, self.rule, self.sensitivity, self.specificity
        )


class PredictionSetSection(_Section):
    """A class is in the set from `min_probability` on; `coverage` of the sets hold the truth."""

    coverage: float = Field(gt=0, lt=1)
    min_probability: Share


class ProfileSection(_Section):
    """See `pneumoscope.findings.Profile`."""

    age_group: Name
    view: Literal["AP", "PA"] | None
    classes: tuple[ClassName, ...]
    calibration: CalibrationSection
    operating_points: tuple[OperatingPointSection, ...]
    prediction_set: PredictionSetSection | None

    def profile(self) -> Profile:
        """Return the same as a value of findings."""
        kept = self.prediction_set
        return Profile(
            age_group=self.age_group,
            classes=self.classes,
            temperature=self.calibration.temperature,
            biases=self.calibration.biases,
            view=self.view or "",
            operating_points=tuple(point.point() for point in self.operating_points),
            coverage=None if kept is None else kept.coverage,
            min_probability=None if kept is None else kept.min_probability,
        )

    @model_validator(mode="after")
    def _parts_agree(self) -> ProfileSection:
        self.profile()
        return self


class EvidenceSection(_Section):
    """What the graph's `evidence` shows, and for whom it may be outlined.

    `shown` is the class that is shown, `floor` the probability that a cell must reach before
    anything is outlined. `why_not_outlined` gives the reason for each age group that is not in
    `outlined_for`.
    """

    classes: tuple[ClassName, ...] = Field(min_length=1)
    shown: ClassName
    floor: float = Field(gt=0, le=1)
    outlined_for: tuple[Name, ...]
    why_not_outlined: dict[Name, Text]

    @model_validator(mode="after")
    def _shows_one_of_its_classes(self) -> EvidenceSection:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("a class is listed twice")
        if self.shown not in self.classes:
            raise ValueError("the class shown is not among the map's classes")
        return self


class VariantSection(_Section):
    """How the answers of an engine are read in another precision than the bundle's own.

    Engines agree in single precision, so one calibration serves them all. In another precision each
    has its own: profiles, limits and floor are fitted and measured anew, as of the bundle itself.
    `graph` is the file that is run.
    """

    engine: Name
    precision: Precision
    graph: GraphFile
    profiles: tuple[ProfileSection, ...]
    distance_limits: dict[Name, Distance]
    evidence_floor: float | None = Field(gt=0, le=1)


class BundleDescription(_Section):
    """What ``bundle.json`` says.

    `reads` is the kind of images that it was made for. `leaks` says in words why the bundle's own
    figures flatter it, where its split was accepted with a leak; it is empty for an honest one.
    `not_for` says, in words that complete "must not be used", what it must not be used for.
    `picture_check` says whether a radiograph is first checked for being an upright frontal chest.
    `distance_limits` is, per age group, the greatest distance from its training images at which an
    image is still read; empty where the graph measures none.
    `variants` are the engines and precisions that it was calibrated for beside `SINGLE`, in which
    every engine may run it.
    """

    schema_version: Literal[2]
    name: Name
    version: Version
    reads: ImageKind = ImageKind.CHEST_RADIOGRAPH
    classes: tuple[ClassName, ...] = Field(min_length=2, max_length=100)
    input: InputSection
    age_groups: tuple[AgeGroupSection, ...] = Field(min_length=1, max_length=20)
    profiles: tuple[ProfileSection, ...]
    evidence: EvidenceSection | None
    distance_limits: dict[Name, Distance]
    training_sets: tuple[TrainingSet, ...] = Field(min_length=1)
    split_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    leaks: tuple[Text, ...] = ()
    not_for: tuple[Text, ...] = ()
    picture_check: bool = True
    variants: tuple[VariantSection, ...] = ()
    files: dict[str, FileRecord]

    @property
    def graphs(self) -> frozenset[str]:
        """Names of the files that hold a graph."""
        return frozenset((GRAPH, *(variant.graph for variant in self.variants)))

    def groups(self) -> tuple[AgeGroup, ...]:
        """Return the age groups as values of findings, in the order of the graph's outputs."""
        return tuple(section.group() for section in self.age_groups)

    @model_validator(mode="after")
    def _parts_agree(self) -> BundleDescription:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("a class is listed twice")
        files = sorted({*FILES, *self.graphs})
        if sorted(self.files) != files:
            raise ValueError(f"files must be exactly: {', '.join(files)}")
        self.input.spec()
        return self

    @model_validator(mode="after")
    def _age_groups_cover_every_age(self) -> BundleDescription:
        groups = self.groups()
        if len({group.name for group in groups}) != len(groups):
            raise ValueError("an age group is listed twice")
        if groups[0].from_age != 0 or groups[-1].to_age is not None:
            raise ValueError("the age groups do not reach from 0 to every age")
        for younger, older in pairwise(groups):
            if younger.to_age != older.from_age:
                raise ValueError(
                    f"between the age groups {younger.name} and {older.name} is a gap or an overlap"
                )
        return self

    @model_validator(mode="after")
    def _profiles_are_complete(self) -> BundleDescription:
        names = {group.name for group in self.age_groups}
        made_for = [(profile.age_group, profile.view) for profile in self.profiles]
        if len(set(made_for)) != len(made_for):
            raise ValueError("two profiles are of the same age group and view")
        if not {name for name, _ in made_for} <= names:
            raise ValueError("a profile is of an age group that is not listed")
        for name in sorted(names):
            if (name, None) not in made_for:
                raise ValueError(f"no profile of {name} is for any view")
        if not all(set(profile.classes) <= set(self.classes) for profile in self.profiles):
            raise ValueError("a profile names a class that is none of the bundle's")
        return self

    @model_validator(mode="after")
    def _variants_are_complete(self) -> BundleDescription:
        named = [(variant.engine, variant.precision) for variant in self.variants]
        if len(set(named)) != len(named):
            raise ValueError("a variant is listed twice")
        for variant in self.variants:
            self.read_by(variant)
        return self

    def read_by(self, variant: VariantSection) -> BundleDescription:
        """Return the description as if the variant were the bundle's only way to be read.

        Raises
        ------
        ValueError
            It is not complete; see the bundle's own profiles, limits and evidence.
        """
        if (self.evidence is None) != (variant.evidence_floor is None):
            raise ValueError("a variant has an evidence_floor if, and only if, there is evidence")
        if bool(self.distance_limits) != bool(variant.distance_limits):
            raise ValueError("a variant has distance_limits if, and only if, the bundle has some")
        evidence = self.evidence and self.evidence.model_dump() | {"floor": variant.evidence_floor}
        changed = {
            "profiles": variant.profiles,
            "distance_limits": variant.distance_limits,
            "evidence": evidence,
            "variants": (),
            "files": {name: self.files[name] for name in FILES},
        }
        return BundleDescription.model_validate(dict(self) | changed)

    @model_validator(mode="after")
    def _maps_and_limits_agree(self) -> BundleDescription:
        names = {group.name for group in self.age_groups}
        if self.evidence is not None:
            outlined, told = set(self.evidence.outlined_for), set(self.evidence.why_not_outlined)
            if outlined & told or outlined | told != names:
                raise ValueError(
                    "every age group must be either in outlined_for or in why_not_outlined"
                )
            if not set(self.evidence.classes) <= set(self.classes):
                raise ValueError("the evidence map has a class that is none of the bundle's")
        if self.distance_limits and set(self.distance_limits) != names:
            raise ValueError("distance_limits are not of exactly the age groups")
        return self

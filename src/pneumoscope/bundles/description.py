"""The schema of ``bundle.json``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from pneumoscope.findings import ImageKind, InputSpec, OperatingPoint

SCHEMA_VERSION: Literal[1] = 1
MAX_FILE_BYTES = 512 << 20
GRAPH, CARD, LICENCE, TRAINING_IMAGES = (
    "model.onnx",
    "card.md",
    "LICENSE-BUNDLE",
    "training-images.txt",
)
FILES = (GRAPH, CARD, LICENCE, TRAINING_IMAGES)

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Version = Annotated[str, Field(pattern=r"^[0-9A-Za-z.]{1,20}$")]
ClassName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,39}$")]
Age = Annotated[float, Field(ge=0, le=130)]
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


class CalibrationSection(_Section):
    """Temperature of the softmax, fitted on the calibration part of the split."""

    temperature: float = Field(gt=0, le=100)


class OperatingPointSection(_Section):
    """See `pneumoscope.findings.OperatingPoint`."""

    label: ClassName
    threshold: float = Field(ge=0, le=1)
    rule: Text

    def point(self) -> OperatingPoint:
        """Return the same as a value of findings."""
        return OperatingPoint(self.label, self.threshold, self.rule)


class BundleDescription(_Section):
    """What ``bundle.json`` says.

    `reads` is the kind of images that it was made for. `leaks` says in words why the bundle's own
    figures flatter it, where its split was accepted with a leak; it is empty for an honest one.
    `not_for` says, in words that complete "must not be used", what it must not be used for.
    """

    schema_version: Literal[1]
    name: Name
    version: Version
    reads: ImageKind = ImageKind.CHEST_RADIOGRAPH
    classes: tuple[ClassName, ...] = Field(min_length=2, max_length=100)
    input: InputSection
    calibration: CalibrationSection
    operating_point: OperatingPointSection | None
    training_sets: tuple[TrainingSet, ...] = Field(min_length=1)
    split_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    leaks: tuple[Text, ...] = ()
    not_for: tuple[Text, ...] = ()
    files: dict[str, FileRecord]

    @model_validator(mode="after")
    def _parts_agree(self) -> BundleDescription:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("a class is listed twice")
        if set(self.files) != set(FILES):
            raise ValueError(f"files must be exactly: {', '.join(FILES)}")
        if self.operating_point and self.operating_point.label not in self.classes:
            raise ValueError("the operating point's label is not a class")
        self.input.spec()
        return self

"""What all documents share."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from pneumoscope.documents.values import dump, json_values

Share = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Section(BaseModel):
    """A part of a document. A field that this version does not know is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Document(Section):
    """A whole result, typed and without arrays: what is stored, sent and shown.

    Attributes
    ----------
    document : str
        Which document it is: one of `DOCUMENTS`.
    """

    document: str

    def json_values(self) -> dict[str, Any]:
        """Return the document as plain JSON values, in the order of its schema."""
        values: dict[str, Any] = json_values(self)
        return values

    @classmethod
    def of(cls, **parts: object) -> Self:
        """Make a document of values of findings.

        Parameters
        ----------
        **parts : object
            The document's fields, by name.

        Raises
        ------
        pydantic.ValidationError
            A part does not fit.
        """
        # By way of JSON, so that what is made and what is read back are equal.
        return cls.model_validate_json(dump(parts))

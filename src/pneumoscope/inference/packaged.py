"""The small networks beside this file: a graph, a record that names its checksum, one session."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TypeVar

import onnxruntime
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pneumoscope.errors import BundleError

_AGAIN = "install the package again"


class PackagedTrainingSet(BaseModel):
    """A data set that a network was trained on, and the terms that come with it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    population: str
    licence: str
    citation: str
    images: int = Field(ge=1)


_Record = TypeVar("_Record", bound=BaseModel)


def read_packaged(graph: str, record: str) -> tuple[bytes, bytes]:
    """Read a network's two files.

    Raises
    ------
    BundleError
        One is missing or cannot be read.
    """
    room = files("pneumoscope.inference")
    try:
        return room.joinpath(graph).read_bytes(), room.joinpath(record).read_bytes()
    except OSError as error:
        raise BundleError(f"{graph}: cannot be read ({error.strerror}); {_AGAIN}") from None


def parse_record(form: type[_Record], told: bytes, name: str) -> _Record:
    """Read a record.

    Parameters
    ----------
    form : type
        What it must be.
    told : bytes
        JSON.
    name : str
        Of its file, for the error.

    Raises
    ------
    BundleError
        It is no valid record.
    """
    try:
        return form.model_validate_json(told)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{name}: {place}: {first['msg']}; {_AGAIN}") from None


def open_session(
    graph: bytes,
    sha256: str,
    shapes: Mapping[str, Sequence[int]],
    names: tuple[str, str],
) -> onnxruntime.InferenceSession:
    """Open a graph for one thread.

    Parameters
    ----------
    graph : bytes
    sha256 : str
        What the record says of it.
    shapes : mapping of str to sequence of int
        Of its inputs and outputs, without the number of images.
    names : tuple of str
        Of graph and record, for the errors.

    Raises
    ------
    BundleError
        The graph is not the recorded one, cannot be loaded, or is of another shape.
    """
    name, record = names
    if hashlib.sha256(graph).hexdigest() != sha256:
        raise BundleError(f"{name}: changed since {record} was written; {_AGAIN}")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    # Weights outside the verified graph are refused: nothing can lie in a folder of this name.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", os.devnull
    )
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception:
        # The runtime raises classes of its own, without a common base.
        raise BundleError(f"{name}: cannot be loaded; {_AGAIN}") from None
    nodes = [*session.get_inputs(), *session.get_outputs()]
    if {node.name: node.shape[1:] for node in nodes} != {k: list(v) for k, v in shapes.items()}:
        raise BundleError(f"{name}: does not fit {record}; {_AGAIN}")
    return session

"""The one way from a file to a `Radiograph`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pneumoscope.errors import ImageError
from pneumoscope.findings import About, Message, Radiograph
from pneumoscope.imaging.dicom import decode_dicom
from pneumoscope.imaging.formats import clean_text, read_bytes, sniff
from pneumoscope.imaging.quiet import quiet
from pneumoscope.imaging.raster import decode_raster

_NAME_LENGTH = 255
_MESSAGE_LENGTH = 1000


def read_radiograph(path: Path, *, with_identity: bool = False) -> Radiograph:
    """Read one JPEG, PNG, TIFF or DICOM file.

    Parameters
    ----------
    path : Path
        The file. Its format is told by its content, not by its name.
    with_identity : bool
        Whether to keep the patient's name, number and birth date of a DICOM header.

    Returns
    -------
    Radiograph
        Pixels 0 to 1 as displayed, dense tissue bright; `notes` say what was assumed.

    Raises
    ------
    ImageError
        Anything that keeps the file from being read as one radiograph.

    See Also
    --------
    unsuitable : Whether a bundle may read the image.
    to_input : What a network gets of it.

    Examples
    --------
    >>> from pathlib import Path
    >>> from pneumoscope.imaging import read_radiograph
    >>> from pneumoscope.synthetic import make_phantoms
    >>> (image,) = make_phantoms(Path("."), 1, dicom=True, seed=7)
    >>> radiograph = read_radiograph(image)
    >>> radiograph.file_format, radiograph.dicom.modality
    ('DICOM', 'DX')
    """
    name = clean_text(path.name, _NAME_LENGTH) or "(unnamed file)"
    try:
        with quiet():
            radiograph = _read(path, name, with_identity=with_identity)
    except ImageError as error:
        # A message may quote the header or the file, which are untrusted.
        raise ImageError(clean_text(f"{name}: {error}", _MESSAGE_LENGTH)) from None
    except Exception as error:  # untrusted bytes: the decoders raise whatever they raise
        # Their text is left out, as it can quote the patient's data.
        raise ImageError(
            f"{name}: damaged or not a valid image ({type(error).__name__}); export it again"
        ) from None
    if radiograph.pixels.min() == radiograph.pixels.max():
        raise ImageError(f"{name}: has no content, every pixel is equal; export the image again")
    return radiograph


def _read(path: Path, name: str, *, with_identity: bool) -> Radiograph:
    data = read_bytes(path)
    file_format, sha256 = sniff(data), hashlib.sha256(data).hexdigest()
    if file_format != "DICOM":
        picture = decode_raster(data, file_format)
        notes = (*picture.notes, Message("no_header", About.IMAGE))
        return Radiograph(
            picture.pixels,
            name,
            file_format,
            bits=picture.bits,
            notes=notes,
            file_sha256=sha256,
        )
    decoded = decode_dicom(data)
    return Radiograph(
        decoded.picture.pixels,
        name,
        file_format,
        bits=decoded.picture.bits,
        dicom=decoded.source,
        identity=decoded.identity if with_identity else None,
        patient=decoded.patient,
        notes=decoded.picture.notes,
        file_sha256=sha256,
    )

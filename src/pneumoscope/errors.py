"""What can go wrong, as the user sees it.

Every error that a user can cause or mend is an `InputError`: its message is one line that names the
thing and the way out, and the command line turns it into exit code 2. Anything else that escapes is
our fault (exit code 1).
"""

from __future__ import annotations


class PneumoscopeError(Exception):
    """Base of every error that Pneumoscope raises on purpose."""


class InputError(PneumoscopeError, ValueError):
    """Input that cannot be used. The message is one line: the thing, what is wrong, the way out."""


class ImageError(InputError):
    """An image file or DICOM object that cannot be read as one radiograph."""


class SymptomError(InputError):
    """A symptom that is unknown, repeated, missing or impossible."""


class VisitError(InputError):
    """A patient's visits that cannot be followed: wrong order, unit, rule base or file."""


class DocumentError(InputError):
    """A stored result that cannot be read back."""


class BundleError(InputError):
    """A model bundle that is not found, not valid, or changed since it was written."""


class DataError(InputError):
    """A labelled data folder that cannot be used as it is."""


class RecipeError(InputError):
    """A training recipe with an unknown key or an impossible value."""

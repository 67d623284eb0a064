"""Every clinical result as a document: typed, without arrays, with a schema, and read back."""

from pneumoscope.documents.course import (
    CourseDocument,
    VisitFacts,
    VisitLevels,
    to_course_document,
)
from pneumoscope.documents.diagnosis import DiagnosisDocument, MapFacts, to_document
from pneumoscope.documents.document import Document
from pneumoscope.documents.json_text import clean_text, clean_texts
from pneumoscope.documents.read import DOCUMENTS, parse_document, read_document
from pneumoscope.documents.schema import SCHEMAS, schema
from pneumoscope.documents.severity import SeverityDocument, to_severity_document
from pneumoscope.documents.values import dump, message_values

__all__ = [
    "DOCUMENTS",
    "SCHEMAS",
    "CourseDocument",
    "DiagnosisDocument",
    "Document",
    "MapFacts",
    "SeverityDocument",
    "VisitFacts",
    "VisitLevels",
    "clean_text",
    "clean_texts",
    "dump",
    "message_values",
    "parse_document",
    "read_document",
    "schema",
    "to_course_document",
    "to_document",
    "to_severity_document",
]

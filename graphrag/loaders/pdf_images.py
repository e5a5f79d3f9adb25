"""Whether a PDF page shows a picture: without text beside it, it is most probably a scan."""

from pypdf import PageObject
from pypdf.errors import PyPdfError
from pypdf.generic import DictionaryObject, PdfObject

_DEEPEST = 5
"""Levels of forms within forms that are looked into."""


def has_image(page: PageObject) -> bool:
    """Whether the page names a picture, itself or in a form. Reads none; of a page that is damaged there it is not known."""
    try:
        return _names_image(page.get("/Resources"), _DEEPEST)
    except (PyPdfError, ValueError, LookupError, TypeError, AttributeError):
        return False


def _names_image(resources: object, levels: int) -> bool:
    held = _dictionary(_dictionary(resources).get("/XObject"))
    for name in held:
        drawn = _dictionary(held[name])
        if drawn.get("/Subtype") == "/Image":
            return True
        if levels and drawn.get("/Subtype") == "/Form" and _names_image(drawn.get("/Resources"), levels - 1):
            return True
    return False


def _dictionary(value: object) -> DictionaryObject:
    found = value.get_object() if isinstance(value, PdfObject) else value
    return found if isinstance(found, DictionaryObject) else DictionaryObject()

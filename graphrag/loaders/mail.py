"""E-mails (.eml): the mail itself, and its attachments of formats that can be read."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from itertools import chain
from pathlib import PurePosixPath
from typing import cast
from xml.etree.ElementTree import Element

from selectolax.lexbor import LexborHTMLParser

from graphrag.errors import DocumentParseError, InputError
from graphrag.loaders.base import LoadedDocument
from graphrag.loaders.builder import TextBuilder
from graphrag.loaders.characters import clean_characters, clean_line, clean_text, clean_title
from graphrag.loaders.detection import detect
from graphrag.loaders.encoding import decode_text
from graphrag.loaders.html_page import as_shown, page_body
from graphrag.loaders.html_tree import line_text, render
from graphrag.loaders.registry import FORMATS, resolve, suffix_of
from graphrag.loaders.titles import title_from_source
from graphrag.types import Scalar

_HEADERS = ("From", "To", "Cc", "Date")
_FALLBACK = "cp1252"
_NO_ASCII = ("iso-2022-", "utf-16", "utf-32")
"""Encodings in which bytes of ASCII stand for other characters."""
_STUB = 200
"""Characters of a plain text that may only say that the mail has to be shown as HTML."""
_TIMES = 3
"""As much as HTML has to say then."""
_LINE = re.compile(r"^((?:> ?)*)(.*)$", re.MULTILINE)


def load(data: bytes, source: str) -> list[LoadedDocument]:
    """Read a mail: from whom, to whom and when, its plain text or else its HTML, and what is attached.

    An attachment of a known format is a document `mail.eml#<name>`; one that cannot be read is only named. Title: the subject, else
    the file's name. Metadata: author and to (names), and date (the day; of its attachments, too, if they have none).

    What a mail quotes of others stays: often it is stored nowhere else, and without the question an answer says little.

    Raises:
        DocumentParseError: no mail, or its text cannot be read.
    """
    # Copied from a mail program, or saved by an editor, it may begin with what no mail does.
    message = message_from_bytes(data.removeprefix(BOM_UTF8).lstrip(), policy=default)
    parsed = {name: cast(object, message[name]) for name in (*_HEADERS, "Subject")}
    headers = {name: clean_line(str(value or "")) for name, value in parsed.items()}
    if not any(headers.values()):
        raise DocumentParseError(f"{source} is no mail: it has no sender, date or subject; save it as .eml again")
    sent = cast(object, getattr(parsed["Date"], "datetime", None))
    day: dict[str, Scalar] = {"date": sent.date().isoformat()} if isinstance(sent, datetime) else {}
    people = {"author": _people(parsed["From"]), "to": _people(parsed["To"])}
    metadata = {name: value for name, value in people.items() if value} | day
    builder, attached = TextBuilder(), dict[str, list[LoadedDocument]]()
    builder.add("\n".join(f"{name}: {headers[name]}" for name in _HEADERS if headers[name]))
    for part in _parts(message):
        name = _name(part)
        if not name:
            _add_text(part, builder)
            continue
        while name in attached:
            name = f"{len(attached) + 1}-{name}"
        attached[name] = _read(part, name)
    builder.add("\n".join(f"[file: {name}{'' if read else ', not read'}]" for name, read in attached.items()))
    mail = builder.build(data, source, headers["Subject"] or title_from_source(source), "message/rfc822", metadata)
    files = chain.from_iterable(attached.values())
    return [mail, *(replace(one, source=f"{source}#{one.source}", metadata=day | dict(one.metadata)) for one in files)]


def _people(header: object) -> str:
    addresses = cast(tuple[Address, ...], getattr(header, "addresses", ()))
    return clean_title("; ".join(one.display_name or one.addr_spec for one in addresses))


def _parts(message: EmailMessage) -> Iterator[EmailMessage]:
    """The parts that are text or have a name, in order; of alternatives the plain text, if it says something."""
    if not message.is_multipart() or message.get_content_type() == "message/rfc822":
        if _name(message) or message.get_content_maintype() in ("text", "multipart"):
            yield message
        return
    parts = [part for one in message.iter_parts() for part in _parts(cast(EmailMessage, one))]
    if message.get_content_subtype() == "alternative":
        texts = [part for part in parts if not _name(part)]
        plain = [part for part in texts if part.get_content_subtype() == "plain" and _bytes(part).strip()]
        html = [part for part in texts if part.get_content_subtype() == "html"]
        shown = html if _is_stub(plain, html) else plain
        parts = [part for part in parts if part in shown or part not in texts]
    yield from parts


def _name(part: EmailMessage) -> str:
    """What a part is called that is attached; empty for the text itself, for pictures within it, and for signatures."""
    if part.get_content_type() == "message/rfc822":
        (inner,) = cast(list[EmailMessage], part.get_payload())
        return f"{clean_title(str(inner['Subject'] or '')).replace('/', '-') or 'mail'}.eml"
    within = part.get_content_maintype() == "image" and not part.is_attachment()
    if within or part.get_content_subtype().endswith("signature"):
        return ""
    return PurePosixPath(clean_line(part.get_filename() or "").replace("\\", "/")).name


def _bytes(part: EmailMessage) -> bytes:
    if part.get_content_type() == "message/rfc822":
        return cast(list[EmailMessage], part.get_payload())[0].as_bytes()
    return cast(bytes, part.get_payload(decode=True) or b"")


def _read(part: EmailMessage, name: str) -> list[LoadedDocument]:
    """The documents of an attachment, as if it stood alone; none if it cannot be read."""
    if suffix_of(name) not in FORMATS:
        return []
    data = _bytes(part)
    try:
        return resolve(detect(data, name).loader)(data, name)
    except MemoryError:
        raise
    except Exception:  # as in child: a parser may fail in any way, and the mail is there all the same
        return []


def _add_text(part: EmailMessage, builder: TextBuilder) -> None:
    if part.get_content_subtype() == "html":
        render(_page(part), builder)
    else:
        builder.add(_joined(clean_text(_decoded(part))))


def _page(part: EmailMessage) -> Element:
    page = LexborHTMLParser(clean_characters(_decoded(part)))
    as_shown(page)
    return page_body(page)


def _is_stub(plain: Sequence[EmailMessage], html: Sequence[EmailMessage]) -> bool:
    """Whether a short plain text stands for what only the HTML says."""
    said = sum(len(_decoded(part).strip()) for part in plain)
    return said < _STUB and sum(len(line_text(_page(part))) for part in html) > _TIMES * said


def _decoded(part: EmailMessage) -> str:
    """As decode_text, but with U+FFFD for what does not fit, since nobody can convert what is within a mail."""
    data, declared = _bytes(part), part.get_content_charset() or _FALLBACK
    if declared.startswith(_NO_ASCII):
        with suppress(LookupError):
            return data.decode(declared, "replace")
    try:
        return decode_text(data, "", declared)
    except InputError:
        return data.decode(_FALLBACK, "replace")


def _joined(text: str) -> str:
    """With the sign of what is quoted at the beginning of a paragraph alone, since it would stand within sentences."""
    lines: list[str] = []
    before = ""
    for quote, said in cast(list[tuple[str, str]], _LINE.findall(text)):
        sign = quote.replace(" ", "")
        lines.append(f"{sign} {said}" if said and sign not in ("", before) else said)
        before = sign if said else ""
    return "\n".join(lines)

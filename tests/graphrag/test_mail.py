"""E-mails."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest

from graphrag.errors import DocumentParseError
from graphrag.loaders import LoadedDocument, ParserProcess, load_bytes
from tests.graphrag.loaders_corpus import make_pdf

SHOWN = "From: Ada Pell <ada@x.example>\nTo: Joris Maes <joris@x.example>, ops@x.example\nDate: Tue, 18 Mar 2025 09:12:44 +0100"
PDF = make_pdf([["Inspection of Brno."]])


def mail(text: str, subtype: str = "plain", subject: str = "Re: Gateway at Brno") -> EmailMessage:
    """A mail of Ada."""
    message = EmailMessage()
    for line in (*SHOWN.split("\n"), f"Subject: {subject}"):
        name, _, value = line.partition(": ")
        message[name] = value
    message.set_content(text, subtype=subtype)
    return message


def read(message: EmailMessage | bytes, parser: ParserProcess) -> list[LoadedDocument]:
    data = message if isinstance(message, bytes) else message.as_bytes(policy=SMTP)
    return load_bytes(data, "mail/re-gateway.eml", parser=parser)


def test_a_mail_says_who_wrote_when_to_whom_and_keeps_what_it_quotes(parser: ParserProcess) -> None:
    quoted = "Joris Maes wrote:\n> When will the gateway\n> be replaced?\n>\n>> It was\n>> down.\n> Soon?\n"
    message = mail(f"It is replaced on Friday.\n\n{quoted}")
    message.add_alternative("<p>The same as HTML.</p>", subtype="html")

    (document,) = read(message, parser)

    assert document.text == (
        f"{SHOWN}\n\nIt is replaced on Friday.\n\n"
        "Joris Maes wrote:\n> When will the gateway\nbe replaced?\n\n>> It was\ndown.\n> Soon?"
    )
    assert (document.title, document.media_type) == ("Re: Gateway at Brno", "message/rfc822")
    assert document.metadata == {"author": "Ada Pell", "to": "Joris Maes; ops@x.example", "date": "2025-03-18"}


def test_a_mail_without_plain_text_is_read_as_html(parser: ParserProcess) -> None:
    page = "<p>Hello,</p><div>it is replaced.</div><blockquote><div>When?</div><div>Joris</div></blockquote>"
    related = mail(page, "html")
    related.add_related(b"\x89PNG", maintype="image", subtype="png", filename="logo.png", disposition="inline")
    blank = mail(" \n")
    blank.add_alternative(page, subtype="html")

    for message in (mail(page, "html"), related, blank):
        (document,) = read(message, parser)
        assert document.text == f"{SHOWN}\n\nHello,\n\nit is replaced.\n\nWhen?\n\nJoris"
    assert read(mail("<img src='x'>", "html", subject=""), parser)[0].title == "Re gateway"


def test_attachments_of_known_formats_are_documents_of_their_own(parser: ParserProcess) -> None:
    message = mail("See below.")
    message.add_attachment(PDF, maintype="application", subtype="pdf", filename="../report.pdf")
    message.add_attachment(PDF[:40], maintype="application", subtype="pdf", filename="report.pdf")
    message.add_attachment("id,name\n1,Pump\n", subtype="csv", filename="stock.csv")
    message.add_attachment(b"\xff\xd8\xff", maintype="image", subtype="jpeg", filename="photo.jpg")
    message.add_attachment("A list adds this.\n", disposition="inline")
    message.add_attachment(mail("The first one.", subject="Brno / gateway"))

    found = read(message, parser)

    assert found[0].text == (
        f"{SHOWN}\n\nSee below.\n\nA list adds this.\n\n[file: report.pdf]\n[file: 2-report.pdf, not read]\n"
        "[file: stock.csv]\n[file: photo.jpg, not read]\n[file: Brno - gateway.eml]"
    )
    assert [(one.source, one.title) for one in found[1:]] == [
        ("mail/re-gateway.eml#report.pdf", "Report"),
        ("mail/re-gateway.eml#stock.csv#1", "Pump"),
        ("mail/re-gateway.eml#Brno - gateway.eml", "Brno / gateway"),
    ]
    assert (found[1].text, found[1].pages, found[1].metadata) == ("Inspection of Brno.", (0,), {"date": "2025-03-18"})


def test_the_characters_of_a_mail_are_read_as_it_declares_them(parser: ParserProcess) -> None:
    data = (
        b"From: =?utf-8?q?Zo=C3=AB_Maes?= <zoe@x.example>\nSubject: =?utf-8?B?UsOpc3Vtw6k=?= of\n Brno\nDate: yesterday\n"
        b"Content-Type: text/plain; charset=cp1252\nContent-Transfer-Encoding: quoted-printable\n\nCaf=E9 =93is=94 f=\nine.\n"
    )

    (document,) = read(data, parser)

    assert (document.title, document.metadata) == ("Résumé of Brno", {"author": "Zoë Maes"})
    assert document.text == "From: Zoë Maes <zoe@x.example>\nDate: yesterday\n\nCafé “is” fine."
    assert read(b"From: a@x.example\n\nCaf\xe9", parser)[0].text == "From: a@x.example\n\nCafé"
    broken = b"From: a@x.example\nContent-Type: multipart/mixed\n\nNo boundary"
    assert read(broken, parser)[0].text == "From: a@x.example\n\nNo boundary"


def test_what_is_no_mail_is_refused(parser: ParserProcess) -> None:
    with pytest.raises(DocumentParseError, match=r"re-gateway\.eml is no mail"):
        read(b"Some text\n\nof nobody.", parser)


@pytest.mark.parametrize(
    ("charset", "body", "text"),
    [
        ("iso-2022-jp", "日本語のメールです。".encode("iso-2022-jp"), "日本語のメールです。"),
        ("utf-16le", "Grüße".encode("utf-16-le"), "Grüße"),
        ("unknown-8bit", b"Gr\xfc\xdfe", "Grüße"),
        ("us-ascii", b"Gr\xfc\xdfe", "Grüße"),
        ("iso-2022-x", b"Gr\xfc\0\xdfe", "Grüße"),
    ],
)
def test_no_encoding_refuses_a_mail(charset: str, body: bytes, text: str, parser: ParserProcess) -> None:
    data = b"\xef\xbb\xbf\r\nFrom: a@x.example\r\nContent-Type: text/plain; charset=" + charset.encode()
    assert read(data + b"\r\n\r\n" + body, parser)[0].text == f"From: a@x.example\n\n{text}"


def test_a_plain_text_that_only_asks_for_a_viewer_of_html_gives_way_to_it(parser: ParserProcess) -> None:
    message = mail("This message needs an HTML viewer.")
    message.add_alternative(f"<style>p {{}}</style><p>{'The valve costs EUR 5. ' * 6}</p>", subtype="html")
    brief = mail("It costs EUR 5.")
    brief.add_alternative("<p>It costs <b>EUR 5</b>.</p><p>Ada</p>", subtype="html")

    assert read(message, parser)[0].text.endswith("EUR 5. The valve costs EUR 5.")
    assert read(brief, parser)[0].text == f"{SHOWN}\n\nIt costs EUR 5."

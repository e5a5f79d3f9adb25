import codecs
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphrag.errors import DocumentParseError
from graphrag.loaders import ParserProcess, load_bytes
from graphrag.loaders.characters import clean_text
from tests.graphrag.loaded import one


def test_the_first_line_of_a_text_is_its_title_when_it_is_short() -> None:
    document = one(b"Minutes of 3 March\r\n\r\nPresent: Ilse.\r\n", "minutes.txt")
    assert (document.title, document.media_type) == ("Minutes of 3 March", "text/plain")
    assert document.text == "Minutes of 3 March\n\nPresent: Ilse."


@pytest.mark.parametrize(
    "first",
    ["The valve was closed at noon.", "x" * 121, "The valve of the third pump in the eastern hall was\nclosed."],
)
def test_a_sentence_or_a_long_line_is_no_title(first: str) -> None:
    assert one(f"{first}\nMore.".encode(), "ops/travel-policy_INC-2041.txt").title == "Travel policy INC-2041"


def test_a_line_of_signs_is_no_title() -> None:
    assert one(b"=====\nPump manual\n=====\nIt is ok.\n", "a.txt").title == "Pump manual"
    assert one(b"_____\n-----\n", "hr/leave_policy.txt").title == "Leave policy"


@pytest.mark.parametrize(
    "data",
    [
        "Straße".encode(),
        codecs.BOM_UTF8 + "Straße".encode(),
        "Straße".encode("utf-16"),
        codecs.BOM_UTF16_BE + "Straße".encode("utf-16-be"),
        "Straße".encode("utf-32"),
    ],
)
def test_text_with_a_byte_order_mark_or_in_utf_8_is_decoded(data: bytes) -> None:
    assert one(data, "a.txt").text == "Straße"


def test_windows_quotes_and_recognisable_code_pages_are_decoded() -> None:
    french = "Le café est fermé à cause de la grève. Les employés préfèrent négocier."
    assert one(french.encode("cp1252"), "a.txt").text == french
    assert one("It’s “done” – 5 … left".encode("cp1252"), "a.txt").text == "It’s “done” – 5 … left"
    priced = "It costs £20 or €5, at 20 °C ± 1 µm (§ 3)."
    assert one(priced.encode("cp1252"), "a.txt").text == priced
    russian = "Привет, как дела сегодня в Москве? Это проверка."
    assert one(russian.encode("cp1251"), "a.txt").text == russian


@pytest.mark.parametrize(
    ("code_page", "text"),
    [
        ("cp1252", "El señor Muñoz firmó el contrato en España con la compañía Peña. La reunión será mañana."),
        ("cp1252", "Le contrat a été signé à Besançon. L'été dernier, où la réunion a été reportée."),
        ("cp1252", "Købmanden på Østerbro sælger rødgrød med fløde til æblerne i gården."),
        ("cp1252", "Työntekijät eivät pääse töihin, koska hissi on epäkunnossa."),
        ("cp1252", "The contract was signed by Mr. Núñez and Mr. Peña of São Paulo in the year two thousand."),
        ("cp1250", "Umowa została podpisana w Łodzi przez pana Wiśniewskiego. Spotkanie odbędzie się jutro."),
        ("cp1250", "Smlouva byla podepsána v Brně. Schůzka se koná zítra večer a zpráva ještě není hotová, řekl."),
        ("cp1254", "Sözleşme dün İstanbul'da imzalandı. Toplantı yarın sabah yapılacak."),
        ("cp1251", "Договор был подписан вчера в Москве. Встреча состоится завтра утром."),
    ],
)
def test_letters_with_accents_are_those_of_the_language(code_page: str, text: str) -> None:
    assert one(text.encode(code_page), "a.txt").text == text


@pytest.mark.parametrize("end", ["\n", " "])
def test_an_encoding_is_recognised_however_late_its_first_letter_comes(end: str) -> None:
    text = f"The pump is made by Acme in the year two thousand.{end}" * 5000 + "A café for Señor Müller."
    assert one(text.encode("cp1252"), "a.txt").text == text


def test_a_few_damaged_bytes_do_not_make_another_encoding_of_utf_8() -> None:
    data = "Zürich, Genève, Wrocław, Łódź. ".encode() * 3
    assert one(data + b"bad \xff\xfe byte", "a.txt").text == data.decode() + "bad \ufffd\ufffd byte"


@pytest.mark.parametrize(
    "data", [b"caf\xe9", b"Stra\xa7e", b"prosz\xb1", b"5 \xa3\xf3d\xbc", bytes(range(128, 256)) * 3]
)
def test_text_in_an_unknown_encoding_is_refused_with_the_remedy(data: bytes) -> None:
    with pytest.raises(DocumentParseError, match="convert it to UTF-8"):
        load_bytes(data, "a.txt")


def test_a_wrong_byte_order_mark_is_refused() -> None:
    with pytest.raises(DocumentParseError, match=r"marked as utf-8-sig but byte \d+"):
        load_bytes(codecs.BOM_UTF8 + b"\xff\xff", "a.txt")


def test_characters_and_line_ends_are_normalised() -> None:
    raw = "e\u0301\r\nb\rc\u200bd\U000e0041\x00\x07e\u202e\u00a0f  \n \n\n\n\ng\ufe0f"
    assert clean_text(raw) == "é\nb\ncde f\n\ng"


def test_a_huge_run_of_combining_marks_costs_no_time() -> None:
    start = time.perf_counter()
    assert len(one(("a" + "\u0300\u0316" * 500_000).encode(), "a.txt").text) <= 33
    assert time.perf_counter() - start < 5


def test_a_huge_run_of_white_space_in_a_page_costs_no_time() -> None:
    page = f"<html><body><p>One.</p>{' ' * 200_000}<p>Two.</p></body></html>"
    with ParserProcess(timeout=10) as process:
        assert load_bytes(page.encode(), "a.html", parser=process)[0].text == "One.\n\nTwo."


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned and "\n\n\n" not in cleaned

"""Detecting what an untitled text is about."""

import pytest

from graphrag.extraction.spacy import DEFAULT_PIPELINE, load_pipeline
from graphrag.extraction.subjects import detect_subjects

PIPELINE = load_pipeline(DEFAULT_PIPELINE)


def _detected(text: str) -> tuple[str, ...]:
    return detect_subjects(PIPELINE(text), PIPELINE(text.partition(". ")[0]))


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ('Nicholas Lofton "Nick" Hexum (born 1970) is an American singer.', {"Nick Hexum", "Nicholas Hexum"}),
        ("Fiona Joy Nash (born 6 May 1965) is an Australian politician.", {"Fiona Joy Nash", "Fiona Nash", "Joy Nash"}),
        ("The Brackwater Station is a power station. It was built in 1987.", {"The Brackwater Station"}),
        ("Maha Sona or Maha Sohona is a demon.", {"Maha Sona", "Maha Sohona"}),
        ("Michael Theophilus Johnson, better known as Mikey Spice, is a singer.", {"Mikey Spice"}),
        ("Halvorix Components supplied the power module.", {"Halvorix Components"}),
        ("Hairline cracks that open again each winter need a flexible repair.", {"Hairline cracks"}),
    ],
)
def test_a_text_is_about_what_its_first_sentence_defines(text: str, subjects: set[str]):
    assert subjects <= set(_detected(text))


@pytest.mark.parametrize(
    "text",
    ["", "It was built in the spring.", "He then left.", "With card debt at twenty-two percent you should not invest."],
)
def test_a_text_that_names_nothing_is_about_nothing(text: str):
    assert _detected(text) == ()

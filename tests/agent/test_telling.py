"""Questions whose words the documents hold, but not the answer."""

from collections.abc import AsyncGenerator

import pytest

from agent.answer import INSUFFICIENT
from agent.assess import UNTOLD
from agent.expected import says_one_thing
from agent.loop import Agent
from agent.telling import lacks_life, tells
from graphrag.analysis import terms
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import load_bytes
from graphrag.retrieval.question import Question, read_question
from graphrag.types import Scope

SCOPE = Scope()
DOCUMENTS = {
    "tarn-40.md": "# Tarn 40\n\nThe Tarn 40 is a pump for dairies. It is assembled in Brno by nine fitters.",
    "tarn-90.md": "# Tarn 90\n\nThe Tarn 90 is a pump for breweries. Eliska Havel designed the Tarn 90 after a long trial.",
    "heron.md": "# Team Heron\n\nTeam Heron runs the pump test hall. The hall is led by Ada Penn. Her deputy is Bram Reid.",
    "marlin.md": "# Ferry Marlin\n\nThe Marlin was rebuilt by Osk Yard in 2019. It was launched in Lervik. Its owner is Osk Yard of Hov.",
    "office.md": "# Office\n\nThe office in Torvik is run by Liv Aas. The slip is kept by Jonas Brekke, who was born in Ervik.",
    "wren.md": "# Elias Wren\n\nElias Wren (1908–1980) was a Norwegian painter. He lived in Lervik.",
    "budget.md": "# Budget\n\nThe trials are paid from the travel budget. The borrower pays the insurance. Priya sorts the mail.",
    "rota.md": "# Rota\n\nThe rota was led by Femke Bos until Jon Vale took over. The bonus is paid once probation is over.",
    "penn.md": "# Ada Penn\n\nAda Penn, born in Hull, never married. Carol Voss wrote her life.",
    "staff.jsonl": '{"name": "Carol Voss", "job title": "Quality Manager", "text": "joined last year"}',
    "agents.md": "# Agents\n\n| Country | Agent | Since |\n|---|---|---|\n| Poland | Medivia | 2018 |\n",
}


@pytest.fixture
async def pumps(empty: KnowledgeBase) -> AsyncGenerator[KnowledgeBase]:
    """A knowledge base about two pumps and those who make them."""
    loaded = [document for source, text in DOCUMENTS.items() for document in load_bytes(text.encode(), source)]
    assert not (await ingest_documents(empty, SCOPE, loaded)).failures
    yield empty


async def read(kb: KnowledgeBase, text: str) -> Question:
    """The question as retrieval sees it."""
    return await read_question(kb.store, kb.embedder, kb.encoder, SCOPE, text)


@pytest.mark.parametrize(
    ("text", "one"),
    [
        ("Who designed the Tarn 40?", True),
        ("What is the price of the Tarn 40?", True),
        ("How long is the warranty of the Tarn 40?", True),
        ("How many fitters of Team Heron work in Brno?", True),
        ("How many units of the Tarn 90 were recalled?", True),
        ("Where did the leader of Team Heron study?", False),
        ("Who leads the team that owns the test hall?", False),
        ("Who is the deputy of the woman behind the Tarn 90?", True),  # one preposition is not known to lead on
        ("When was the team's leader born?", False),
        ("Who is Ada Penn's deputy?", True),
        ("Who is the deputy of Ada Penn's sister?", False),
        ("Ada Penn deputy", True),
        ("Who was in charge of the country Nugegoda is in?", False),
        ("Who designed the Tarn 40 and the Tarn 90?", False),
        ("Which is older, the Tarn 40 or the Tarn 90?", False),
        ("Which brewery bought a noisy second-hand pump for dairies cheaply last winter?", False),
        ("Does the Tarn 40 float?", False),
        ("Where was the leader of Team Heron born?", False),
        ("When was the trial of the Tarn 90 held?", True),
    ],
)
async def test_a_question_that_asks_one_thing_of_one_thing_is_told_from_those_that_go_on(
    pumps: KnowledgeBase, text: str, one: bool
):
    assert says_one_thing(await read(pumps, text)) == one


async def test_what_is_said_of_another_thing_does_not_answer(pumps: KnowledgeBase):
    of_another = await Agent(pumps).run(SCOPE, "Who designed the Tarn 40?")
    of_itself = await Agent(pumps).run(SCOPE, "Who designed the Tarn 90?")

    assert of_itself.verdict == "answered"
    assert of_another.verdict != "answered"
    assert "designed" in of_another.missing


@pytest.mark.parametrize(
    ("text", "source", "told"),
    [
        ("Who is the deputy of Ada Penn?", "heron.md", True),
        ("Who is the deputy of Bram Reid?", "heron.md", False),
        ("Who led the hall before Ada Penn?", "heron.md", False),
        ("Who led the rota before Jon Vale?", "rota.md", True),
        ("Who pays the insurance?", "budget.md", True),
        ("Who sorts the mail?", "budget.md", True),
        ("How much is the travel budget?", "budget.md", False),
        ("How many fitters assemble it?", "tarn-40.md", True),
        ("How high is the Tarn 40?", "tarn-40.md", False),  # nine fitters are no height
        ("How heavy is the Tarn 40?", "tarn-40.md", False),
        ("When is the bonus paid?", "rota.md", True),
        ("When was it designed?", "tarn-90.md", True),  # "after a long trial" may do
        ("When was the hall led by Ada Penn?", "heron.md", False),
        ("Since when is Medivia the agent?", "agents.md", True),
        ("Why is the hall led by Ada Penn?", "heron.md", True),
        ("Who was the husband of Ada Penn?", "penn.md", False),
        ("Who never married?", "penn.md", True),
        ("Who is the quality manager?", "staff.jsonl#1", True),
        ("In which town was the Marlin rebuilt?", "marlin.md", False),  # a yard is none
        ("In which town was the Marlin launched?", "marlin.md", True),
        ("Which town is its owner from?", "marlin.md", True),
        ("Where was the Marlin rebuilt?", "marlin.md", True),  # at a yard
        ("Where did Elias Wren die?", "wren.md", False),
        ("When did Elias Wren die?", "wren.md", True),
        ("Where was Liv Aas born?", "office.md", False),
        ("Where was Jonas Brekke born?", "office.md", True),
        ("Where did Ada Penn die?", "penn.md", True),  # of which nothing is said
        ("Where was Ada Penn born?", "penn.md", True),
        ("Who paints the ceiling?", "heron.md", True),
    ],
)
async def test_a_passage_tells_nothing_where_it_holds_nothing_of_the_kind_asked_for(
    pumps: KnowledgeBase, text: str, source: str, told: bool
):
    (chunks,) = [batch.chunks async for batch in pumps.store.export(SCOPE) if batch.document.source == source]

    assert tells(await read(pumps, text), chunks) == told


@pytest.mark.parametrize(
    ("text", "held", "lacking"),
    [
        ("Where was the captain of the Marlin born?", {"captain", "marlin"}, True),
        ("Where was the captain of the Marlin born?", {"captain", "marlin", "born"}, False),
        ("When did the captain of the Marlin die?", {"captain", "marlin", "born"}, True),
        ("Who led the town where Ada Penn was born?", {"led", "town"}, False),  # goes on from there
        ("Who is the captain of the Marlin?", {"marlin"}, False),
    ],
)
async def test_a_birth_or_death_that_is_asked_for_last_has_to_be_said(
    pumps: KnowledgeBase, text: str, held: set[str], lacking: bool
):
    assert lacks_life(await read(pumps, text), frozenset(terms(" ".join(held)))) == lacking


async def test_evidence_that_tells_nothing_is_never_called_an_answer(pumps: KnowledgeBase):
    answer = await Agent(pumps).run(SCOPE, "Who is the deputy of Bram Reid?")

    assert answer.confidence <= UNTOLD
    assert answer.verdict != "answered"
    assert UNTOLD >= INSUFFICIENT

"""An agent with a language model at a scripted server, and what was said to it, for tests."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from agent.loop import Agent
from agent.model_planner import ModelPlanner
from agent.types import Answer, Citation, Piece, Step
from graphrag.knowledge import KnowledgeBase
from graphrag.llm.calls import Patience
from graphrag.llm.client import Chat
from graphrag.llm.model import LanguageModel
from graphrag.llm.presets import PRESETS
from graphrag.types import Scope
from tests.model_server import ModelServer

SCOPE = Scope()
QUESTION = "Which company supplies the power module that burnt out at Maasvliet Terminal?"
SAYS = "Halvorix Components supplies the PMX-48 power module [P1]."
FINISH = ("finish", {"sufficient": True, "missing": []})
QUICK = Patience(seconds=3, silence_seconds=1, attempts=2, first_pause=0.01, longest_pause=0.02, failures=50)


@asynccontextmanager
async def model_at(server: ModelServer, provider: str = "openai", **fields: Any) -> AsyncGenerator[LanguageModel]:
    """A model at the server that is asked as a provider is."""
    context = fields.pop("context_tokens", 16_000)
    preset = PRESETS[provider]
    chat = Chat(preset, "gpt-4o-mini", api_key="sk-test", base_url=server.url, patience=QUICK, context_tokens=context)
    async with chat:
        yield LanguageModel(chat, **{"native_tools": preset.tools, **fields})


def agent_with(kb: KnowledgeBase, llm: LanguageModel, **fields: Any) -> Agent:
    """The agent as it is where a model is configured."""
    return Agent(kb, partial(ModelPlanner, llm), llm=llm, **fields)


async def ask(kb: KnowledgeBase, server: ModelServer, question: str = QUESTION, **fields: Any) -> Answer:
    """Ask with a model at the server."""
    async with model_at(server, **fields) as llm:
        return await agent_with(kb, llm).run(SCOPE, question)


async def events_of(agent: Agent) -> list[Step | Piece | Citation | Answer]:
    return [event async for event in agent.stream(SCOPE, QUESTION)]


def told(server: ModelServer, number: int) -> str:
    """All that was said to the model in one request."""
    return "\n".join(str(message.get("content")) for message in server.bodies[number]["messages"])


def passages_in(text: str) -> int:
    """How many passages it shows."""
    return len(re.findall(r"^P\d+: ", text, re.MULTILINE))

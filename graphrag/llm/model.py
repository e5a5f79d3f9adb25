"""The configured language model as one value: the chat client with the prompts and what it is used for."""

from dataclasses import dataclass, field

from graphrag.llm.client import Chat
from graphrag.llm.prompts import Prompts


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """What planning, answering and extraction with a model need."""

    chat: Chat
    prompts: Prompts = field(default_factory=Prompts)
    output_tokens: int = 1_024
    """The longest reply that is asked for."""
    native_tools: bool = True
    """Whether tools are called natively; otherwise by constrained JSON."""
    verify: bool = False
    """Whether the model checks the sentences of an answer, beyond what code checks."""

    def room_for(self, tokens: int) -> int:
        """How many tokens to ask for where so many would do: a model that thinks first may need the longest reply for that."""
        return max(tokens, self.output_tokens)

"""What is known of each provider: where it listens, what its OpenAI-compatible interface supports, what models cost.

A provider is a value here, not code. What a server really does is verified by `graphrag doctor`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from graphrag.errors import ConfigError
from graphrag.llm.usage import Price

Provider = Literal["openai", "anthropic", "gemini", "cohere", "mistral", "ollama", "vllm", "llamacpp"]


@dataclass(frozen=True, slots=True)
class Preset:
    """A provider.

    Prices are US dollars per million tokens by the beginning of a model's name; the longest that fits counts. Only those
    that were sure when this was written are here: they change, and the settings override them.
    """

    name: Provider
    base_url: str
    needs_key: bool = True
    tools: bool = True
    """Whether models call tools natively. Otherwise a constrained JSON reply says which tool they want."""
    json_schema: bool = True
    """Whether `response_format` of type json_schema constrains the reply. Otherwise the schema stands in the prompt alone."""
    stream_usage: bool = True
    """Whether `stream_options: {include_usage: true}` is accepted; without it, tokens of streams are estimated."""
    token_parameter: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"  # noqa: S105 - no password
    strict: bool = False
    """Whether `strict` is honoured, and hence demanded."""
    warm: tuple[str, ...] = ("",)
    """How names of models begin that take a `temperature`; others refuse any."""
    embeddings: bool = True
    """Whether it serves /embeddings."""
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])

    def takes_temperature(self, model: str) -> bool:
        """Whether a model takes a `temperature`."""
        return model.startswith(self.warm)

    def price(self, model: str) -> Price | None:
        """What a model costs; None if that is not known. A server of one's own costs nothing."""
        if not self.needs_key:
            return Price(0.0, 0.0)
        fitting = [name for name in self.prices if model.startswith(name)]
        return self.prices[max(fitting, key=len)] if fitting else None


PRESETS: Mapping[str, Preset] = {
    "openai": Preset(
        "openai",
        "https://api.openai.com/v1",
        token_parameter="max_completion_tokens",  # noqa: S106 - no password
        strict=True,
        warm=("gpt-3", "gpt-4"),
        prices={
            "gpt-4o": Price(2.50, 10.00),
            "gpt-4o-mini": Price(0.15, 0.60),
            "gpt-4.1": Price(2.00, 8.00),
            "gpt-4.1-mini": Price(0.40, 1.60),
            "gpt-4.1-nano": Price(0.10, 0.40),
            "text-embedding-3-small": Price(0.02, 0.0),
            "text-embedding-3-large": Price(0.13, 0.0),
        },
    ),
    # Ignores `strict`, and by its documentation `response_format`: the schema in the prompt and our own check do the work.
    "anthropic": Preset(
        "anthropic",
        "https://api.anthropic.com/v1/",
        json_schema=False,
        embeddings=False,
        prices={"claude-3-5-haiku": Price(0.80, 4.00), "claude-sonnet-4": Price(3.00, 15.00)},
    ),
    "gemini": Preset("gemini", "https://generativelanguage.googleapis.com/v1beta/openai/"),
    "cohere": Preset("cohere", "https://api.cohere.ai/compatibility/v1", stream_usage=False),
    # Answers 422 to fields that it does not know, `stream_options` among them; usage comes in the last event anyway.
    "mistral": Preset("mistral", "https://api.mistral.ai/v1", stream_usage=False),
    "ollama": Preset("ollama", "http://localhost:11434/v1", needs_key=False),
    "vllm": Preset("vllm", "http://localhost:8000/v1", needs_key=False),
    # Its chat templates drop tools without a word for most small models, and a named tool_choice is ignored.
    "llamacpp": Preset("llamacpp", "http://localhost:8080/v1", tools=False, needs_key=False),
}


def preset(name: str) -> Preset:
    """The preset of a provider.

    Raises:
        ConfigError: there is none; lists those there are.
    """
    if name not in PRESETS:
        raise ConfigError(f"the provider {name!r} is not known here; choose one of: {', '.join(PRESETS)}")
    return PRESETS[name]

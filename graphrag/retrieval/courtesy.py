"""What people put around a question: "Hi, could you please tell me which bus goes there? Thanks!" asks "which bus goes there?".

Left in, its words would be searched for, looked for in the evidence and missed there.
"""

import re

_ASKING = r"(?:who|whom|whose|what|which|when|where|why|how)\b"
ORDERING = r"(?:list|name|show|give|find|tell|explain|describe|compare|summari[sz]e|enumerate)\b"
"""The verb of an order, with which a question may begin."""
_GREETING = r"(?:(?:hi|hello|hey|dear|good\s+(?:morning|afternoon|evening|day))(?:\s+(?:all|everyone|everybody|there|team|folks|colleagues))?\s*[,.!:-]+\s*)?"
_SIGHS = r"(?:(?:please|pls|ok|okay|so|sorry|excuse\s+me|quick\s+question)\s*[,.:!-]+\s*)*"
_ADVERB = r"(?:please\s+|kindly\s+|maybe\s+|perhaps\s+|also\s+|just\s+)?"
_TELLING = r"(?:tell\s+(?:me|us)|let\s+(?:me|us)\s+know|say|remind\s+(?:me|us)|inform\s+(?:me|us))"
_KNOWING = r"(?:know|remember|recall|find\s+out|ask)"
_FRAME = (
    rf"(?:{_ADVERB}(?:"
    rf"(?:can|could|would|will)\s+(?:you|anyone|anybody|someone|somebody)\s+{_ADVERB}{_TELLING}"
    rf"|{_TELLING}"
    rf"|(?:do|does|would|might)\s+(?:you|we|anyone|anybody|someone|somebody)\s+(?:happen\s+to\s+)?{_KNOWING}"
    rf"|(?:can|could|may|might)\s+(?:i|we)\s+{_ADVERB}{_KNOWING}"
    rf"|i(?:['’]d|\s+would|\s+should)?\s+{_ADVERB}(?:like|love|want|need|have|wish)\s+to\s+{_KNOWING}"
    rf"|i(?:['’]m|\s+am|\s+was)\s+{_ADVERB}(?:wondering|curious|trying\s+to\s+find\s+out|looking\s+to\s+find\s+out)"
    rf"|i\s+wonder|any\s+idea"
    rf")[\s,:]+)"
)
_BEFORE = re.compile(
    rf"\s*{_GREETING}{_SIGHS}(?:{_FRAME}(?=(?:(?:about|in|at|on|by|for|from|to|with|of|under|since|until)\s+)?{_ASKING})"
    rf"|(?:(?:can|could|would|will)\s+you\s+)?{_ADVERB}(?={ORDERING}|{_ASKING}))",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?<![\s,?.!])\s*+[,?.!][\s,?.!]*+(?:please|pls|thanks|thank\s+you|cheers)(?:\s+(?:a\s+lot|(?:so|very)\s+much))?(?:\s+in\s+advance)?\s*+[?.!]*+\s*$",
    re.IGNORECASE,
)

# "What's the price?", not the title in "what's Eating Gilbert Grape is by whom?" nor "who's got it?".
_SHORTENED = re.compile(
    r"(who|what|where|when|how)['’]?s\s+(?!(?:been|got|had)\b)(?=(?-i:[a-z])|(?!.*\s(?:is|was|are|were|do|does|did|by|who|whom|what|which|when|where|how)\b).*\?)",
    re.IGNORECASE,
)


def without_courtesy(text: str) -> str:
    """The question alone, "what is" for "what's" at its beginning; the same text if nothing stands around it.

    From the front only what leads to "who", "what", "which", "when", "where", "why" or "how" is taken, or to an order ("please list"), and from the
    end only what a comma or a stop parts from the rest: "Who sang Thank You?" stays.
    """
    bare = text
    before = _BEFORE.match(bare)
    if before is not None and before.end():
        bare = bare[before.end() :]
        bare = bare[:1].upper() + bare[1:]
    after = _AFTER.search(bare)
    if after is not None:
        bare = bare[: after.start()] + "?" * ("?" in after.group())
    return _SHORTENED.sub(r"\1 is ", bare, count=1) if _SHORTENED.match(bare) else bare or text

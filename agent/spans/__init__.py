"""Short answers: a span of the evidence, offered only where it is probably right (docs/decisions/0016-short-answers.md).

`wanted` reads what a question wants, and `offer` asks in turn, from the most certain way to the least: of two things, what both say
(`comparison`, by the amounts of `quantities`); of a relative, who passages say it is (`kin`); of what something is, the noun that describes
it (`described`); else the better one of what a field states and of what is most probable. Fields are rows of tables and lines
"key: value" (`fields`) and what sentences tell like them ("its capital is Hov", `prose_fields`); `stated` compares what they say with
the question, `nested` asks first what a question goes through, which it describes (`descriptions`, `roles`, `works`) and a sentence or a record tells
(`told`; `naming` knows other forms of a name), `glossary` knows what letters mean. Where nothing states it, `candidates` finds every
name, date or number that could be meant, `guards` excludes what is certainly no answer, and `features` says of each other one what speaks
for it: its type (closed classes are in `places`) and how near it stands to the words of the question (`nearness`). A softmax over them, fitted
on benchmarks, makes that a probability, of which "none of them" has its share.
"""

"""Relations between named things, read off a dependency parse (labels only: there are no parts of speech or lemmas)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from graphrag.extraction import ChunkText, DocumentText
from graphrag.extraction.names import PLACES
from graphrag.types import Mention, Relation, Span, relation_id

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

SUBJECTS = frozenset({"nsubj", "nsubjpass"})
"""Labels of the parse for what a sentence is about."""
_OBJECTS = frozenset({"dobj", "attr", "oprd", "dative", "acomp"})
_COPULAS = frozenset("is was are were be been being became becomes become".split())
_MODALS = frozenset("will would may might can could should must shall".split())
_AUXILIARIES = frozenset({"aux", "auxpass", "neg"})
_RELATIVE = frozenset("who whom which that".split())
_CONDITIONS = frozenset("if unless whether".split())
_QUANTITIES = frozenset("all both each many most much none one several some two three four".split())
_PRONOUNS = frozenset(
    "i you he she it we they me him her us them this that these those which who whom what itself himself herself "
    "themselves".split()
)
_MODIFIERS = frozenset({"compound", "nmod"})
_NO_MODIFIER = frozenset({"DATE", "NORP", "LANGUAGE"})
"""Types of a mention that stand for something else when they only modify a noun: "the 1942 film"."""
_WHERE = frozenset("in at on near from of under within behind between".split())
_LEADING = frozenset("of in at near on for from with".split())
_ARTICLES = frozenset("the a an".split())
_MOST_WORDS = 5
_DEPTH = 2

_Named = Mapping[int, Mention]
"""Mention by index of each token in it."""


class _Triple(NamedTuple):
    subject: "Token"
    predicate: tuple[str, ...]
    object: "Token"


def sentences_to_read(title: str, chunk: ChunkText, mentions: Sequence[Mention]) -> list[Span]:
    """Sentences of a chunk that may state a relation: at least two names, neither heading nor row of a table."""
    headings = {title, *chunk.headings}
    found: list[Span] = []
    for start, end in chunk.sentences:
        text = chunk.between(start, end)
        names = sum(any(start <= left and right <= end for left, right in mention.spans) for mention in mentions)
        if names >= 2 and "|" not in text and "\t" not in text and text.strip(" #\n") not in headings:
            found.append((start, end))
    return found


def relations(
    document: DocumentText, chunk: ChunkText, mentions: Sequence[Mention], parsed: "Iterable[tuple[Span, Doc]]"
) -> tuple[Relation, ...]:
    """Relations that sentences of a chunk state between its mentions, ascending by id.

    Args:
        document: the document.
        chunk: the chunk.
        mentions: of the chunk.
        parsed: sentences with the parse of each, read by itself.
    """
    found: dict[str, Relation] = {}
    for (start, end), doc in parsed:
        at: dict[int, Mention] = {}
        for mention in mentions:
            for left, right in mention.spans:
                if start <= left and right <= end:
                    span = doc.char_span(left - start, right - start, alignment_mode="expand")
                    at.update((token.i, mention) for token in span or ())
        for triple in _triples(doc, at):
            subject, object_ = at[triple.subject.i], at[triple.object.i]
            if subject.key != object_.key and _readable(triple.predicate):
                predicate = " ".join(triple.predicate)
                id_ = relation_id(chunk.id, subject.entity_id, predicate, object_.entity_id, start)
                found[id_] = Relation(
                    id_, chunk.id, document.id, subject.entity_id, predicate, object_.entity_id, start, end
                )
    return tuple(found[id_] for id_ in sorted(found))


def _readable(predicate: Sequence[str]) -> bool:
    return 1 <= len(predicate) <= _MOST_WORDS and all(word.replace("-", "").isalpha() for word in predicate)


def _triples(doc: "Doc", at: _Named) -> Iterator[_Triple]:
    for token in doc:
        yield from _stated(token, at)
        if token.dep_ == "appos":
            yield from _apposed(token, at)
        elif token.dep_ == "poss" and token.i in at:
            yield from _possessed(token, at)
        yield from _placed(token, at)


def _stated(verb: "Token", at: _Named) -> Iterator[_Triple]:
    """What a verb says: "Rowan acquired Halden", "Ida agreed to work for Rowan", "Ida is the head of Halden"."""
    if verb.i in at or any(child.dep_ == "mark" and child.lower_ in _CONDITIONS for child in verb.children):
        return
    tokens = _subjects(verb)
    subjects = [
        named
        for token in tokens
        if (named := _named(token, at, modifiers=token.dep_ in SUBJECTS or token.dep_ == "conj"))
        and not _is(named, at, "DATE")
        and not (named != token and named.head == token and at[named.i].type in PLACES)  # "the Kazan office"
    ]
    if subjects:
        for predicate, object_ in _complements(verb, at):
            for subject in subjects:
                yield _Triple(subject, predicate, object_)
    elif verb.lower_ in _COPULAS:  # "the head of Halden is Ida"
        for attribute in (child for child in verb.children if child.dep_ == "attr" and child.i in at):
            for token in tokens:
                for predicate, object_ in _roles(token, at, ()):
                    yield _Triple(attribute, predicate, object_)


def _subjects(verb: "Token", depth: int = 4) -> "list[Token]":
    """Heads of a verb's subjects, its own or those that it takes over from the verb or noun that it depends on."""
    helpers = [child for child in verb.children if child.dep_ == "aux"]
    own = [child for head in (verb, *helpers) for child in head.children if child.dep_ in SUBJECTS]
    if own:
        return [token for subject in own for token in _antecedents(subject, verb)]
    if depth == 0 or verb.dep_ not in ("conj", "xcomp", "advcl", "acl"):
        return []
    bare = not any(child.dep_ in ("aux", "mark") for child in verb.children)
    if verb.dep_ == "acl":  # behind a comma, a participle like "playing" mostly belongs to something further off
        behind_comma = verb.i > 0 and verb.nbor(-1).text == ","
        return [verb.head] if bare and not (behind_comma and verb.lower_.endswith("ing")) else []
    return _subjects(verb.head, depth - 1) if verb.dep_ != "advcl" or bare else []


def _antecedents(token: "Token", verb: "Token") -> "list[Token]":
    """The token with its conjuncts; for the pronoun of a relative clause, the noun that the clause describes."""
    if token.lower_ in _RELATIVE:
        while verb.dep_ in ("conj", "xcomp"):
            verb = verb.head
        return [verb.head] if verb.dep_ == "relcl" else []
    return [token, *token.conjuncts]


def _complements(verb: "Token", at: _Named) -> "Iterator[tuple[tuple[str, ...], Token]]":
    """Predicates of a verb with the named things that they lead to."""
    phrase = _phrase(verb)
    plain = len(phrase) == 1 and verb.lower_ in _COPULAS
    objects = [child for child in verb.rights if child.dep_ == "dobj" and child.lower_ not in _PRONOUNS]
    carried = tuple(child.lower_ for child in objects if not _named(child, at))[:1]
    for child in verb.children:
        if child.dep_ in _OBJECTS and not any(c.dep_ == "pobj" for c in child.children):
            for token in _antecedents(child, verb):
                named = _named(token, at, modifiers=not plain)
                if named:
                    yield phrase, named
                else:
                    yield from _roles(token, at, () if plain else phrase)
                    if plain:
                        yield from ((phrase, c) for c in token.children if c.dep_ == "amod" and _is(c, at, "NORP"))
        elif child.dep_ in ("prep", "agent", "dative") and (carried or not _says_nothing(verb, child)):
            yield from _led_to(child, at, (*phrase, *carried), _DEPTH, dates=True)


def _says_nothing(verb: "Token", preposition: "Token") -> bool:
    """Whether the two words alone read as nothing: "have during", "was as"."""
    if verb.lower_ in _COPULAS:
        return preposition.lower_ not in _WHERE
    return verb.lower_ in ("have", "has", "had", "having")


def _is(token: "Token", at: _Named, kind: str) -> bool:
    return token.i in at and at[token.i].type == kind


def _phrase(verb: "Token") -> tuple[str, ...]:
    """A verb as it reads, with particle, negation, modal verbs and the verbs that it completes: "agreed to supply"."""
    helpers = [
        token
        for child in verb.children
        if child.dep_ in _AUXILIARIES and child.i < verb.i
        for token in (*(c for c in child.lefts if c.dep_ in _AUXILIARIES), child)
    ]
    words = [
        "not" if helper.dep_ == "neg" and helper.lower_ == "n't" else helper.lower_
        for helper in helpers
        if any(h.dep_ == "neg" or h.lower_ in _MODALS for h in helpers) or helper.lower_ == "to"
    ]
    words.append(verb.lower_)
    words += ["not" if child.dep_ == "neg" else child.lower_ for child in verb.rights if child.dep_ in ("neg", "prt")]
    return (*_phrase(verb.head), *words) if verb.dep_ == "xcomp" and verb.head.i < verb.i else tuple(words)


def _roles(noun: "Token", at: _Named, prefix: tuple[str, ...]) -> "Iterator[tuple[tuple[str, ...], Token]]":
    """A noun that is not named itself, with what it belongs to: "the head of Halden", "Halden's supplier"."""
    if noun.lower_ in _PRONOUNS or noun.i in at:
        return
    words = (*prefix, *_words(noun, at, room=1 if prefix else _MOST_WORDS - 1))
    for child in noun.children:
        if child.dep_ == "prep" and (child.lower_ != "from" or noun.dep_ == "attr"):
            yield from _led_to(child, at, words, _DEPTH - 1)
        elif child.dep_ == "poss" and child.i in at and not _is(child, at, "DATE"):
            yield (*words, "of"), child


def _led_to(
    preposition: "Token", at: _Named, prefix: tuple[str, ...], depth: int, *, dates: bool = False
) -> "Iterator[tuple[tuple[str, ...], Token]]":
    """Named things behind a preposition, directly or through nouns: "works as lead of Halden"."""
    words = (*prefix, preposition.lower_)
    for child in preposition.children:
        if child.dep_ == "prep":
            yield from _led_to(child, at, words, depth, dates=dates)
        elif child.dep_ == "pobj" and child.lower_ not in _RELATIVE:
            for token in (child, *child.conjuncts):
                named = _named(token, at)
                if named is not None:
                    if dates or not _is(named, at, "DATE"):
                        yield words, named
                elif depth > 0 and token.lower_ not in _PRONOUNS:
                    noun = (*words, token.lower_)
                    for inner in token.children:
                        if inner.dep_ == "prep" and inner.lower_ in ("of", "at", "for", "in"):
                            yield from _led_to(inner, at, noun, depth - 1)
                        elif inner.dep_ == "poss" and inner.i in at and not _is(inner, at, "DATE"):
                            yield (*noun, "of"), inner
        elif child.dep_ == "pcomp":
            things = (token for inner in child.children if inner.dep_ == "dobj" for token in (inner, *inner.conjuncts))
            yield from (((*words, child.lower_), named) for thing in things if (named := _named(thing, at)))


def _words(noun: "Token", at: _Named, room: int) -> tuple[str, ...]:
    """A noun with what directly qualifies it, "incident commander", as far as there is room."""
    words = [noun.lower_]
    for token in reversed(noun.doc[noun.left_edge.i : noun.i]):
        qualifies = token.head == noun and token.dep_ in ("compound", "amod") and token.i not in at
        if not qualifies or len(words) >= room or (token.i > 0 and token.nbor(-1).text in "-–"):
            break
        words.insert(0, token.lower_)
    return tuple(words)


def _named(token: "Token", at: _Named, *, modifiers: bool = True) -> "Token | None":
    """The named thing that a noun stands for: itself, what it is compounded with ("Blenny service"), or what it counts
    ("two of the Fenwick gateways").
    """
    if token.i in at:
        return token
    if token.lower_ in _QUANTITIES or token.like_num:
        parts = (c for p in token.children if p.lower_ == "of" for c in p.children if c.dep_ == "pobj")
        return next((named for part in parts if (named := _named(part, at))), None)
    if modifiers:
        for child in reversed(list(token.lefts)):
            if child.dep_ in _MODIFIERS and child.i in at and at[child.i].type not in _NO_MODIFIER:
                return child
    return None


def _apposed(token: "Token", at: _Named) -> Iterator[_Triple]:
    """A role beside a name: "Ida, the head of Halden", "the head of Halden, Ida", "Halden's supplier Rowan"."""
    for name, role in ((token.head, token), (token, token.head)):
        if name.i in at and role.i not in at:
            for predicate, object_ in _roles(role, at, ()):
                yield _Triple(name, predicate, object_)


def _possessed(owner: "Token", at: _Named) -> Iterator[_Triple]:
    """A role between an owner and a name: "Halden's chief engineer Rowan"."""
    name = owner.head
    if name.i in at and not _is(owner, at, "DATE"):
        words = [t.lower_ for t in owner.doc[owner.i + 1 : name.i] if t.i not in at and t.is_alpha]
        if 1 <= len(words) <= 3 and not _ARTICLES.intersection(words):
            yield _Triple(name, (*words, "of"), owner)


def _placed(noun: "Token", at: _Named) -> Iterator[_Triple]:
    """A name with a preposition directly behind it: "Maasvliet Terminal in Rotterdam", "Ida of Halden".

    Elsewhere than at the front of a sentence the parser often takes the complement of a verb for one of its object.
    """
    name = _named(noun, at)
    if name is None or _is(name, at, "DATE") or noun.lower_ in _QUANTITIES or noun.like_num:
        return
    kind = at[name.i].type
    head = noun.head.head if noun.dep_ == "pobj" and noun.head.head.like_num else noun
    leads = head.dep_ in SUBJECTS or (head.dep_ == "ROOT" and head.i in at)
    for child in noun.children:
        if child.dep_ != "prep":
            continue
        adjacent = noun == name and child.i == noun.i + 1 and child.lower_ in ("of", "in", "at", "near")
        for predicate, object_ in _led_to(child, at, (), 1 if leads else 0):
            place = at[object_.i].type in PLACES
            if (leads and child.lower_ in _LEADING) or (
                adjacent and ((place and kind != "PERSON") if child.lower_ != "of" else not place)
            ):
                yield _Triple(name, predicate, object_)

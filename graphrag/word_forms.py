"""Forms of English words that no rule of a stemmer brings together: one form for each, before stemming.

Snowball knows that "founded" and "founding" are one word; it cannot know that of "made" and "make", of "children" and
"child", or of "organisation" and "organization". A question asks in one form and the document says another. Listed is what
is frequent and has one reading: "lay", "bit", "rose" and "ground" have two and are left alone. Some nouns of irregular verbs
("choice", "loss", "payment", "sale", "speech") count as forms of them. Whatever is listed brings all its inflections along: a
stemmer that took "choice" and "choices" for one word shall go on doing so.

Words of one family, such as "maker" and "make" or "death" and "die", stay apart in keyword search, where taking them for
one costs as many passages as it finds; but evidence that holds one of them does not lack the other.
"""

import re
from collections.abc import Sequence

_VERBS = """
    arise arose arisen; awake awoke awoken; bear born borne; become became; begin began begun; bend bent; bleed bled;
    blow blew blown; break broke broken; breed bred; bring brought; build built; burn burnt; buy bought; catch caught;
    choose chose chosen choice choices; cling clung; come came; creep crept; deal dealt; dig dug; draw drew drawn; dream dreamt;
    drink drank drunk drunks; drive drove driven; eat ate eaten; fall fell fallen; feed fed; feel felt; fight fought; find found;
    flee fled; fly flew flown; forbid forbade forbidden; forget forgot forgotten; forgive forgave forgiven; freeze froze frozen;
    get got gotten; give gave given; go went gone; grow grew grown growth; hang hung; hear heard; hide hid hidden;
    hold held; keep kept; kneel knelt; know knew known; lead led; lean leant; leap leapt; learn learnt; leave left;
    lend lent; lose lost loss losses; make made; mean meant; meet met; mistake mistook mistaken; outdo outdid outdone;
    overcome overcame; oversee oversaw overseen; overtake overtook overtaken; pay paid payment payments; prove proven proof proofs; ride rode ridden; ring rang rung;
    rise risen; run ran; say said; see saw seen; seek sought; sell sold sale sales; send sent; shake shook shaken; shoot shot shots;
    show shown; shrink shrank shrunk; sing sang sung; sink sank sunk; sit sat; sleep slept; slide slid; speak spoke spoken speech speeches;
    spell spelt; spend spent; spill spilt; spin spun; spring sprang sprung; stand stood;
    steal stole stolen; stick stuck; strike struck stricken; strive strove striven; swear swore sworn; sweep swept;
    swell swollen; swim swam swum; swing swung; take took taken; teach taught; tear tore torn; tell told; think thought thoughts;
    throw threw thrown; undergo underwent undergone; understand understood; undertake undertook undertaken; undo undid undone;
    uphold upheld; wake woke woken; wear wore worn; weave wove woven; weep wept; win won; withdraw withdrew withdrawn withdrawal;
    withhold withheld; withstand withstood; write wrote written;
    rebuild rebuilt; redo redid redone; redraw redrew redrawn; remake remade; repay repaid repayment repayments; rerun reran;
    resell resold; retake retook retaken; rethink rethought; rewind rewound; rewrite rewrote rewritten; outgrow outgrew outgrown;
    overdraw overdrew overdrawn; overhear overheard; override overrode overridden; overrun overran; overthrow overthrew overthrown;
    mislead misled; misunderstand misunderstood; foresee foresaw foreseen; unwind unwound
"""
_NOUNS = """
    man men; woman women; child children; person people peoples; foot feet; tooth teeth; goose geese; mouse mice; ox oxen;
    wife wives; knife knives; half halves halve halved halving; shelf shelves; wolf wolves; thief thieves; loaf loaves; calf calves;
    criterion criteria; phenomenon phenomena; index indices; matrix matrices; vertex vertices; appendix appendices;
    analysis analyses analyse analysed analysing analyze analyzed analyzing analyzes; crisis crises; thesis theses; hypothesis hypotheses; diagnosis diagnoses diagnose diagnosed diagnosing; synthesis syntheses;
    parenthesis parentheses; stimulus stimuli; alumnus alumni; nucleus nuclei; radius radii;
    bacterium bacteria; curriculum curricula; memorandum memoranda; addendum addenda; corpus corpora; schema schemata; genus genera;
    syllabus syllabi; scarf scarves; wharf wharves; hoof hooves; dwarf dwarves; elf elves
"""
_STEMMED_APART = """
    alias aliases aliased aliasing; apprentice apprenticed apprenticing; boycott boycotted boycotting; bluff bluffed bluffing;
    bureau bureaus bureaux; bus buses bused busses; canvas canvases; clue clued; counterbalance counterbalanced counterbalancing;
    dye dyed; embedded embed embeds; evidence evidenced evidencing; experience experienced experiencing; free freed;
    gas gases gassed; gazette gazetted; glue glued gluing; guru gurus; handcuff handcuffed; inconvenience inconvenienced;
    iris irises; lens lenses; menu menus; overfeed overfed overfeeding; overheat overheated overheating; overprice overpriced;
    panic panicked panicking; persevere persevered persevering; plateau plateaus plateaux; prejudice prejudiced; puff puffed;
    queue queued queuing; quiz quizzes; reference referenced referencing; refinance refinanced refinancing;
    sacrifice sacrificed sacrificing; sniff sniffed; staff staffed staffing; stuff stuffed stuffing; sue sued suing;
    traffic trafficked trafficking; trellis trellises; unbalance unbalanced; underlie underlying underlies; underprice underpriced;
    warehouse warehoused warehousing; wholesale wholesaled wholesaling;
    cd cds; mp mps; pc pcs; pr prs; tv tvs; vm vms
"""
"""Regular, but Snowball makes two terms of them: of "overheated" it leaves "overh", of "experienced" "experienc"."""
_FAMILIES = """
    acquire acquisition acquisitions; admit admission; agree agreement agreements; announce announcement; approve approval approvals;
    arrive arrival arrivals; assign assignee assignees assignment assignments; assist assistance; bear birth; believe belief beliefs; bury burial; buy buyer buyers;
    command commander; compose composer composers; conclude conclusion conclusions; create creator creators;
    decide decision decisions; defend defender; deliver delivery deliveries; depart departure; describe description descriptions;
    design designer designers; destroy destruction; develop developer developers; die death deaths dead dying; direct director directors;
    discover discovery discoveries discoverer; distribute distributor distributors; edit editor editors; email emails mail mails; employ employer employee employees employers;
    expand expansion; expire expired expires expiring expiry end ended ending ends; explain explanation; explore explorer; extend extension extensions; fail failure failures;
    founded founder founders; govern governor; invade invasion; invent inventor inventors; lead leader leaders; make maker makers;
    manufacture manufacturer manufacturers; marry marriage marriages; narrate narrator; own owner owners; paint painter painters;
    perform performer performers; permit permission; play player players; practice practise practised practising; precede predecessor;
    produce producer producers production; provide provider providers; publish publisher publishers; 
    recover recovery; reduce reduction reductions; refuse refusal; remove removal; renew renewal renewals; reside residence resident residents;
    resolve resolution; respond response responses; retain retention; retire retirement; sculpt sculptor; sell seller sellers;
    sing singer singers; solve solution solutions; speak speaker speakers; subscribe subscription subscriptions; submit submission submissions;
    succeed successor; supply supplier suppliers; survive survival survivor survivors; suspend suspension; teach teacher teachers;
    translate translator; win winner winners; write writer writers;
    administrator administrators admin admins; application applications app apps; configure configuration config configs;
    database databases db dbs; department departments dept depts; environment environments env envs; information info;
    maximum max; minimum min; repository repositories repo repos; representative representatives rep reps;
    specification specifications spec specs
"""
_PRICES = "cost price fee".split()
_CURRENCIES = "eur euro euros usd dollar dollars gbp pound pounds chf".split()
_SPELLINGS = """
    aging ageing; aluminum aluminium; analog analogue; artifact artefact; catalog catalogue; center centre;
    defense defence; dialog dialogue; fiber fibre; fulfill fulfil; gray grey; install instal; jewelry jewellery;
    judgment judgement; kilometer kilometre; license licence; liter litre; maneuver manoeuvre;
    meter metre; mold mould; offense offence; pajamas pyjamas; plow plough; program programme; skeptic sceptic;
    skeptical sceptical; skillful skilful; theater theatre; tire tyre; traveler traveller
"""
_OUR = re.compile(
    r"^(arm|behavi|cand|col|discol|dishon|endeav|fav|ferv|flav|glam|harb|hon|hum|lab|neighb|od|parl|rig|rum|sav|splend|tum|val|vap|vig)our"
)
_DOUBLED = re.compile(
    r"^(cancel|channel|counsel|dial|fuel|label|level|marshal|model|refuel|signal|total|travel|tunnel)l(ed|ing)$"
)
_ISE = re.compile(
    r"^(?!(?:advert|chast|circumc|compr|comprom|conc|desp|disgu|enterpr|exerc|expert|franch|improv|merchand|parad|prec|prem|prom|superv|surm|surpr|telev|treat)is)"
    r"(\w{4,})is(e[drs]?|ers|ing|ations?|ational(?:ly)?|abl[ey])$"
)
"""What is written with "-ize" too: not "raise" and "revise", nor longer words whose "-ise" is no suffix."""
_ABBREVIATIONS = re.compile(r"^([b-df-hj-np-tv-z]{3,}|[b-df-hj-np-tv-z]{2,}[aeiou])s$")
"""Several of an abbreviation ("PDFs", "KPIs"): Snowball leaves an "s" that no vowel but the one before it precedes."""

_ORDINAL = re.compile(r"^(\d+)(?:st|nd|rd|th)$")


def _entries(listed: str) -> list[list[str]]:
    return [entry.split() for entry in listed.split(";")]


def _inflected(word: str) -> tuple[str, ...]:
    stem = word.removesuffix("e")
    return (word, f"{word}s", f"{stem}ed", f"{stem}ing")


_FORMS = {
    form: word for listed in (_VERBS, _NOUNS, _STEMMED_APART) for word, *forms in _entries(listed) for form in forms
} | {form: american for american, british in _entries(_SPELLINGS) for form in _inflected(british)}

_NOUNS_OF_VERBS = frozenset(
    """choice choices drunks growth loss losses payment payments proof proofs repayment repayments sale sales shot shots
    speech speeches thought thoughts withdrawal""".split()
)
_PAST = frozenset(form for _, *forms in _entries(_VERBS) for form in forms) - _NOUNS_OF_VERBS


def common_form(word: str) -> str:
    """The form under which a case-folded English word is stemmed; the word itself where a stemmer will do."""
    if word[0].isdigit():
        return _ORDINAL.sub(r"\1", word)
    form = _FORMS.get(word) or _ABBREVIATIONS.sub(r"\1", word)
    return _ISE.sub(r"\1iz\2", _DOUBLED.sub(r"\1\2", _OUR.sub(r"\1or", form)))


def is_past(word: str) -> bool:
    """Whether a case-folded word may be a verb in the past or its participle: "opened", "led", "written"."""
    return word.endswith("ed") or word in _PAST


def related_words() -> dict[str, Sequence[str]]:
    """By word, those that say the same as verb, doer and deed. A sum in "EUR" says what something costs, but not the other way, nor
    is a sum in dollars one in pounds.
    """
    related: dict[str, Sequence[str]] = {word: family for family in _entries(_FAMILIES) for word in family}
    return related | {word: [*_PRICES, *_CURRENCIES] for word in _PRICES}

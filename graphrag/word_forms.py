"""Forms of English words that no rule of a stemmer brings together: one form for each, before stemming.

Snowball knows that "founded" and "founding" are one word; it cannot know that of "made" and "make", of "children" and
"child", or of "organisation" and "organization". A question asks in one form and the document says another. Listed is what
is frequent and has one reading: "lay", "bit", "rose" and "ground" have two and are left alone.

Words of one family, such as "maker" and "make" or "death" and "die", stay apart in keyword search, where taking them for
one costs as many passages as it finds; but evidence that holds one of them does not lack the other.
"""

import re

_VERBS = """
    arise arose arisen; awake awoke awoken; bear born borne; become became; begin began begun; bend bent; bleed bled;
    blow blew blown; break broke broken; breed bred; bring brought; build built; burn burnt; buy bought; catch caught;
    choose chose chosen choice; cling clung; come came; creep crept; deal dealt; dig dug; draw drew drawn; dream dreamt;
    drink drank drunk; drive drove driven; eat ate eaten; fall fell fallen; feed fed; feel felt; fight fought; find found;
    flee fled; fly flew flown; forbid forbade forbidden; forget forgot forgotten; forgive forgave forgiven; freeze froze frozen;
    get got gotten; give gave given; go went gone; grow grew grown growth; hang hung; hear heard; hide hid hidden;
    hold held; keep kept; kneel knelt; know knew known; lead led; lean leant; leap leapt; learn learnt; leave left;
    lend lent; lose lost loss losses; make made; mean meant; meet met; mistake mistook mistaken; outdo outdid outdone;
    overcome overcame; oversee oversaw overseen; overtake overtook overtaken; pay paid payment payments; prove proven proof; ride rode ridden; ring rang rung;
    rise risen; run ran; say said; see saw seen; seek sought; sell sold sale sales; send sent; shake shook shaken; shoot shot;
    show shown; shrink shrank shrunk; sing sang sung; sink sank sunk; sit sat; sleep slept; slide slid; speak spoke spoken speech;
    spell spelt; spend spent; spill spilt; spin spun; split splitting; spread spreading; spring sprang sprung; stand stood;
    steal stole stolen; stick stuck; strike struck stricken; strive strove striven; swear swore sworn; sweep swept;
    swell swollen; swim swam swum; swing swung; take took taken; teach taught; tear tore torn; tell told; think thought;
    throw threw thrown; undergo underwent undergone; understand understood; undertake undertook undertaken; undo undid undone;
    uphold upheld; wake woke woken; wear wore worn; weave wove woven; weep wept; win won; withdraw withdrew withdrawn withdrawal;
    withhold withheld; withstand withstood; write wrote written
"""
_NOUNS = """
    man men; woman women; child children; person people; foot feet; tooth teeth; goose geese; mouse mice; ox oxen;
    wife wives; knife knives; half halves; shelf shelves; wolf wolves; thief thieves; loaf loaves; calf calves;
    criterion criteria; phenomenon phenomena; index indices; matrix matrices; vertex vertices; appendix appendices;
    analysis analyses; crisis crises; thesis theses; hypothesis hypotheses; diagnosis diagnoses; synthesis syntheses;
    parenthesis parentheses; stimulus stimuli; alumnus alumni; nucleus nuclei; radius radii;
    bacterium bacteria; curriculum curricula; memorandum memoranda; addendum addenda
"""
_FAMILIES = """
    acquire acquisition acquisitions; admit admission; agree agreement agreements; announce announcement; approve approval approvals;
    arrive arrival arrivals; assist assistance; bear birth; believe belief beliefs; bury burial; buy buyer buyers;
    choose choices; command commander; compose composer composers; conclude conclusion conclusions; create creator creators;
    decide decision decisions; defend defender; deliver delivery deliveries; depart departure; describe description descriptions;
    design designer designers; destroy destruction; develop developer developers; die death deaths dead dying; direct director directors;
    discover discovery discoveries discoverer; distribute distributor distributors; edit editor editors; employ employer employee employees employers;
    expand expansion; explain explanation; explore explorer; extend extension extensions; fail failure failures;
    founded founder founders; govern governor; invade invasion; invent inventor inventors; lead leader leaders; make maker makers;
    manufacture manufacturer manufacturers; marry marriage marriages; narrate narrator; own owner owners; paint painter painters;
    perform performer performers; permit permission; play player players; practice practise practised practising; precede predecessor;
    produce producer producers production; provide provider providers; publish publisher publishers; 
    recover recovery; reduce reduction reductions; refuse refusal; remove removal; renew renewal renewals; reside residence resident residents;
    resolve resolution; respond response responses; retain retention; retire retirement; sculpt sculptor; sell seller sellers;
    sing singer singers; solve solution solutions; speak speaker speakers; subscribe subscription subscriptions; submit submission submissions;
    succeed successor; supply supplier suppliers; survive survival survivor survivors; suspend suspension; teach teacher teachers;
    translate translator; win winner winners; write writer writers
"""
_MONEY = """
    cost price fee eur euro euros usd dollar dollars gbp pound pounds chf
"""
_SPELLINGS = """
    aging ageing; aluminum aluminium; analog analogue; artifact artefact; catalog catalogue catalogues; center centre centres centred;
    defense defence; dialog dialogue; fiber fibre fibres; fulfill fulfil fulfils; gray grey; install instal; jewelry jewellery;
    judgment judgement; kilometer kilometre kilometres; license licence licences; liter litre litres; maneuver manoeuvre;
    meter metre metres; mold mould; offense offence; pajamas pyjamas; plow plough; program programme programmes; skeptic sceptic;
    skeptical sceptical; skillful skilful; theater theatre theatres; tire tyre tyres; traveler traveller travellers
"""
_OUR = re.compile(
    r"^(arm|behavi|cand|col|discol|dishon|endeav|fav|ferv|flav|glam|harb|hon|hum|lab|neighb|od|parl|rig|rum|sav|splend|tum|val|vap|vig)our"
)
_DOUBLED = re.compile(
    r"^(cancel|channel|counsel|dial|fuel|label|level|marshal|model|refuel|signal|total|travel|tunnel)l(ed|ing)$"
)
_ISE = re.compile(r"is(e[drs]?|ers|ing|ations?)$")


def _table(*lists: str) -> dict[str, str]:
    forms: dict[str, str] = {}
    for entry in "; ".join(lists).split(";"):
        form, *others = entry.split()
        for other in others:
            forms.setdefault(other, form)
    return forms


_FORMS = _table(_VERBS, _NOUNS, _SPELLINGS)


def common_form(word: str) -> str:
    """The form under which a case-folded English word is stemmed; the word itself where a stemmer will do.

    "-ise" becomes "-ize" wherever it stands, in "promise" too: all forms of a word change alike, so nothing is lost.
    """
    form = _FORMS.get(word, word)
    if form.endswith(("e", "ed", "es", "er", "ers", "ing", "s", "n")):
        form = _ISE.sub(r"iz\1", form)
    return _DOUBLED.sub(r"\1\2", _OUR.sub(r"\1or", form))


def families() -> list[tuple[str, ...]]:
    """Words that say the same as verb, doer and deed, or as what is asked and the unit of the answer ("cost", "EUR")."""
    return [tuple(entry.split()) for entry in (_FAMILIES + ";" + _MONEY).split(";")]

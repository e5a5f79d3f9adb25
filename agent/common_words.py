"""Words so common that a text has many others for them.

A question that goes through several documents asks for the lead of the firm that *supplies* the fibre, and the text says from whom it
"is bought". Among a few hundred passages no frequency tells such a word from a rare one: neither occurs. So the words are listed, verbs of all work and general nouns,
adjectives and adverbs, as frequent as any in English. None of them says what kin somebody is, or that somebody was born, died or married:
for these a text has no other words.
"""

from functools import cache

from graphrag.analysis import terms

_VERBS = """
    accept act add agree allow answer appear apply arrange arrive ask base become begin believe belong break bring build buy call carry
    cause change check choose clean close collect come complete concern connect consider contain continue control cover create cut deal
    decide deliver describe develop do draw drive drop end ensure enter establish expect fall feel fill find finish fix follow form gain
    get give go grow handle happen hear help hold include involve join keep know lead learn leave let lie like live look lose make manage
    mean meet mention move need obtain occur offer open operate order organise own pass pay perform pick place plan play point prepare present
    produce protect provide pull push put raise reach read receive refer remain remember remove repair replace report represent request
    require rest result return rise run save say see seem sell send serve set settle share show sign sit speak spend stand start state
    stay stop store study supply support take talk tell think throw train travel treat try turn understand use visit wait walk want
    watch win work write
"""
_OTHERS = """
    area body business case day end fact head home house job kind level man matter member office people person
    place point post problem programme reason room seat side size system team thing today top town type way week woman word work world
    year

    big certain common complete current different early entire extra few final first general good great high important large last late
    left little local long low main major new next old only other real right same several short single small special total various whole
    young

    again along also always around away back currently far first later mostly now often once really soon still then together
    today usually well yet

    one two three
"""


@cache
def common_terms() -> frozenset[str]:
    """The terms of these words."""
    return frozenset(terms(f"{_VERBS} {_OTHERS}"))

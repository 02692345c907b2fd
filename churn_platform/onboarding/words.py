"""Words in which files say yes, no, missing, gone and still here, in the languages that operators
write in.
"""

import re
import unicodedata
from typing import Literal

Meaning = Literal["yes", "no", "left", "stayed", "missing"]

_YES = """
    true t yes y 1 1.0 1,0 ja j oui o si s sim da tak kylla evet \u0434\u0430 \u662f \u306f\u3044
"""
_NO = """
    false f no n 0 0.0 0,0 nein non nao nee nej nie net ei hayir
    \u043d\u0435\u0442 \u5426 \u3044\u3044\u3048
"""
_MISSING = """
    na n/a #n/a #na n.a n.a. #n/v #nv nan null (null) <null> none nil ? ?? - -- --- . \\n
    #value! tbd tba
    unknown unk n/k missing undefined unbekannt k.a k.a. inconnu nc n.c. desconocido desconhecido
    s/d nd n.d.
    sconosciuto onbekend
    brak nezname \u043d\u0435\u0438\u0437\u0432\u0435\u0441\u0442\u043d\u043e \u4e0d\u660e
"""
_SAYINGS = (
    "not available",
    "not known",
    "no data",
    "keine angabe",
    "keine angaben",
    "non renseigne",
    "sin dato",
)
YES, NO = frozenset(_YES.split()), frozenset(_NO.split())
MISSING = frozenset((*_MISSING.split(), *_SAYINGS))
# Parts of words, so that a stem is for all its endings.
LEAVING = re.compile(
    r"churn|attrit|(^|_)(left|leav|lost|gone|quit|exit|depart|laps|defect|ended|leaver|closed|cancel|terminat|withdr"
    r"|disconnect|unsubscri|deactiv|inactiv|dropout|dropped|port_?out|abgang|abgewander|inaktiv|k[uü]ndig|gek[uü]ndig"
    r"|weg|verloren|r[eé]sili|parti[es]{0,2}(_|$)|d[eé]part|perdu|inactif|baja|abandon|fuga|perdid|inactiv|cancelad|evas[aã]o|evadi"
    r"|saiu|inativ|disdett|abbandon|perso(_|$)|inattiv|opgezegd|opzeg|vertrok|odej|odszed|odch[oó]d|zrezygn|rezygn)"
    r"|\u043e\u0442\u0442\u043e\u043a|\u0443\u0448\u0435\u043b|解約|流失|离网"
)
STAYING = re.compile(
    r"(^|_)(stay|stil|retain|retention|remain|kept|keep|loyal|activ|aktiv|alive|renew|subscri|current|existing|member"
    r"|surviv|ongoing|continu|enrolled|open|live|bleib|gebliebe|verl[aä]nger|treu|bestand|actif|active|fid[eè]l|rest[eé]|renouv"
    r"|ativ|activo|perman|renov|fiel|attiv|rinnov|fedel|rimast|actief|gebleven|trouw|aktyw|zosta|pozosta)"
    r"|\u0430\u043a\u0442\u0438\u0432\u043d|\u043e\u0441\u0442\u0430\u043b|继续|継続"
)
NEGATION = re.compile(
    r"(^|_)(not?|non|never|un|did_not|didn_t|has_not|without|kein[e]?|nicht|pas|nao|nie|niet|\u043d\u0435)_"
)
TARGET = re.compile(
    r"(^|_)(target|label|y|class|outcome|response|event|dependent|ziel|cible|objetivo|alvo)(_|$)"
)


def plain(word: str) -> str:
    """A word as words are compared: lower case, no accents, no quotes, no full stop behind, single
    blanks.
    """
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    without_accents = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    single_blanks = re.sub(r"(?<=\w)[\s_-]+(?=\w)", " ", without_accents)
    return single_blanks.strip(" \u00a0'\".!")


def meaning(value: str) -> Meaning | None:
    """What a value of a label says by itself; None if the word is not known."""
    word = plain(value)
    if value.strip().lower() in MISSING or word in MISSING:
        return "missing"
    if word in YES:
        return "yes"
    if word in NO:
        return "no"

    state = word.removesuffix("customer").strip()
    spoken = speaks_of(state.replace(" ", "_"))
    if spoken == "leaving":
        return "left"
    if spoken == "staying":
        return "stayed"

    return None


def speaks_of(name: str) -> Literal["leaving", "staying"] | None:
    """Whether a normalised name speaks of customers who leave or who stay; None for neither, and
    for both.
    """
    name = plain(name).replace(" ", "_")
    is_negated = bool(NEGATION.search(name + "_"))
    name = NEGATION.sub("_", name + "_").strip("_")
    leaving = bool(LEAVING.search(name))
    staying = bool(STAYING.search(name))
    # "Churn retention" says both: only a person can tell.
    if leaving == staying:
        return None
    if is_negated:
        return "staying" if leaving else "leaving"

    return "leaving" if leaving else "staying"


def is_target(name: str) -> bool:
    """Whether the name is one that data sets give to what is to be predicted."""
    return bool(TARGET.search(name))

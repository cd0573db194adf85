"""How words sound: spelling to phones by rule, and how far two strings of phones are apart.

One alphabet serves both languages, one character a phone, so that strings of phones can be searched like
text (and by the same C++ code):

    stops and affricates    p b t d k g C(hurch) J(udge)
    fricatives              f v T(hin) D(his) s z S(he) Z (vision) h x (Persian خ) q (Persian ق, غ)
    nasals and the rest     m n N(ng) l r w y
    vowels                  i (see) I (sit) e (set) A (say) a (sat) o (hot, saw) O (go) u (too) U (put) V (but,
                            about) Y (my) W (now) X (boy) R (bird)

English spelling is read by context rules in the manner of Elovitz et al., "Automatic translation of English
text to phonetics by means of letter-to-sound rules", NRL Report 7948, 1976; a dictionary in CMU format, where
one is given, is asked first. Persian writes no short vowels: between two consonants one is assumed (``e``), which
a coarse comparison then ignores.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from earmark.language.english import spell_english
from earmark.language.persian import spell_persian
from earmark.language.script import ARABIC, LATIN, script_of

__all__ = ["coarse", "phone_similarity", "phones_of"]

_ARPABET = {
    "AA": "o", "AE": "a", "AH": "V", "AO": "o", "AW": "W", "AY": "Y", "B": "b", "CH": "C", "D": "d", "DH": "D",
    "EH": "e", "ER": "R", "EY": "A", "F": "f", "G": "g", "HH": "h", "IH": "I", "IY": "i", "JH": "J", "K": "k",
    "L": "l", "M": "m", "N": "n", "NG": "N", "OW": "O", "OY": "X", "P": "p", "R": "r", "S": "s", "SH": "S",
    "T": "t", "TH": "T", "UH": "U", "UW": "u", "V": "v", "W": "w", "Y": "y", "Z": "z", "ZH": "Z",
}  # fmt: skip

# Phones easily taken for each other share a letter; the vowels fall into front, open and back ones.
_COARSE = str.maketrans("bdgqxvDTzZJNiIeAoOUWXVRYy", "ptkkkfsssSCniiiiauuauaari")

_V, _C = "[aeiouy]", "[bcdfghjklmnpqrstvwxz]"
# Letter-to-sound rules, by first letter; of each the first that fits is taken. A rule is a regular expression
# (what it consumes, and its context as look-around) and the phones it stands for.
_RULES: dict[str, list[tuple[str, str]]] = {
    "a": [
        (r"(?<![a-z])a(?![a-z])", "V"), (r"augh(?=t)", "o"), (r"au", "o"), (r"aw", "o"), (r"air", "er"), (r"ai", "A"), (r"ay", "A"),
        (r"(?<=w)are?(?=[a-z])", "or"), (r"are(?![a-z])", "er"), (r"arr", "er"), (r"ar(?![aeiouy])", "or"),
        (r"(?<=w)a(?=[tsn])", "o"), (r"all(?![a-z])", "ol"), (r"al(?=[kt])", "ol"), (r"alk", "ok"), (r"alm", "om"),
        (r"(?<=[a-z])able(?![a-z])", "Vbl"), (r"(?<=[a-z]{2})age(?![a-z])", "IJ"), (r"(?<=[a-z]{2})ally(?![a-z])", "Vli"),
        (r"(?<=[a-z]{2})a[ln](?=t?s?(?![a-z]))(?<!..[aeiou]a.)", "V_"),
        (rf"a(?={_C}e(?![a-z]))", "A"), (rf"a(?={_C}(?:es|ed|er|ing|ion|y)(?![a-z]))", "A"), (r"a(?=tion|cious|tio)", "A"),
        (rf"a(?=ste(?![a-z]))", "A"), (r"a(?=nge(?![a-z]))", "A"), (r"a(?![a-z])", "V"), (r"aa", "o"), (r"ae", "i"), (r"a", "a"),
    ],
    "b": [(r"(?<=m)b(?![a-z])", ""), (r"bb", "b"), (r"b", "b")],
    "c": [
        (r"ch(?=r)", "k"), (r"(?<=s)ch(?=ool|em)", "k"), (r"ch", "C"), (r"ck", "k"), (r"cc(?=[eiy])", "ks"), (r"cc", "k"),
        (r"ci(?=[aou])", "S"), (r"(?<=s)c(?=[eiy])", ""), (r"c(?=[eiy])", "s"), (r"cz", "C"), (r"c", "k"),
    ],
    "d": [(r"dge", "J"), (r"dg", "J"), (r"dd", "d"), (r"(?<=[pkfscx]e)d(?![a-z])", "t"), (r"d", "d")],
    "e": [
        (r"(?<=[dt])ed(?![a-z])", "Id"), (r"(?<=[pkfsxch]{2})ed(?![a-z])", "t"), (rf"(?<=[a-z]{_C})ed(?![a-z])", "d"),
        (r"eigh(?=t)", "A"), (r"eigh", "A"), (r"ei(?=n|r)", "A"), (r"(?<=c)ei", "i"), (r"ei", "Y"), (r"ey(?![a-z])", "i"), (r"ey", "A"),
        (r"ear(?=[nlt])(?<!he..)", "R"), (r"ear", "ir"), (r"eau", "O"), (r"ea(?=d(?![a-z])|lth|vy|sure|ther|nt)", "e"), (r"ea", "i"),
        (r"eer", "ir"), (r"ee", "i"), (r"eu", "u"), (r"ew", "u"), (r"ere(?![a-z])", "ir"), (r"err", "er"), (r"er(?=[aiou])", "er"),
        (r"er", "R"), (rf"(?<=[a-z])es(?![a-z])(?<=[szxh]es)", "Vz"), (r"(?<=[cg])es(?![a-z])", "Iz"), (r"(?<=[a-z]{2})es(?![a-z])", "z"),
        (rf"(?<={_V}{_C})e(?![a-z])", ""), (rf"(?<={_V}{_C}{_C})e(?![a-z])", ""), (r"(?<=[bcdgptkszfl]l)e(?![a-z])", ""),
        (r"(?<=[uvc])e(?![a-z])", ""), (r"(?<![a-z]{2})e(?![a-z])", "i"), (r"e(?![a-z])", "i"), (rf"(?<=[a-z])e(?=ly(?![a-z])|ment|ful|less|ness)", ""),
        (r"(?<=[a-z]{2})e(?=[nlm]t?s?(?![a-z]))", "V"), (rf"(?<![a-z])e(?={_C}[aeiou])", "I"), (r"e", "e"),
    ],
    "f": [(r"ff", "f"), (r"f", "f")],
    "g": [
        (r"(?<=[a-z])gh(?=t)", ""), (r"gh(?![a-z])", ""), (r"gh", "g"), (r"(?<![a-z])gn", "n"), (r"gn(?![a-z])", "n"), (r"gg", "g"),
        (r"(?<![a-z])g(?=e[tra]|i[vfgr])", "g"), (r"gu(?=[eiy])", "g"), (r"g(?=[eiy])", "J"), (r"(?<=n)g(?=s?(?![a-z]))", ""), (r"g", "g"),
    ],
    "h": [(r"(?<![a-z])h(?=our|on[eo])", ""), (rf"h(?={_V})", "h"), (r"h", "")],
    "i": [
        (r"(?<=t)io(?=n)", "V"), (r"igh", "Y"), (r"ign(?![a-z])", "Yn"), (r"ind(?![a-z])", "Ynd"), (r"ild(?![a-z])", "Yld"),
        (r"ique", "ik"), (r"ier(?![a-z])", "iR"), (r"ie(?=d(?![a-z])|s(?![a-z]))(?<=[a-z]{2}i.)", "i"), (r"ie(?![a-z])", "Y"), (r"ie", "i"),
        (r"ir(?=[aeiou])", "Yr"), (r"ir", "R"), (r"ia", "iV"), (r"io", "iO"), (r"(?<=[a-z])i[sz]e(?=[sd]?(?![a-z]))", "Yz"), (r"(?<=[a-z]{3})i(?=ve(?![a-z]))", "I"),
        (r"(?<=[a-z]{3})i(?=ne(?![a-z]))", "i"), (rf"i(?={_C}e(?:s|d|r|rs)?(?![a-z]))", "Y"), (rf"i(?={_C}ing(?![a-z]))", "Y"),
        (r"(?<![a-z])i(?![a-z])", "Y"), (r"i(?![a-z])", "i"), (r"i(?=ti|sh|c)", "I"), (r"(?<![a-z])bi", "bY"), (r"i", "I"),
    ],
    "j": [(r"j", "J")],
    "k": [(r"(?<![a-z])kn", "n"), (r"kh", "k"), (r"kk", "k"), (r"k", "k")],
    "l": [(r"ll", "l"), (r"l", "l")],
    "m": [(r"mm", "m"), (r"m", "m")],
    "n": [(r"nn", "n"), (r"ng(?=[aeiourl])(?!nge)", "Ng"), (r"ng", "N"), (r"n(?=[kxq])", "N"), (r"n", "n")],
    "o": [
        (r"ought", "ot"), (r"ough(?![a-z])", "O"), (r"ough", "o"), (r"ould", "Ud"), (r"ous(?![a-z])", "Vs"), (r"our(?![a-z])", "or"), (r"our", "or"),
        (r"(?<=[cn])ou(?=nt)", "W"), (r"ou(?=[stdnc])", "W"), (r"ou(?=p|th)", "u"), (r"ou", "V"), (r"ow(?=n(?![a-z])|[eld])", "W"), (r"(?<=[nhc])ow(?![a-z])", "W"),
        (r"ow(?![a-z])", "O"), (r"ow", "O"), (r"oi", "X"), (r"oy", "X"), (r"oor", "or"), (r"oo(?=[kd])", "U"), (r"oo", "u"), (r"oar", "or"), (r"oa", "O"), (r"oe", "O"),
        (r"(?<=w)or", "R"), (r"or", "or"), (r"old", "Old"), (r"oll(?![a-z])", "Ol"), (r"ost(?![a-z])", "Ost"), (r"o(?=ther|ver(?![a-z])(?<!..o)|n(?:ey|th|ce))", "V"), (r"over", "OvR"),
        (rf"o(?={_C}e[sdr]?(?![a-z]))", "O"), (rf"o(?={_C}ing(?![a-z]))", "O"), (r"(?<=[a-z]{2})on(?=s?(?![a-z]))", "Vn"), (r"(?<=[a-z]{2})o(?=m(?![a-z]))", "V"),
        (r"o(?![a-z])", "O"), (r"o(?=tion|cean)", "O"), (r"(?<![a-z])[o](?=pen)", "O"), (r"o", "o"),
    ],
    "p": [(r"ph", "f"), (r"(?<![a-z])p(?=[ns])", ""), (r"pp", "p"), (r"p", "p")],
    "q": [(r"qu(?![a-z])", "k"), (r"que(?![a-z])", "k"), (r"qu", "kw"), (r"q", "k")],
    "r": [(r"rrh?", "r"), (r"rh", "r"), (r"r", "r")],
    "s": [
        (r"sch(?=m|w|n|l)", "S"), (r"sh", "S"), (r"ssi(?=on)", "S"), (r"(?<=[aeiou])si(?=on)", "Z"), (r"si(?=on)", "S"), (r"(?<=ea)s(?=ure)", "Z"), (r"ss", "s"), (r"(?<=[a-z][aeiouy])s(?=[aeiouy])(?<!ou.)", "z"),
        (r"(?<=[bdgvlmnrwyaioe])s(?![a-z])(?<![iu]s)(?<!as)", "z"), (r"sz", "S"), (r"s", "s"),
    ],
    "t": [
        (r"th(?=e(?:re|se|m|n|y|ir|i|ther)?(?![a-z]))(?<![a-z]th)", "D"), (r"(?<![a-z])th(?=(?:is|at|an|us|ose|ough|e|en|ese|ey|em|eir|ere)(?![a-z]))", "D"), (r"(?<=[aeo])th(?=er)", "D"), (r"th", "T"),
        (r"tch", "C"), (r"ti(?=on|al|ous|en)", "S"), (r"tu(?=re|al|a)", "Cu"), (r"(?<=s)t(?=le|en)", ""), (r"tt", "t"), (r"t", "t"),
    ],
    "u": [
        (r"ure(?![a-z])", "R"), (r"ur(?=[aeiou])", "ur"), (r"ur", "R"), (r"uy", "Y"), (r"ui", "u"), (r"ue(?![a-z])", "u"), (r"(?<![a-z])un", "Vn"), (r"(?<![a-z])u(?=[snt][aeiou])", "yu"),
        (rf"(?<=[bcfhmpv])u(?={_C}[aeiouy])", "yu"), (rf"u(?={_C}[aeiouy])", "u"), (r"(?<=[pf])u(?=ll|sh|t(?![a-z]))", "U"), (r"u(?![a-z])", "u"), (r"u", "V"),
    ],
    "v": [(r"vv", "v"), (r"v", "v")],
    "w": [(r"(?<![a-z])wr", "r"), (r"(?<![a-z])who", "hu"), (r"wh", "w"), (r"wor(?=[kdlms])", "wR"), (r"was(?![a-z])", "wVz"), (rf"w(?={_V})", "w"), (r"w", "")],
    "x": [(r"(?<![a-z])x", "z"), (r"(?<=e)x(?=[aeiou])", "gz"), (r"x", "ks")],
    "y": [(r"(?<![a-z])y(?=[aeiou])", "y"), (rf"(?<![aeiouy])y(?={_C}e(?![a-z]))", "Y"), (r"(?<![a-z].)(?<=[a-z])y(?![a-z])", "Y"), (r"(?<=[fpl])y(?![a-z])(?<=fy|ly|py)(?<=fy)", "Y"), (r"y(?![a-z])", "i"), (r"y(?=[aeou])", "y"), (r"y", "I")],
    "z": [(r"zz", "z"), (r"z", "z")],
}  # fmt: skip
_COMPILED = {letter: [(re.compile(rule), phones) for rule, phones in rules] for letter, rules in _RULES.items()}

_PERSIAN = {
    "ا": "o", "آ": "o", "ب": "b", "پ": "p", "ت": "t", "ث": "s", "ج": "J", "چ": "C", "ح": "h", "خ": "x", "د": "d", "ذ": "z", "ر": "r",
    "ز": "z", "ژ": "Z", "س": "s", "ش": "S", "ص": "s", "ض": "z", "ط": "t", "ظ": "z", "ع": "", "غ": "q", "ف": "f", "ق": "q", "ک": "k",
    "گ": "g", "ل": "l", "م": "m", "ن": "n", "و": "u", "ه": "h", "ی": "i", "ء": "", "ئ": "i",
}  # fmt: skip


def phones_of(key: str, pronunciations: Mapping[str, str] | None = None) -> str:
    """The phones of one normalised word, one character each; the key itself where its script is not known.

    Args:
        key: a `Token.key`; digits are said in English words.
        pronunciations: word -> phones in CMU format ("K AW1 AH"), asked before the rules.
    """
    if pronunciations is not None:
        known = pronunciations.get(key)
        if known is not None:
            return "".join(_ARPABET.get(phone.rstrip("012"), "") for phone in known.split()) or key
    return _phones_by_rule(key)


@lru_cache(maxsize=65536)
def _phones_by_rule(key: str) -> str:
    if key[:1].isdigit():
        return "".join(_phones_by_rule(word) for word in spell_english(key).split()) or key
    script = script_of(key[0]) if key else ""
    if script == LATIN:
        return _english_phones(key) or key
    if script == ARABIC:
        return _persian_phones(key) or key
    return key


def _english_phones(word: str) -> str:
    phones, at = [], 0
    while at < len(word):
        for rule, sound in _COMPILED.get(word[at], ()):
            found = rule.match(word, at)
            if found is not None and found.end() > at:
                phones.append(sound)
                at = found.end()
                break
        else:
            at += 1
    return "".join(phones)


def _persian_phones(word: str) -> str:
    """Letters to phones; «و» and «ی» are consonants before a vowel or at the beginning, a final «ه» is ``e``."""
    phones = []
    for at, letter in enumerate(word):
        sound = _PERSIAN.get(letter, "")
        following = word[at + 1] if at + 1 < len(word) else ""
        if letter == "و" and (at == 0 or following in "اآی" and following):
            sound = "v"
        elif letter == "ی" and (at == 0 or following in "اآو" and following):
            sound = "y"
        elif letter == "ه" and not following and len(word) > 2:
            sound = "e"
        elif letter == "ا" and at == 0 and following in "یو" and following:
            sound = ""
        phones.append(sound)
    return "".join(phones)


def coarse(phones: str) -> str:
    """Phones with those easily taken for each other made equal: voiced and voiceless, vowels of one region."""
    return phones.translate(_COARSE)


def phone_similarity(left: str, right: str) -> float:
    """How alike two strings of phones sound, in [0, 1].

    The mean of two normalised edit similarities, over the phones and over their classes: a change inside a
    class (b for p, one front vowel for another) costs half of a change across classes. Two passes of C++
    instead of one alignment with a table of weights in Python, for the same order of costs.
    """
    from rapidfuzz.distance import Levenshtein

    fine = Levenshtein.normalized_similarity(left, right)
    return (fine + Levenshtein.normalized_similarity(coarse(left), coarse(right))) / 2

"""How an English word that no dictionary holds is probably said: letter-to-sound rules.

Good enough to place a name in time, not to speak it. Each rule reads the longest piece of spelling at the
current letter and gives phones of the CMU set, as the dictionary of pocketsphinx writes them. Vowels of an
open syllable before a silent e are long. Capitals without a vowel, and single letters, are spelled out.
"""

from __future__ import annotations

import re

__all__ = ["phones_of"]

LETTERS = {
    letter: phones.split()
    for letter, phones in (
        pair.split(":")
        for pair in (
            "a:EY,b:B IY,c:S IY,d:D IY,e:IY,f:EH F,g:JH IY,h:EY CH,i:AY,j:JH EY,k:K EY,l:EH L,m:EH M,n:EH N,"
            "o:OW,p:P IY,q:K Y UW,r:AA R,s:EH S,t:T IY,u:Y UW,v:V IY,w:D AH B AH L Y UW,x:EH K S,y:W AY,z:Z IY"
        ).split(",")
    )
}

RULES: tuple[tuple[str, str], ...] = (
    # Endings
    (r"tion\b", "SH AH N"),
    (r"tions\b", "SH AH N Z"),
    (r"sion\b", "ZH AH N"),
    (r"cious\b|tious\b", "SH AH S"),
    (r"ous\b", "AH S"),
    (r"tial\b|cial\b", "SH AH L"),
    (r"ture\b", "CH ER"),
    (r"sure\b", "ZH ER"),
    (r"(?<=[td])ed\b", "AH D"),
    (r"(?<=[kpfsx])ed\b|(?<=sh)ed\b|(?<=ch)ed\b", "T"),
    (r"(?<=[aeiouy][a-z])ed\b|(?<=[bglmnrvwz])ed\b", "D"),
    (r"le\b", "AH L"),
    (r"les\b", "AH L Z"),
    (r"ing\b", "IH NG"),
    (r"ings\b", "IH NG Z"),
    (r"'s\b", "Z"),
    (r"'ll\b", "AH L"),
    (r"'ve\b", "V"),
    (r"'re\b", "ER"),
    (r"'d\b", "D"),
    (r"n't\b", "AH N T"),
    (r"(?<=[bcdfghklmnprstvz])y\b", "IY"),
    (r"ies\b", "IY Z"),
    (r"(?<=[a-z]{2})e\b", ""),
    (r"(?<=[sxz])es\b|(?<=[cs]h)es\b", "AH Z"),
    (r"(?<=[a-z]{2})es\b", "Z"),
    (r"(?<=[bdglmnrvwaeiouy])s\b", "Z"),
    # Several letters, one sound
    (r"tch", "CH"),
    (r"sch", "SH"),
    (r"dge", "JH"),
    (r"igh", "AY"),
    (r"eigh", "EY"),
    (r"augh|ough", "AO"),
    (r"gh(?=[aeiou])", "G"),
    (r"gh", ""),
    (r"\bkn", "N"),
    (r"\bgn", "N"),
    (r"\bwr", "R"),
    (r"\bps", "S"),
    (r"\bx", "Z"),
    (r"mb\b", "M"),
    (r"ck", "K"),
    (r"ch", "CH"),
    (r"sh", "SH"),
    (r"th", "TH"),
    (r"ph", "F"),
    (r"wh", "W"),
    (r"qu", "K W"),
    (r"ng(?=[aeiou])", "NG G"),
    (r"ng", "NG"),
    (r"n(?=[kx])", "NG"),
    (r"sc(?=[eiy])", "S"),
    (r"cc(?=[eiy])", "K S"),
    (r"gg", "G"),
    (r"([bdflmnprstvz])\1", "="),
    # Vowels that go together
    (r"eau", "OW"),
    (r"air|are\b|ear\b", "EH R"),
    (r"eer|ier\b|ere\b", "IH R"),
    (r"oor|ore\b|oar|our", "AO R"),
    (r"ia", "IY AH"),
    (r"ee|ea|ie", "IY"),
    (r"ai|ay|ei|ey(?=[a-z])", "EY"),
    (r"ey\b", "IY"),
    (r"oo", "UW"),
    (r"oa|oe\b", "OW"),
    (r"ou", "AW"),
    (r"ow\b", "OW"),
    (r"ow", "AW"),
    (r"oi|oy", "OY"),
    (r"au|aw", "AO"),
    (r"ew|ue|eu|ui", "UW"),
    (r"ar", "AA R"),
    (r"or", "AO R"),
    (r"er|ir|ur|yr", "ER"),
    # Single vowels: long before one consonant and a final e
    (r"a(?=[bcdfgklmnpstvz]e(s|d)?\b)", "EY"),
    (r"e(?=[bcdfgklmnpstvz]e(s|d)?\b)", "IY"),
    (r"i(?=[bcdfgklmnprstvz]e(s|d)?\b)", "AY"),
    (r"o(?=[bcdfgklmnpstvz]e(s|d)?\b)", "OW"),
    (r"u(?=[bcdfgklmnprstvz]e(s|d)?\b)", "UW"),
    (r"a\b", "AH"),
    (r"e\b", "IY"),
    (r"i\b", "IY"),
    (r"o\b", "OW"),
    (r"u\b", "UW"),
    (r"y(?=[aeiou])", "Y"),
    (r"a", "AE"),
    (r"e", "EH"),
    (r"i", "IH"),
    (r"o", "AA"),
    (r"u", "AH"),
    (r"y", "IH"),
    # Consonants
    (r"c(?=[eiy])", "S"),
    (r"c|k|q", "K"),
    (r"g(?=[eiy])", "JH"),
    (r"g", "G"),
    (r"x", "K S"),
    (r"j", "JH"),
    (r"h(?=[aeiouy])", "HH"),
    (r"h", ""),
    (r"b", "B"),
    (r"d", "D"),
    (r"f", "F"),
    (r"l", "L"),
    (r"m", "M"),
    (r"n", "N"),
    (r"p", "P"),
    (r"r", "R"),
    (r"s", "S"),
    (r"t", "T"),
    (r"v", "V"),
    (r"w", "W"),
    (r"z", "Z"),
)
_COMPILED = tuple((re.compile(pattern), phones.split()) for pattern, phones in RULES)


def phones_of(word: str) -> list[str]:
    """The phones of one word of letters and apostrophes; none where there is no letter to say.

    >>> phones_of("shan")
    ['SH', 'AE', 'N']
    """
    lower = word.lower()
    if len(lower) == 1 or not re.search(r"[aeiouy]", lower):
        return [phone for letter in lower if letter in LETTERS for phone in LETTERS[letter]]
    phones: list[str] = []
    at = 0
    while at < len(lower):
        for pattern, said in _COMPILED:
            match = pattern.match(lower, at)
            if match and match.end() > at:
                # A doubled consonant is said once: its first letter is skipped, the second follows.
                phones += [] if said == ["="] else said
                at = at + 1 if said == ["="] else match.end()
                break
        else:
            at += 1
    return phones

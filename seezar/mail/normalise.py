"""One spelling for what looks alike: `clean` for text that codes are cut from, `fold` for comparing words.

`fold` maps every character to exactly one, so that offsets in the folded text are offsets in the clean one.
"""

import re
import unicodedata

# Typographic variants that NFKC keeps apart.
_VARIANTS = {
    **dict.fromkeys(map(ord, "’‘‛ʼʹ´`＇"), "'"),
    **dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣－"), "-"),
    **dict.fromkeys(map(ord, "“”„‟«»"), '"'),
    ord("։"): ":",
    # Full-width marks carry their space with them; without it "703319，10" would read as a decimal.
    ord("，"): ", ",
    ord("、"): ", ",
    ord("："): ": ",
    ord("；"): "; ",
    ord("！"): "! ",
    ord("？"): "? ",
}
# Arabic letters that are typed for one another, and vowel marks that are left out at will.
_ARABIC = str.maketrans("أإآٱىئؤةکیې", "ااااييوهكيي")
_LETTERS = {
    "ß": "s",
    "đ": "d",
    "ð": "d",
    "ø": "o",
    "ł": "l",
    "ı": "i",
    "æ": "a",
    "œ": "o",
    "þ": "t",
    "ħ": "h",
    "ё": "е",
}
_SPACE = re.compile(r"[^\S\n]+")


class _CleanTable(dict[int, str | None]):
    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        category = unicodedata.category(char)
        out: str | None = char
        if category == "Nd":
            out = str(unicodedata.decimal(char))
        elif (
            category == "Cf"
            or (0x064B <= code <= 0x0652)
            or code == 0x0640
            or 0xFE00 <= code <= 0xFE0F
            or code == 0x034F
        ):
            # Zero-width, bidi and soft-hyphen characters, Arabic vowel marks and stretching, variation selectors.
            out = None
        elif category in ("Zs", "Cc", "Zp", "Zl") and char != "\n":
            out = " "
        elif category == "Cs":
            out = None
        self[code] = out
        return out


class _FoldTable(dict[int, str]):
    def __missing__(self, code: int) -> str:
        char = chr(code).lower()[:1]
        char = _LETTERS.get(char, char).translate(_ARABIC)
        parts = unicodedata.normalize("NFD", char)
        # Only accents are taken off: in Indic, Thai and Hangul the parts are letters.
        if len(parts) > 1 and all(0x0300 <= ord(part) <= 0x036F for part in parts[1:]):
            char = parts[0]
        self[code] = char
        return char


_CLEAN = _CleanTable()
_FOLD = _FoldTable()


def clean(text: str) -> str:
    """NFKC, ASCII digits, no invisible characters, one kind of space, hyphen and apostrophe; line ends are kept."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_VARIANTS)
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).translate(_CLEAN))


def fold(text: str) -> str:
    """Lower case without accents, as long as the text given."""
    return text.translate(_FOLD)


def word_set(words: str) -> frozenset[str]:
    """The words of a text, parted by spaces: a readable way to write a long set."""
    return frozenset(words.split())

"""What a mail is about other than signing in, told without the words of a language: a time, a meeting, a choice."""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from seezar.mail.candidates import AMOUNT
from seezar.mail.normalise import fold, word_set
from seezar.mail.urls import token_value

# Names of months as dates have them, folded: in the languages that inflect them with the endings of a date. A beginning
# is not enough ("3 members", "4 Marketing"), nor are the short forms that are words of their own ("set", "out").
_MONTHS = word_set(
    "jan feb mar apr may jun jul aug sep sept oct nov dec okt dez maj mai mei dic ene abr fev juin juil avr ago "
    "january february march april june july august september october november december "
    "januar februar marz mars juli juni oktober dezember desember januari februari augusti augustus mart maart "
    "janvier fevrier avril juillet aout septembre octobre novembre decembre "
    "enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre "
    "gener febrer marc maig juny juliol agost setembre octubre desembre "
    "janeiro fevereiro marco maio junho julho setembro outubro novembro dezembro "
    "gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre "
    "ianuarie februarie martie aprilie iunie iulie septembrie octombrie noiembrie decembrie "
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia wrzesnia pazdziernika listopada grudnia "
    "ledna unora brezna dubna kvetna cervna cervence srpna zari rijna listopadu prosince "
    "januara februara aprila juna jula augusta septembra oktobra novembra decembra "
    "januarja februarja junija julija avgusta avgust sijecnja veljace ozujka travnja svibnja lipnja srpnja kolovoza "
    "rujna studenoga studenog prosinca ocak subat nisan mayis haziran temmuz agustos eylul ekim kasim aralik "
    "maret agustus ogos disember janeiro "
    "sausio vasario kovo balandzio geguzes birzelio liepos rugpjucio rugsejo spalio lapkricio gruodzio "
    "janvari februari marta aprili maija junija julija augusta septembri oktobri novembri decembri "
    "jaanuar veebruar marts aprill juuni juuli detsember januarie februarie junie julie desember "
    "janar shkurt prill qershor korrik gusht shtator tetor nentor dhjetor januarri "
    "urtarrilaren otsailaren martxoaren apirilaren maiatzaren ekainaren uztailaren abuztuaren irailaren urriaren "
    "azaroaren abenduaren yanvar fevral aprel iyun iyul sentyabr noyabr dekabr "
    "янв фев мар апр мая мая июн июл авг сен сент окт ноя дек января февраля марта апреля июня июля августа сентября "
    "октября ноября декабря січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня "
    "студзеня лютага сакавіка красавіка чэрвеня ліпеня жніўня верасня кастрычніка лістапада снежня "
    "януари февруари март април май юни юли август септември октомври ноември декември "
    "jануар фебруар jун jул септембар октобар новембар децембар "
    "ιανουαριου φεβρουαριου μαρτιου απριλιου μαιου ιουνιου ιουλιου αυγουστου σεπτεμβριου οκτωβριου νοεμβριου "
    "δεκεμβριου ιαν φεβ μαρ απρ μαι ιουν ιουλ αυγ σεπ οκτ νοε δεκ "
    "يناير فبراير مارس ابريل مايو يونيو يوليو اغسطس سبتمبر اكتوبر نوفمبر ديسمبر "
    "בינואר בפברואר במרץ באפריל במאי ביוני ביולי באוגוסט בספטמבר באוקטובר בנובמבר בדצמבר"
)
_MONTHS_FOLDED = frozenset(fold(month) for month in _MONTHS)
# Words of other languages before a number; of a date these stand behind it.
_ONLY_BEHIND = word_set("marca ago mai marco")
# Languages that glue the case to the name of a month, or join it from words.
_MONTH_STEM = re.compile(
    r"(?:tammi|helmi|maalis|huhti|touko|kesa|heina|elo|syys|loka|marras|joulu)kuu"
    r"|(?:januar|februar|marcius|aprilis|majus|junius|julius|augusztus|szeptember|oktober|november|december)(?:i|ig|a|e|ra|re|an|en|on)?$"
    r"|(?:jaanuar|veebruar|marts|aprill|juuni|juuli|august|septemb|oktoob|novemb|detsemb)(?:e?r)?i(?:l|st|ni)?$"
    r"|(?:ocak|subat|mart|nisan|mayis|haziran|temmuz|agustos|eylul|ekim|kasim|aralik)(?:'?[td][ae])$"
)
_DAY_AND_MONTH = re.compile(r"(?<![\d.:/-])[0-3]?\d(?:\.|er|[ºª])?\s(?:de\s|d'|na\s)?([^\W\d_]{3,})")
_MONTH_AND_DAY = re.compile(r"(?<!\w)([^\W\d_]{3,})\.?\s[0-3]?\d(?![\d:%]|[.,]\d)")
_DATE = re.compile(
    r"(?<![\d./-])[0-3]?\d\.\s?[01]?\d\.|(?<![\d./-])(?!24/7(?!\d))(?:[0-3]?\d/[01]?\d|[01]?\d/[0-3]?\d)(?![\d/])"
    r"|[01]?\d\s?[月월]\s?[0-3]?\d\s?[日일]|\b20\d\d-[01]\d-[0-3]\d\b|(?<![\d/])[0-3]?\d/[0-3]?\d/20\d\d\b"
)
_CLOCK = (
    r"(?<![\d:.])(?:[01]?\d|2[0-3])(?:[:.][0-5]\d(?![\d:]|\.\d|\s?(?:UTC|GMT))|\s?[hH](?:[0-5]\d)?\b|\s?[ap]\.?m\b|\s?Uhr\b|\s?(?:時|时|點|点|시)(?![間间간]))"
    r"|\bkl\.?\s?[0-2]?\d\b"
)
_EVENT_CLOCK = re.compile(_CLOCK, re.IGNORECASE)
# Nine to eleven digits in groups, as conference systems write the number of a room; that of a phone begins with a plus
# or a zero.
_MEETING = re.compile(r"(?<![\d+(/-])(?<!\d )(?<!\d-)[1-9]\d{2}[ -]\d{3,4}[ -]\d{3,4}(?![\d-]| \d)")
# Words of a URL that answer with no: URLs are written in English, answers in any language. The short ones are also
# names of languages and values of switches; they answer only where the URL beside has another word in their place.
_DECLINES = word_set("decline declined reject deny refuse abort cancel undo revert rollback disagree")
_NO = _DECLINES | word_set(
    "no n nein non nee nej nei nie ne nem nao não hayir nu ochi la lo не нет ні maybe dismiss 0 false"
)


def dated(text: str) -> bool:
    """Whether a day is named."""
    return _DATE.search(text) is not None or _names_month(fold(text))


def _names_month(folded: str) -> bool:
    if not any(char.isdigit() for char in folded):
        return False
    near = [found[1] for found in _DAY_AND_MONTH.finditer(folded)]
    near += [found[1] for found in _MONTH_AND_DAY.finditer(folded) if found[1] not in _ONLY_BEHIND]
    return any(word in _MONTHS_FOLDED or _MONTH_STEM.match(word) for word in near)


@lru_cache(maxsize=1024)
def timed(text: str) -> bool:
    """Whether a day and a time of it are named."""
    return dated(text) and _EVENT_CLOCK.search(text) is not None


@lru_cache(maxsize=1024)
def priced(text: str) -> bool:
    """Whether an amount of money is named."""
    return AMOUNT.search(text) is not None


@lru_cache(maxsize=1024)
def numbered(text: str) -> bool:
    """Whether the number of a meeting stands in a text."""
    return _MEETING.search(text) is not None


class Choices:
    """The links of a mail that are offered side by side, told by the form of their URLs: `/e/…/yes` and `/e/…/no`."""

    def __init__(self, urls: Iterable[str]) -> None:
        self._forms = {url: form for url in urls if (form := _form(url)) is not None}
        self._by_length: dict[tuple[str, int], list[str]] = {}
        for url, form in self._forms.items():
            self._by_length.setdefault((form[0], len(form)), []).append(url)

    def others(self, url: str) -> list[str]:
        """URLs that differ from `url` in their token and in one word more at most."""
        form = self._forms.get(url)
        if form is None:
            return []
        near = self._by_length[form[0], len(form)][:20]
        return [
            other
            for other in near
            if other != url and sum(a != b for a, b in zip(form, self._forms[other], strict=True)) <= 1
        ]

    def declines(self, url: str) -> bool:
        """Whether a word of the URL's form answers with no, by itself or beside a URL that answers otherwise."""
        form = self._forms.get(url, ())
        if not _DECLINES.isdisjoint(form[1:]):
            return True
        if _NO.isdisjoint(form[1:]):
            return False
        return any(
            mine in _NO and its not in _NO
            for other in self.others(url)
            for mine, its in zip(form[1:], self._forms[other][1:], strict=True)
            if mine != its
        )


def _form(url: str) -> tuple[str, ...] | None:
    """Host, segments and parameters of a URL with `*` for what is a token; None when none is."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    pieces = [piece for piece in re.split(r"[/?&;]", f"{parts.path}?{parts.query}&{parts.fragment}") if piece][:30]
    words = [_masked(piece) for piece in pieces]
    form = (parts.netloc.lower(), *(word for pair in words for word in pair))
    return form if "*" in form else None


def _masked(piece: str) -> tuple[str, ...]:
    key, equals, value = piece.partition("=")
    if not equals:
        return ("*" if token_value(key) >= 1.0 else key.lower(),)
    return key.lower(), "*" if token_value(value) >= 1.0 else value.lower()

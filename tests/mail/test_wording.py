"""The lexicon: complete for every language, and quick to search."""

import tomllib
from importlib import resources

import pytest

from seezar.mail.normalise import clean, fold
from seezar.mail.wording import CUES, Cue, Wording

TABLES = {
    file.name.removesuffix(".toml"): tomllib.loads(file.read_text(encoding="utf-8"))
    for file in resources.files("seezar.mail.wording").iterdir()
    if file.name.endswith(".toml")
}


def test_enough_languages_with_every_kind_of_word() -> None:
    assert len(TABLES) >= 60
    needed = {"code", "otp", "auth", "invite", "use", "caution", "ignore", "other", "refuse", "elsewhere", "notme"}
    for language, table in TABLES.items():
        assert needed <= set(table) or language == "any", language
        assert set(table) <= {name.lower() for name in CUES}, language


def _said(text: str) -> list[tuple[str, int]]:
    text = clean(text)
    return [(text[cue.start : cue.end], cue.cues) for cue in Wording([text]).cues(text)]


@pytest.mark.parametrize(
    ("text", "word", "cue"),
    [
        ("Ihr Anmeldebestätigungscode lautet", "Anmeldebestätigungscode", Cue.OTP),
        ("Ihr Gutscheincode lautet", "Gutscheincode", Cue.TRADE),
        ("Kirjaudu kertakäyttökoodilla nyt", "kertakäyttökoodilla", Cue.OTP),
        ("doğrulama kodunuz", "doğrulama kodunuz", Cue.OTP),
        ("DOGRULAMA KODUNUZ", "DOGRULAMA KODUNUZ", Cue.OTP),
        ("您的验证码是", "验证码", Cue.OTP),
        ("رمزُ التَّحقّق", "رمز التحقق", Cue.OTP),
        ("If this wasn’t you", "wasn't you", Cue.REFUSE | Cue.NOTME),
        ("Please decode your encoded codes with this tool", "", 0),
    ],
)
def test_words_are_found_inflected_compounded_and_accented(text: str, word: str, cue: int) -> None:
    found = dict(_said(text))
    if not word:
        assert not any(said & (Cue.CODE | Cue.OTP) for said in found.values())
    else:
        assert word in found
        assert found[word] & cue


def test_words_of_another_language_do_not_count() -> None:
    # "let" is a flight in Czech, "vol" a flight in French, "star" old in Croatian.
    said = _said(
        "Please let us verify your account. Enter the verification code to sign in with your star account, vol 2."
    )
    assert not any(word in ("let", "vol", "star") for word, _ in said)


def test_fold_keeps_the_length() -> None:
    for text in ("Straße ÄÖÜ", "İstanbul ıİ", "ﬁ ½ №", "한국어 힣", "क़ ड़", "ΐ ΰ ς", "Ǆ ŉ"):
        assert len(fold(clean(text))) == len(clean(text))


def test_clean_removes_what_cannot_be_seen() -> None:
    assert clean("4\u200b8\u00ad2\ufeff9\u202e1\u20603") == "482913"
    assert clean("٤٨٢٩١٣ ４８２９１３ ४८२९१३") == "482913 482913 482913"
    assert clean("a\u00a0\u2003b\u2013c\u2019d") == "a b-c'd"

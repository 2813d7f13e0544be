"""Words and the learned model, without a browser."""

import json
import tomllib
from importlib.resources import files

import pytest

from seezar.signin.model import model, parse
from seezar.signin.words import concepts_of, concepts_of_identifier, fold, words_of_identifier


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("Log in", "login"),
        ("Anmelden", "login"),
        ("Se connecter", "login"),
        ("Iniciar sesión", "login"),
        ("Accedi", "login"),
        ("Entrar", "login"),
        ("Inloggen", "login"),
        ("Zaloguj się", "login"),
        ("Войти", "login"),
        ("Giriş yap", "login"),
        ("ログイン", "login"),
        ("登录", "login"),
        ("로그인", "login"),
        ("تسجيل الدخول", "login"),
        ("लॉग इन करें", "login"),
        ("Passwort vergessen?", "forgot"),
        ("Créer un compte", "signup"),
        ("新規会員登録", "signup"),
        ("Şifre tekrar", "confirm_password"),
        ("認証コード", "code"),
        ("Код подтверждения", "code"),
        ("Kod doğrulama - tek kullanımlık", "code"),
        ("Überprüfen Sie Ihr Postfach", "link_sent"),
        ("Abmelden", "logout"),
    ],
)
def test_meaning_in_any_language(text: str, concept: str) -> None:
    assert concept in concepts_of(text)


@pytest.mark.parametrize(
    ("text", "concept"),
    [("Signing bonus", "login"), ("Blogging in style", "login"), ("Expanding", "code"), ("Joint venture", "signup")],
)
def test_words_end_where_they_end(text: str, concept: str) -> None:
    assert concept not in concepts_of(text)


def test_share_tells_what_a_control_is_for() -> None:
    assert concepts_of("Next")["next"] == 1.0
    assert concepts_of("What comes next for our product")["next"] < 0.3


@pytest.mark.parametrize(
    ("name", "concept"),
    [
        ("frmLogin", "login"),
        ("user[password_confirmation]", "confirm_password"),
        ("newPassword", "new_password"),
        ("txtUserName", "username"),
        ("ctl00$otpCode", "code"),
    ],
)
def test_meaning_of_identifiers(name: str, concept: str) -> None:
    assert concept in concepts_of_identifier(name)


def test_folding() -> None:
    assert fold("Créer ŁÓDŹ Straße") == "creer lodz strasse"
    assert words_of_identifier("userPassword_2") == "user Password 2"


def test_every_concept_speaks_twelve_languages_where_sign_ins_need_it() -> None:
    raw = tomllib.loads(files("seezar.signin").joinpath("data/words.toml").read_text(encoding="utf-8"))
    for concept in (
        "login",
        "signup",
        "forgot",
        "reset",
        "change",
        "password",
        "code",
        "next",
        "resend",
        "logout",
        "link_sent",
    ):
        assert len(raw[concept]) >= 12, concept


def test_probabilities_add_up_and_unknown_features_count_nothing() -> None:
    found = model().probabilities({"passwords=1": 1.0, "no such feature": 1.0})
    assert sum(found.values()) == pytest.approx(1.0)
    assert found == model().probabilities({"passwords=1": 1.0})


def test_a_model_is_read_from_json() -> None:
    small = parse(json.loads('{"classes": ["a", "b"], "bias": [0, 0], "weights": {"x": [1.0, -1.0]}}'))
    assert small.probabilities({"x": 1.0})["a"] == pytest.approx(0.8808, abs=1e-4)
    assert small.reasons({"x": 1.0}, "a", 3) == ["x"]


def test_the_model_stays_small() -> None:
    assert len(files("seezar.signin").joinpath("data/model.json").read_bytes()) < 300_000

"""Connection URLs: what is accepted, how databases and options go in, and that no password is shown."""

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from seezar.database.urls import check_url, database_of, for_sqlalchemy, with_database, with_options, without_password
from seezar.errors import SettingsInvalid

SOCKET = "postgresql://postgres@/seezar?host=/tmp/with%20space/pg"


@pytest.mark.parametrize(
    "bad",
    ["", "seezar", "mysql://u@h/seezar", "postgresql://u@h", "postgresql://u@h/", "postgresql://u:geheim@[::1/seezar"],
)
def test_what_names_no_database_is_refused(bad: str) -> None:
    with pytest.raises(SettingsInvalid, match="SEEZAR_DATABASE_URL") as refused:
        check_url(bad)
    assert "geheim" not in str(refused.value)


def test_the_short_scheme_is_taken() -> None:
    assert check_url("postgres://u@h:1/seezar") == "postgresql://u@h:1/seezar"


@pytest.mark.parametrize("name", ["dbos", "w_1_dbos", "a name", "a/b", "ä"])
def test_another_database_of_the_same_server(name: str) -> None:
    url = with_database(SOCKET, name)
    assert database_of(url) == name
    assert conninfo_to_dict(url)["dbname"] == name
    assert conninfo_to_dict(url)["host"] == "/tmp/with space/pg"


def test_options_are_added_and_replaced() -> None:
    url = with_options(with_options(SOCKET, application_name="a b+c"), connect_timeout="5")
    assert conninfo_to_dict(url) == conninfo_to_dict(SOCKET) | {"application_name": "a b+c", "connect_timeout": "5"}
    assert conninfo_to_dict(with_options(url, application_name="d"))["application_name"] == "d"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:geheim@host:5432/seezar",
        "postgresql://user:ge%68eim@host/seezar",
        "postgresql://:geheim@host/seezar",
        "postgresql://host/seezar?user=u&password=geheim",
        "postgresql://user@host/seezar?host=/tmp/x&sslpassword=geheim",
    ],
)
def test_no_password_is_shown(url: str) -> None:
    shown = without_password(url)
    assert "eheim" not in shown
    assert "***" in shown
    assert "host" in shown


def test_a_url_without_password_is_shown_as_it_is() -> None:
    assert without_password(SOCKET) == SOCKET


def test_sqlalchemy_gets_psycopg_and_the_schema(postgres: str) -> None:
    url = for_sqlalchemy(postgres, schema="adk", application_name="seezar-client-test")
    scheme, _, rest = url.partition("://")
    assert scheme == "postgresql+psycopg"
    with psycopg.connect(f"postgresql://{rest}") as connection:
        assert connection.execute("SHOW search_path").fetchone() == ("adk",)
        assert connection.execute("SHOW application_name").fetchone() == ("seezar-client-test",)

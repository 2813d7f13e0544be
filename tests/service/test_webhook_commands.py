"""`seezar webhook` in a real home."""

from tests.service.conftest import Home


def test_a_webhook_is_added_pinged_and_forgotten(home: Home) -> None:
    made = home.seezar("webhook", "add", "https://203.0.114.7/hook", "--event", "run.finished", "--json").json
    webhook = str(made["id"])
    assert str(made["secret"]).startswith("whsec_")
    listed = home.seezar("webhook", "list")
    assert webhook in listed.out
    assert str(made["secret"]) not in listed.out + home.seezar("webhook", "show", webhook, "--json").out
    assert home.seezar("webhook", "disable", webhook, "--json").json["enabled"] is False
    refused = home.seezar("webhook", "ping", webhook)
    assert (refused.code, "disabled" in refused.err) == (1, True)
    assert home.seezar("webhook", "enable", webhook).code == 0
    # No worker runs here that would send it.
    ping = home.seezar("webhook", "ping", webhook, "--json").json
    assert (ping["event"], ping["status"]) == ("ping", "waiting")
    assert str(ping["id"]) in home.seezar("webhook", "deliveries", webhook).out
    assert home.seezar("webhook", "retry", webhook, str(ping["id"])).code == 0
    assert home.seezar("webhook", "rotate-secret", webhook, "--json").json["secret"] != made["secret"]
    assert home.seezar("webhook", "remove", webhook).code == 0
    gone = home.seezar("webhook", "show", webhook, "--json")
    assert (gone.code, gone.json["status"]) == (1, "unknown_webhook")


def test_an_address_inside_is_refused(home: Home) -> None:
    refused = home.seezar("webhook", "add", "https://169.254.169.254/hook")
    assert refused.code == 1
    assert home.seezar("webhook", "list", "--json").json == {"webhooks": []}

"""A field with its meaning: what its words, its name and its declaration say that it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from seezar.signin.scan import Field
from seezar.signin.words import concepts_of, concepts_of_identifier

# Types that take the name of an account, or a code.
TEXTUAL: Final = frozenset({"text", "email", "tel", "number", "url", "search", "editable"})
_AUTOCOMPLETE_MODIFIERS: Final = frozenset(
    {"webauthn", "on", "off", "home", "work", "mobile", "shipping", "billing", "fax", "pager"}
)
_PERSONAL_TOKENS: Final = frozenset(
    [
        "name",
        "given-name",
        "family-name",
        "additional-name",
        "honorific-prefix",
        "honorific-suffix",
        "nickname",
        "organization",
        "organization-title",
        "street-address",
        "address-line1",
        "address-line2",
        "address-line3",
        "address-level1",
        "address-level2",
        "country",
        "country-name",
        "postal-code",
        "bday",
        "bday-day",
        "bday-month",
        "bday-year",
        "sex",
    ]
)


def merged(*sources: Mapping[str, float]) -> dict[str, float]:
    """Concepts of several texts, each with its largest share."""
    out: dict[str, float] = {}
    for source in sources:
        for concept, share in source.items():
            if out.get(concept, 0.0) < share:
                out[concept] = share
    return out


@dataclass(eq=False)
class FieldView:
    """A field with its meaning."""

    raw: Field

    @cached_property
    def token(self) -> str:
        """The autocomplete token that names the field, without modifiers; empty when there is none."""
        tokens = [t for t in self.raw.ac.split() if t not in _AUTOCOMPLETE_MODIFIERS and not t.startswith("section-")]
        return tokens[-1] if tokens else ""

    @cached_property
    def said(self) -> dict[str, float]:
        """Concepts of the words that belong to the field: label, ARIA name, placeholder, tooltip."""
        raw = self.raw
        return merged(*(concepts_of(t) for t in (raw.label, raw.aria, raw.placeholder, raw.title) if t))

    @cached_property
    def near(self) -> Mapping[str, float]:
        """Concepts of the text just before a field, or just after a box to tick."""
        return concepts_of(self.raw.after if self.raw.type in ("checkbox", "radio") else self.raw.before)

    @cached_property
    def named(self) -> dict[str, float]:
        """Concepts of what the author called the field."""
        raw = self.raw
        return merged(*(concepts_of_identifier(t) for t in (raw.name, raw.id, raw.data) if t))

    @cached_property
    def all(self) -> dict[str, float]:
        """Concepts from every source. The text nearby counts only where the field has no words of its own."""
        return merged(self.said, self.named, {} if self.said else self.near)

    def means(self, concept: str) -> bool:
        return concept in self.all

    @cached_property
    def usable(self) -> bool:
        """Whether a person could use it now. Transparent fields count when they are declared as a code box: some
        widgets
        draw the boxes and lay one transparent input over them.
        """
        raw = self.raw
        if raw.disabled and raw.type != "password":
            return False
        return not raw.why or (
            raw.why == "opacity" and (self.token == "one-time-code" or raw.mode == "numeric") and raw.box[2] > 60
        )

    @cached_property
    def is_password(self) -> bool:
        """Takes a password: typed so, masked by style, or declared so while shown in clear."""
        raw = self.raw
        if raw.type == "password" or raw.masked:
            return True
        return raw.type == "text" and (
            self.token in ("current-password", "new-password")
            or (
                "password" in self.named
                and "password" in self.said
                and "username" not in self.said
                and "email" not in self.said
            )
        )

    @cached_property
    def is_text(self) -> bool:
        return self.raw.type in TEXTUAL and not self.is_password

    @cached_property
    def is_search(self) -> bool:
        raw = self.raw
        if not self.is_text or self.names_account:
            return False
        return raw.type == "search" or "search" in self.all or raw.name.lower() in ("q", "s", "query")

    @cached_property
    def names_account(self) -> bool:
        """Says that it wants the name of an account, an e-mail address or a phone number."""
        if self.token in ("username", "email", "tel", "tel-national"):
            return True
        return self.raw.type == "email" or bool({"username", "email", "phone"} & self.all.keys())

    @cached_property
    def is_captcha(self) -> bool:
        return "captcha" in self.all and not self.is_password

    @cached_property
    def is_personal(self) -> bool:
        """Asks who somebody is or where they live: part of a registration or an order, hardly ever of a login."""
        if self.token in _PERSONAL_TOKENS:
            return True
        if self.raw.type in ("checkbox", "file"):
            return False
        found = self.all
        rivals = max(
            found.get("username", 0.0), found.get("email", 0.0), found.get("login", 0.0), found.get("phone", 0.0)
        )
        return found.get("personal", 0.0) > rivals or self.raw.type in ("date", "month", "datetime-local")

    @cached_property
    def code_score(self) -> float:
        """How much it looks like the box of a one-time code, 0-1."""
        raw = self.raw
        if raw.type not in ("text", "tel", "number", "password", "editable"):
            return 0.0
        if self.token == "one-time-code":
            return 1.0
        if self.token and self.token != "one-time-code":
            return 0.0
        found = self.all
        if found.keys() & {"captcha", "search", "payment", "backup_code", "newsletter"} or self.is_personal:
            return 0.0
        numeric = (
            raw.mode == "numeric" or raw.type in ("tel", "number") or "\\d" in raw.pattern or "[0-9]" in raw.pattern
        )
        short = 4 <= raw.max <= 10
        if "code" in found and not ("password" in found and found["password"] >= found["code"]):
            return 0.9 if raw.type != "password" or numeric or short else 0.7
        if "plain_code" in found and "password" not in found and "phone" not in found:
            return 0.75 if numeric or short else 0.55
        near = self.near
        if "code" in near and not found.keys() & {"password", "username", "email", "phone"}:
            return 0.7 if numeric or short else 0.5
        return 0.3 if numeric and short and not found else 0.0

    @cached_property
    def username_score(self) -> float:
        """How much it looks like the place for an account's name, 0-1."""
        raw = self.raw
        if not self.is_text or self.is_captcha or self.is_search or raw.type == "url":
            return 0.0
        if self.token == "username":
            return 1.0
        if self.token == "one-time-code" or self.token.startswith("cc-"):
            return 0.0
        found = self.all
        score = 0.35
        if raw.type == "email" or self.token == "email":
            score = 0.85
        elif "username" in found or "email" in found or "login" in found:
            score = 0.8
        elif "phone" in found or self.token.startswith("tel"):
            score = 0.65
        if self.is_personal or "payment" in found:
            score -= 0.3
        if raw.tabindex == "-1" and raw.ac in ("off", "nope", "false"):
            score -= 0.5  # a person never gets there with the keyboard: bait for robots
        if self.code_score >= 0.7:
            score -= 0.5
        if "confirm_password" in found and "password" not in found:
            score -= 0.3
        return max(0.02, score)

    @cached_property
    def is_remember(self) -> bool:
        return (
            self.raw.type == "checkbox"
            and bool({"remember", "trust_device"} & (self.all.keys() | self.near.keys()))
            and not ("terms" in self.all or "newsletter" in self.all)
        )

    @cached_property
    def wants_new_password(self) -> bool:
        return self.token == "new-password" or bool({"new_password", "confirm_password"} & self.all.keys())

    @cached_property
    def says_new_password(self) -> bool:
        """Whether its words ask to make up or to repeat a password. Stronger than `wants_new_password`: many a login
        field is
        declared `new-password` only to keep browsers from filling it.
        """
        return (
            bool({"new_password", "confirm_password"} & (self.said.keys() or self.near.keys()))
            or "confirm_password" in self.named
        )

    @cached_property
    def wants_old_password(self) -> bool:
        return "change" in self.all

"""From a model's answer to a reading: it may only point at elements, and what it points at must be what it says."""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final, Literal
from urllib.parse import urljoin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seezar.accounts.recipes import Part, Recipe
from seezar.errors import InvalidInput, OriginNotAllowed
from seezar.signin.classify import signature_of
from seezar.signin.features import form_features, heading_of
from seezar.signin.fields import TEXTUAL, FieldView
from seezar.signin.forms import ButtonView, FormView, forms_of
from seezar.signin.model import model
from seezar.signin.policy import SURE, checked_field
from seezar.signin.reading import NEVER_FILLED, Kind, Reading
from seezar.signin.snapshot import Element, PageSnapshot
from seezar.signin.words import concepts_of, concepts_of_identifier
from seezar.vault.origins import origin_of

# More evidence than this for a registration, a change or a reset, and the form is not filled whatever a model says.
BAIT: Final = 0.25
_CODE_BOXES: Final = 8
_LONGEST: Final = 4_000
# What a button that sends a sign-in, or leads to one, does not say, unless it says "sign in" as well.
_ELSEWHERE: Final = frozenset(
    {"signup", "forgot", "reset", "change", "logout", "sso", "passkey", "newsletter", "terms", "payment", "search"}
)


class AnswerInvalid(Exception):
    """The answer does not fit the question; the text says how, for the second try. No text of the page is in it."""


class ChoiceRefused(Exception):
    """The answer fits, and the policy does not let it pass; the text says why."""


class Answer(BaseModel):
    """What a model may say: what the page asks for, and which of the given references plays which part."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Literal["login", "username", "password", "otp", "open", "signup", "change", "reset", "none"]
    username: str | None = None
    password: str | None = None
    submit: str | None = None
    otp: list[str] = Field(default_factory=list, max_length=_CODE_BOXES)
    opener: str | None = None


def parse_answer(text: str) -> Answer:
    """The answer in a model's reply; prose or a code fence around the object is passed over.

    Raises:
        AnswerInvalid: there is no object of that shape.
    """
    begin, end = text.find("{"), text.rfind("}")
    if begin < 0 or end < begin or end - begin > _LONGEST:
        raise AnswerInvalid("it was not one JSON object")
    try:
        return Answer.model_validate(json.loads(text[begin : end + 1]))
    except json.JSONDecodeError:
        raise AnswerInvalid("it was not valid JSON") from None
    except ValidationError as error:
        where = ", ".join(sorted({str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}))
        raise AnswerInvalid(f"these keys do not fit the schema: {where}"[:200]) from None


def answer_of(recipe: Recipe) -> Answer:
    """The answer that a recipe stands for: its parts, in the order of its roles, are the references e1, e2, ..."""
    refs: dict[str, list[str]] = {}
    for role, parts in recipe.roles.items():
        for _ in parts:
            refs.setdefault(role, []).append(f"e{sum(map(len, refs.values())) + 1}")
    single = {role: refs[role][0] for role in ("username", "password", "submit", "opener") if role in refs}
    kind = "open" if "opener" in refs else recipe.kind
    return Answer.model_validate({**single, "kind": kind, "otp": refs.get("otp", [])})


async def read_answer(answer: Answer, page: PageSnapshot, reading: Reading, origins: Sequence[str]) -> Reading | None:
    """The reading that an answer stands for, as sure as the policy asks; None when the answer finds nothing to do.

    Args:
        reading: the detector's own, for what the model was not asked.
        origins: of the account.

    Raises:
        AnswerInvalid: a reference that was not given, or of an element that cannot play that part.
        ChoiceRefused: the form is no sign-in, or stands where nothing may be typed.
        playwright.async_api.Error: the page is gone.
    """
    if answer.kind in NEVER_FILLED or answer.kind == "none":
        return None
    if answer.kind == "open":
        return _with_opener(_button(answer.opener, "opener", page), page, reading, origins)
    fields = _fields(answer, page)
    first = next(iter(fields.values()))
    submit = _submit(answer, page, first)
    form, forms = _form_of(fields.values(), submit, page)
    _refuse_bait(form, forms)
    for field in fields.values():
        try:
            await checked_field(field.locator, tuple(origins), submit=submit.locator if submit else None)
        except OriginNotAllowed:
            raise ChoiceRefused("the form belongs, or sends, to an origin that is not registered") from None
    named = {name: field.locator for name, field in fields.items()}
    kind: Kind = answer.kind
    # What belongs to the detector's form is of use only where the model means the same form.
    own = reading.signature == signature_of(form)
    return replace(
        reading,
        kind=kind,
        confidence=SURE,
        username=named.get("username"),
        password=named.get("password"),
        submit=submit.locator if submit else None,
        remember=reading.remember if own else None,
        device=reading.device if own else None,
        otp=[field.locator for name, field in fields.items() if name.startswith("otp")],
        evidence=[f"chosen by a model among {len(page.elements)} elements; the policy has nothing against it"],
        origin=origin_of(first.frame.url),
        unfinished=False,
        advised=True,
        seen=reading,
        parts=_parts(fields, submit),
    )


def _fields(answer: Answer, page: PageSnapshot) -> dict[str, Element]:
    """The fields that the answer names, by part, each of the right sort."""
    parts = {"login": ("username", "password"), "username": ("username",), "password": ("password",), "otp": ()}
    fields: dict[str, Element] = {}
    for part in parts[answer.kind]:
        element = _element(answer.username if part == "username" else answer.password, part, page)
        view = element.view
        fits = isinstance(view, FieldView) and (
            view.raw.type == "password" or view.raw.masked
            if part == "password"
            else view.is_text and not view.raw.masked and not view.is_search and not view.is_captcha
        )
        if not fits:
            raise AnswerInvalid(f"the element for {part} is not a field of that sort")
        fields[part] = element
    if answer.kind == "otp":
        if not answer.otp or len(set(answer.otp)) != len(answer.otp):
            raise AnswerInvalid("otp names no field, or one twice")
        for number, ref in enumerate(answer.otp):
            element = _element(ref, "otp", page)
            view = element.view
            if not isinstance(view, FieldView) or view.raw.type not in TEXTUAL | {"password"} or view.is_captcha:
                raise AnswerInvalid("an element for otp is not a field for a code")
            fields[f"otp{number}"] = element
    return fields


def _parts(fields: dict[str, Element], submit: Element | None) -> dict[str, tuple[Part, ...]]:
    """Where the elements are, by role, for the recipe."""
    parts: dict[str, tuple[Part, ...]] = {}
    for name, field in fields.items():
        role = "otp" if name.startswith("otp") else name
        parts[role] = (*parts.get(role, ()), field.part)
    return parts | ({"submit": (submit.part,)} if submit else {})


def _element(ref: str | None, part: str, page: PageSnapshot) -> Element:
    if ref is None or ref not in page.elements:
        raise AnswerInvalid(f"{part} is not one of the references that were given")
    return page.elements[ref]


def _button(ref: str | None, part: str, page: PageSnapshot) -> Element:
    element = _element(ref, part, page)
    if not isinstance(element.view, ButtonView) or element.view.raw.disabled:
        raise AnswerInvalid(f"the element for {part} cannot be pressed")
    return element


def _submit(answer: Answer, page: PageSnapshot, field: Element) -> Element | None:
    if answer.submit is None:
        return None
    element = _button(answer.submit, "submit", page)
    view = element.view
    assert isinstance(view, ButtonView)
    if element.frame is not field.frame or view.leads_away:
        raise AnswerInvalid("the element for submit does not send the form of the fields")
    if _says_elsewhere(view):
        raise ChoiceRefused("the button would do something else than sign in")
    return element


def _says_elsewhere(view: ButtonView) -> bool:
    return bool(view.said.keys() & _ELSEWHERE) and "login" not in view.said


def _with_opener(element: Element, page: PageSnapshot, reading: Reading, origins: Sequence[str]) -> Reading:
    view = element.view
    assert isinstance(view, ButtonView)
    if _says_elsewhere(view):
        raise ChoiceRefused("what would be pressed leads to something else than a sign-in")
    if view.submits and any(f.group == view.raw.group >= 0 for f in page.looks[element.look].fields):
        raise ChoiceRefused("what would be pressed sends a form")
    if view.leads_away and not _stays(urljoin(element.frame.url, view.raw.href), origins):
        raise ChoiceRefused("what would be pressed leads to an origin that is not registered")
    return replace(
        reading,
        kind="other",
        confidence=SURE,
        username=None,
        password=None,
        submit=None,
        remember=None,
        device=None,
        otp=[],
        evidence=[f"a way to the form, chosen by a model among {len(page.elements)} elements"],
        opener=element.locator,
        weak_opener=False,
        unfinished=False,
        advised=True,
        seen=reading,
        parts={"opener": (element.part,)},
    )


def _stays(url: str, origins: Sequence[str]) -> bool:
    try:
        return origin_of(url) in origins
    except InvalidInput:
        return False


def _form_of(
    fields: Collection[Element], submit: Element | None, page: PageSnapshot
) -> tuple[FormView, list[FormView]]:
    """The one form of all the fields and of the button, and the forms beside it."""
    first = next(iter(fields))
    groups = {(field.look, field.view.raw.group) for field in fields}
    if submit is not None and submit.view.raw.group >= 0:
        groups.add((submit.look, submit.view.raw.group))
    if len(groups) > 1:
        raise AnswerInvalid("the elements belong to different forms")
    forms = forms_of(page.looks[first.look])
    for form in forms:
        if all(any(member.raw is field.view.raw for member in form.fields) for field in fields):
            return form, forms
    raise ChoiceRefused("the field belongs to no form that can be judged")


def _refuse_bait(form: FormView, forms: list[FormView]) -> None:
    """The detector's own doubts stand above the model: no registration, change or reset is filled."""
    masked = [f for f in form.fields if f in form.passwords or f.raw.type == "password" or f.raw.masked]
    if len(form.passwords) > 1 or any(f.wants_new_password or f.wants_old_password for f in masked):
        raise ChoiceRefused("the form asks for a new password")
    chances = model().probabilities(form_features(form, forms))
    if sum(chances[kind] for kind in NEVER_FILLED) > BAIT:
        raise ChoiceRefused("the form may be a registration, a change or a reset")
    headed = concepts_of(heading_of(form)).keys() | concepts_of(form.scan.title).keys()
    headed |= concepts_of_identifier(form.raw.action).keys()
    if headed & {"signup", "reset", "change", "forgot", "newsletter"} and "login" not in headed:
        raise ChoiceRefused("the page is headed as something else than a sign-in")

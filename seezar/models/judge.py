"""`offline/judge`: a stand-in that grades by comparing words and numbers. It knows no meaning, and says what it is.

It reads the prompts of ADK 2.13's LLM-as-judge metrics, and answers in the forms that they parse:
final_response_match_v2, rubric_based_final_response_quality_v1, rubric_based_tool_use_quality_v1 and hallucinations_v1
(google/adk/evaluation). The same prompt always gets the same answer.
"""

import json
import re
from collections.abc import Callable

_WHO = "offline/judge, a stand-in that compares words and numbers"
_REFUSAL = (
    f"This is {_WHO}: it grades the answers of ADK's metrics final_response_match_v2, "
    "rubric_based_final_response_quality_v1, rubric_based_tool_use_quality_v1 and hallucinations_v1, and nothing else. "
    "A model of the group judge needs a provider key."
)
# Of the words that matter, so many must be there.
_ENOUGH = 0.6

_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:[, ]\d{3})*(?:\.\d+)?")
_WORD = re.compile(r"[^\W\d_][\w']*(?:_\w+)*")
_QUOTED = re.compile(r"[\"“`]([^\"”`\n]+)[\"”`]|(?<!\w)'([^'\n]+)'(?!\w)")
# Words that say nothing about what a text is about; those of rubrics are among them.
_EMPTY = frozenset(
    """a about agent all also an and answer answers any are as ask asks asked at be been but by call called calls
    contain contains correctly did do does each final for from function gives given had has have how if in include
    includes input into is it its list lists mention mentions more must name names of on one only or output parameter
    part properly report reports response say says should shows so some state states tell tells than that the their
    them then there these they this to tool tools use used user uses was were what when which who will with would
    you your""".split()  # noqa: SIM905 - words, not code
)
_NEGATION = re.compile(r"\b(?:not|never|no|without|none|nothing|neither|cannot)\b|n't\b", re.IGNORECASE)
_FAILURE = re.compile(r"\b(?:cannot|can't|could not|couldn't|unable|failed|did not|didn't|impossible)\b", re.IGNORECASE)

_MATCH = re.compile(
    r"\"User prompt\": (?P<asked>.*?),\n {2}\"Agent response\": (?P<response>.*),\n {2}\"Reference response\": "
    r"(?P<reference>.*),\n\}\n\nThe answer should be a json alone",
    re.DOTALL,
)
_SEGMENT = "please segment the response into sentences"
_VALIDATE = "please analyze the following context and sentences"
_PROPERTY = re.compile(r"^\* {2}\[id: (?P<id>[^\]]*)\] ", re.MULTILINE)


def judged(prompt: str) -> str:
    """The answer to a prompt of one of the metrics; a sentence that refuses any other."""
    ways: tuple[Callable[[str], str | None], ...] = (_match, _rubrics, _validated, _segmented)
    return next((answer for way in ways if (answer := way(prompt)) is not None), _REFUSAL)


def _match(prompt: str) -> str | None:
    """final_response_match_v2: the reference's numbers and most of its words stand in the response."""
    found = _MATCH.search(prompt)
    if found is None:
        return None
    missing = _missing(found["reference"], found["response"])
    if missing is None and _FAILURE.search(found["response"]) and not _FAILURE.search(found["reference"]):
        missing = "the response tells of a failure, and the reference does not"
    if missing is None and _NEGATION.search(found["reference"]) and not _NEGATION.search(found["response"]):
        missing = "the reference denies something, and the response does not"
    verdict = {
        "reasoning": f"{_WHO}: {missing or 'the response has what the reference has'}.",
        "is_the_agent_response_valid": "invalid" if missing else "valid",
    }
    return json.dumps(verdict, ensure_ascii=False)


def _rubrics(prompt: str) -> str | None:
    """The rubric-based metrics: each property is met if what it names stands in the answer, or in the tool calls."""
    properties = _last(prompt, "<properties>", "</properties>")
    text = _last(prompt, "<final_answer>", "</final_answer>") or _last(prompt, "<response>", "</response>")
    if properties is None or text is None:
        return None
    starts = list(_PROPERTY.finditer(properties))
    ends = [found.start() for found in starts[1:]] + [len(properties)]
    verdicts = [
        (found["id"], " ".join(properties[found.end() : end].split())) for found, end in zip(starts, ends, strict=True)
    ]
    return "\n\n".join(_verdict(name, said, text) for name, said in verdicts) if verdicts else None


def _verdict(name: str, said: str, text: str) -> str:
    denied = _NEGATION.search(said)
    if denied is None:
        missing = _missing(said, text)
        why, met = missing or "what the property names is there", missing is None
    else:
        # What must not be there is what comes behind the word that denies it.
        there = _missing(said[denied.end() :], text) is None
        why, met = ("what it rules out is there", False) if there else ("what it rules out is not there", True)
    return (
        f"ID: {name}\nProperty: {said}\nEvidence: words and numbers of the answer.\n"
        f"Rationale: {_WHO}: {why}.\nVerdict: {'yes' if met else 'no'}"
    )


def _segmented(prompt: str) -> str | None:
    """hallucinations_v1, first step: the sentences of a response. A table is one of them."""
    if _SEGMENT not in prompt:
        return None
    response = _last(prompt, "**Response Begin**", "**Response End**") or ""
    return "\n".join(f"<sentence>{sentence}</sentence>" for sentence in _sentences(response))


def _sentences(text: str) -> list[str]:
    found: list[str] = []
    table: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.lstrip().startswith("|"):
            table.append(line)
            continue
        if table:
            found.append("\n".join(table))
            table = []
        found += [part for part in re.split(r"(?<=[.!?])\s+(?=\S)", line.strip()) if re.search(r"\w", part)]
    # A number that begins a list is no sentence.
    return [
        f"{before} {sentence}" if re.fullmatch(r"\d+\.", before) else sentence
        for before, sentence in zip(["", *found], found, strict=False)
        if not re.fullmatch(r"\d+\.", sentence)
    ]


def _validated(prompt: str) -> str | None:
    """hallucinations_v1, second step: whether the context has what each sentence says."""
    if _VALIDATE not in prompt:
        return None
    context = _last(prompt, "**Context Begin**", "**Context End**") or ""
    sentences = _last(prompt, "**Sentences Begin**", "**Sentences End**") or ""
    return "\n\n".join(
        _label(sentence, context) for sentence in re.findall(r"<sentence>(.*?)</sentence>", sentences, re.DOTALL)
    )


def _label(sentence: str, context: str) -> str:
    excerpt = "null"
    if sentence.rstrip().endswith("?") or not (_numbers(sentence) or _words(sentence)):
        label, why = "not_applicable", "it claims nothing"
    elif (missing := _missing(sentence, context)) is None:
        label, why = "supported", "its words and numbers stand in the context"
        excerpt = _nearest(sentence, context)
    else:
        label, why = "unsupported", missing
    return (
        f"sentence: {sentence}\nlabel: {label}\nrationale: {_WHO}: {why}.\n"
        f"supporting_excerpt: {excerpt}\ncontradicting_excerpt: null"
    )


def _nearest(sentence: str, context: str) -> str:
    """The line of the context that has most of the sentence's words and numbers."""
    wanted = _words(sentence) | _numbers(sentence)
    lines = [line.strip() for line in context.splitlines() if line.strip()]
    return max(lines, key=lambda line: len(wanted & (_words(line) | _numbers(line))), default="null")[:400]


def _missing(wanted: str, text: str) -> str | None:
    """What of `wanted` does not stand in `text`, in words; None when enough of it does."""
    if absent := sorted(_numbers(wanted) - _numbers(text)):
        return (
            f"the numbers {', '.join(absent)} are missing" if len(absent) > 1 else f"the number {absent[0]} is missing"
        )
    plain = " ".join(text.lower().split())
    for quoted in (first or second for first, second in _QUOTED.findall(wanted)):
        if " ".join(quoted.lower().split()) not in plain:
            return f"“{quoted}” is missing"
    words = _words(wanted)
    absent = sorted(words - _words(text))
    if not words or len(absent) <= len(words) * (1 - _ENOUGH):
        return None
    return f"{len(absent)} of {len(words)} words are missing, such as {', '.join(absent[:3])}"


def _numbers(text: str) -> set[str]:
    """The numbers of a text, in one form: 1,000,000 is 1000000, and 3.50 is 3.5."""
    found = (re.sub(r"[, +]", "", number) for number in _NUMBER.findall(text))
    return {number.rstrip("0").rstrip(".") if "." in number else number for number in found}


def _words(text: str) -> set[str]:
    """The words of a text that say what it is about, without endings of plurals."""
    found = (word.lower() for word in _WORD.findall(text))
    return {word[:-1] if len(word) > 3 and word.endswith("s") else word for word in found if word not in _EMPTY}


def _last(text: str, begin: str, end: str) -> str | None:
    """What stands between the last pair of marks."""
    stop = text.rfind(end)
    start = text.rfind(begin, 0, max(stop, 0))
    return None if start < 0 or stop < 0 else text[start + len(begin) : stop].strip()

"""The visible text of an HTML body: hidden parts dropped, blocks and cells as lines, links with their place."""

import re
from dataclasses import dataclass
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode

from seezar.mail.document import MAX_LINE, MAX_LINES, Document, Line, Link, add_bare_links
from seezar.mail.normalise import clean, word_set

MAX_NODES = 20_000
# The parser takes quadratic time on elements that are opened and never closed; real mails nest some fifty deep.
MAX_DEPTH = 400
# Of a style attribute, in characters; what is kept of them for the next mail must stay small.
_MAX_STYLE = 1000

_BLOCKS = word_set(
    "address article aside blockquote body button caption center dd details dialog div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hr legend li main nav ol p pre section summary table tbody td "
    "tfoot th thead tr ul"
)
_SKIPPED = word_set("head style script title template select option svg math object iframe video audio canvas map")
_STRONG = word_set("b strong h1 h2 h3 code kbd samp tt pre mark")
_VOID = word_set("area base br col embed hr img input link meta param source track wbr")
# Elements that close their like, so that many of them unclosed are not deep.
_SIBLINGS = word_set("p li dt dd option tr td th tbody thead tfoot html body head")

# No further than the next "<": a tag that is never closed must not be searched for its end again and again.
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)(?:[^<>]*(/)>)?")
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)"
    r"|max-height\s*:\s*0(?:px)?\s*(?:!|;|$)|opacity\s*:\s*0(?:\.0+)?\s*(?:!|;|$)|text-indent\s*:\s*-\d{3,}|left\s*:\s*-\d{4,}px",
    re.IGNORECASE,
)
_FONT_SIZE = re.compile(r"(?<![\w-])font-size\s*:\s*([\d.]+|\w)", re.IGNORECASE)
_LARGE = re.compile(
    r"font-weight\s*:\s*(?:bold|[6-9]00)|font-size\s*:\s*(?:2[0-9]|[3-9]\d|\d{3})(?:\.\d+)?px|font-size\s*:\s*(?:1[5-9]|[2-9]\d)pt"
    r"|font-size\s*:\s*(?:1\.[3-9]|[2-9])\d*r?em|font-size\s*:\s*(?:x-|xx-)?large|letter-spacing\s*:\s*(?:0?\.[1-9]|[1-9])|monospace",
    re.IGNORECASE,
)
_QUOTE_CLASS = re.compile(
    r"\b(?:gmail_quote|gmail_attr|yahoo_quoted|moz-cite-prefix|protonmail_quote|tutanota_quote)\b"
)
_QUOTE_ID = frozenset({"divRplyFwdMsg", "appendonsend", "mail-editor-reference-message-container"})
_CSS_CLASS = re.compile(r"(?:^|,)\s*\w*\.([\w-]+)\s*(?=,|$)")


@dataclass(slots=True)
class _State:
    strong: bool
    quoted: bool
    link: int | None
    tiny: bool = False
    """Inside a font size of nothing: layouts set it around cells and undo it inside them, preheaders do not undo it."""


class _Builder:
    """Collects lines while the tree is walked."""

    def __init__(self) -> None:
        self.lines: list[Line] = [Line("")]
        self.links: list[Link] = []
        self._texts: dict[int, list[str]] = {}

    def text(self, text: str, state: _State) -> None:
        piece = clean(text).replace("\n", " ")
        line = self.lines[-1]
        if not line.text or line.text.endswith(" "):
            piece = piece.lstrip(" ")
        piece = re.sub(r" {2,}", " ", piece)
        if state.link is not None:
            self._texts.setdefault(state.link, []).append(piece)
        piece = piece[: max(0, MAX_LINE - len(line.text))]
        if not piece:
            return
        start = len(line.text)
        line.text += piece
        line.quoted = line.quoted or state.quoted
        if state.strong and piece.strip():
            if line.strong and not line.text[line.strong[-1][1] : start].strip():
                line.strong[-1] = (line.strong[-1][0], len(line.text))
            else:
                line.strong.append((start, len(line.text)))

    def newline(self) -> None:
        if self.lines[-1].text.strip():
            self.lines.append(Line(""))
        else:
            self.lines[-1] = Line("")

    def open_link(self, href: str) -> int:
        self.links.append(Link(href, "", len(self.lines) - 1, len(self.lines[-1].text), bare=False))
        return len(self.links) - 1

    def document(self) -> Document:
        for index, link in enumerate(self.links):
            link.text = " ".join("".join(self._texts.get(index, ())).split())
        for line in self.lines:
            line.text = line.text.rstrip()
        if not self.lines[-1].text:
            # A link may begin where no text follows any more.
            self.lines[-1] = Line("")
        return Document(self.lines[:MAX_LINES], [link for link in self.links if link.line < MAX_LINES])


def from_html(html: str) -> Document:
    """The document of an HTML body. Linear in its size."""
    if too_deep(html):
        # Only a hostile mail gets here; its text is read without structure, its links are not.
        plain = re.sub(r"<[^<>]*>", " ", html)
        return Document([Line(clean(plain).replace("\n", " ").strip()[:MAX_LINE])], [])
    tree = LexborHTMLParser(html)
    builder = _Builder()
    if tree.body is not None:
        _walk(tree.body, _hidden_classes(tree), builder)
    document = builder.document()
    add_bare_links(document)
    return document


def too_deep(html: str) -> bool:
    """Whether elements are opened inside one another more than `MAX_DEPTH` deep, counted without building a tree."""
    depth = 0
    for match in _TAG.finditer(html):
        name = match[2].lower()
        if name in _VOID or name in _SIBLINGS or match[3]:
            continue
        depth = max(0, depth - 1) if match[1] else depth + 1
        if depth > MAX_DEPTH:
            return True
    return False


def _hidden_classes(tree: LexborHTMLParser) -> frozenset[str]:
    """Classes that a style sheet of the mail hides outside of media queries."""
    hidden: set[str] = set()
    for style in tree.css("style")[:8]:
        css = (style.text() or "")[:50_000]
        if "none" not in css:
            continue
        for rule in _without_media(css).split("}"):
            start, _, body = rule.rpartition("{")
            if _HIDDEN.search(body):
                hidden.update(_CSS_CLASS.findall(start.rpartition("{")[2].strip()))
    return frozenset(hidden)


def _without_media(css: str) -> str:
    out: list[str] = []
    position = 0
    while (start := css.find("@media", position)) >= 0:
        out.append(css[position:start])
        depth, position = 0, css.find("{", start)
        if position < 0:
            return "".join(out)
        while position < len(css):
            depth += {"{": 1, "}": -1}.get(css[position], 0)
            position += 1
            if depth == 0:
                break
    out.append(css[position:])
    return "".join(out)


def _walk(root: LexborNode, hidden: frozenset[str], builder: _Builder) -> None:
    states = [_State(strong=False, quoted=False, link=None)]
    node = root.child
    budget = MAX_NODES
    while node is not None and budget:
        budget -= 1
        entered = _enter(node, states[-1], hidden, builder)
        if entered is not None and node.child is not None:
            states.append(entered)
            node = node.child
            continue
        _leave(node, builder)
        while node.next is None:
            parent = node.parent
            if parent is None or parent.mem_id == root.mem_id:
                return
            states.pop()
            _leave(parent, builder)
            node = parent
        node = node.next


def _enter(node: LexborNode, state: _State, hidden: frozenset[str], builder: _Builder) -> _State | None:
    """Take in a node; returns the state for its children, or None when they are not to be read."""
    tag = node.tag or ""
    if tag == "-text":
        if not state.tiny:
            builder.text(node.text_content or "", state)
        return None
    if tag == "br":
        builder.newline()
        return None
    if tag in _SKIPPED or not tag[:1].isalpha():
        return None
    attributes = node.attributes
    look = _look((attributes.get("style") or "")[:_MAX_STYLE])
    classes = attributes.get("class") or ""
    if "hidden" in attributes or look.hidden or (hidden and not hidden.isdisjoint(classes.split())):
        return None
    if tag in _BLOCKS:
        builder.newline()
    if tag == "img":
        builder.text(f" {attributes.get('alt') or ''} ", state)
        return None
    strong = state.strong or tag in _STRONG or look.strong
    link = state.link
    if tag in ("a", "area") and attributes.get("href"):
        link = builder.open_link(re.sub(r"[\t\r\n]", "", attributes["href"] or "").strip())
    return _State(
        strong,
        state.quoted or _is_quote(tag, attributes, classes),
        link,
        state.tiny if look.tiny is None else look.tiny,
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """What a style attribute does: hides, makes stand out, makes too small to see (None: leaves the size alone)."""

    hidden: bool
    strong: bool
    tiny: bool | None


@lru_cache(maxsize=2048)
def _look(style: str) -> _Look:
    if not style:
        return _Look(hidden=False, strong=False, tiny=None)
    size = _FONT_SIZE.search(style)
    tiny: bool | None = None
    if size is not None:
        try:
            tiny = float(size[1]) <= 1 and "em" not in style[size.end() : size.end() + 4]
        except ValueError:
            tiny = False
    return _Look(hidden=_HIDDEN.search(style) is not None, strong=_LARGE.search(style) is not None, tiny=tiny)


def _is_quote(tag: str, attributes: dict[str, str | None], classes: str) -> bool:
    if tag == "blockquote" and (attributes.get("type") or "").lower() == "cite":
        return True
    return bool(classes and _QUOTE_CLASS.search(classes)) or attributes.get("id") in _QUOTE_ID


def _leave(node: LexborNode, builder: _Builder) -> None:
    if node.tag in _BLOCKS:
        builder.newline()

"""What looks like a secret, though nobody has told that it is one."""

import re

# Shapes of secrets that need not be known: a header that authorizes, a token of three parts (RFC 7519), the key of a
# TOTP generator in its address, the password in an address (RFC 3986), a value that is called by the name of a secret.
# What is masked by value already stands in «», and says which secret it was.
_NAMES = (
    r"pass(?:word|wd|phrase)?|secret|api[_-]?key|access[_-]?token|refresh[_-]?token|set-cookie|cookie|authorization"
)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/_=.~-]{8,}"), r"\1 «masked»"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), "«masked»"),
    # Secrets of clients and refresh tokens of our own HTTP API.
    (re.compile(r"\bszr?_[A-Za-z0-9_-]{32,}"), "«masked»"),
    (re.compile(r"(?i)\b(otpauth://[^\s\"'<>]*?secret=)[A-Z2-7]+"), r"\1«masked»"),
    (re.compile(r"(://[^/\s:@]*:)(?!«)[^/\s@]+(?=@)"), r"\1«masked»"),
    (
        re.compile(rf"(?i)(?<!«)(\b[\w-]{{0,40}}(?:{_NAMES})\\*[\"']?\s*[:=]\s*\\*[\"']?)(?!«)[^\s\"'&,;}}\\]{{4,}}"),
        r"\1«masked»",
    ),
    # In a sentence only what is no ordinary word: "the password is accepted".
    (
        re.compile(r"(?i)\b(pass(?:word|wd|phrase)? is [\"'`]?)(?=[^\s,.;]*[^a-z\s,.;])(?!«)[^\s\"'`,;]{4,}"),
        r"\1«masked»",
    ),
)


def masked(text: str) -> str:
    """`text` without what looks like a secret."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text

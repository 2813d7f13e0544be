"""Whether a text says certain words, however they are spaced and marked."""

import re

# What writers and models exchange for one another without another meaning.
_SAME = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "–": "-", "—": "-"})
_MOST_CHARACTERS = 1_000


def words_in(text: str, quote: str) -> str | None:
    """The words of `quote` as `text` has them, in one line; None when it does not have them."""
    wanted = quote.strip().strip("\"“”„«»'").translate(_SAME)[:_MOST_CHARACTERS].split()
    if not any(any(map(str.isalnum, word)) for word in wanted):
        return None
    # One character each, so that what is found is where it is found.
    pattern = r"\s+".join(re.escape(word) for word in wanted)
    # A part of a word or of a number is another one.
    whole = rf"(?<!\w)(?<!\d[.,]){pattern}(?!\w|[.,]\d)"
    match = re.search(whole, text.translate(_SAME), re.IGNORECASE)
    return " ".join(text[match.start() : match.end()].split()) if match else None

"""What was read and kept: chunking, embeddings that need no network, collections, hybrid search."""

from seezar.knowledge.store import (
    CollectionUnknown,
    Document,
    DocumentUnknown,
    Knowledge,
    NewDocument,
    Passage,
    SavedDocument,
)

__all__ = [
    "CollectionUnknown",
    "Document",
    "DocumentUnknown",
    "Knowledge",
    "NewDocument",
    "Passage",
    "SavedDocument",
]

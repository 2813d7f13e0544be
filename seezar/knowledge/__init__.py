"""What was read and kept: chunking, embeddings that need no network, hybrid search."""

from seezar.knowledge.store import Document, DocumentUnknown, Knowledge, Passage, SavedDocument

__all__ = ["Document", "DocumentUnknown", "Knowledge", "Passage", "SavedDocument"]

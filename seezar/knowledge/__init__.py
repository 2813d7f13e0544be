"""What was read and kept: chunking, embeddings that need no network, hybrid search."""

from seezar.knowledge.store import Knowledge, Passage, SavedDocument

__all__ = ["Knowledge", "Passage", "SavedDocument"]

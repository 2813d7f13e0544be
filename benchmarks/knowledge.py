"""Finding passages: how fast and how well, at 1,000 to 100,000 passages, exactly and by the index; how fast
files are kept; and how well questions about a handbook are answered, by meaning, by words and by both.

The passages are sentences put together from the handbook's, embedded by WordLlama, so that neighbours are as near to
each other as those of real texts are. Recall is against looking at all of them.
"""

import asyncio
import random
import resource
import statistics
import time
from collections.abc import Sequence
from typing import Any

import psutil

from benchmarks.handbook import handbook
from benchmarks.report import Report, parser
from benchmarks.world import make_database
from seezar.knowledge import Knowledge, NewDocument
from seezar.knowledge.collections import Collections
from seezar.knowledge.embedding import WORDLLAMA, WordLlamaEmbedder
from seezar.knowledge.searching import EF_SEARCH, Collection, Method, Only, meaning_of, ranked
from workflows.client import Client

_SIZES = (1_000, 10_000, 15_000, 100_000)
_QUERIES = 200
_TOP = 10
_METHODS: tuple[Method, ...] = ("meaning", "words", "hybrid")
_BATCH = 2_000


async def main() -> None:
    """Run the benchmark; see `--help`."""
    options = parser(__doc__ or "")
    options.add_argument("--sizes", type=int, nargs="+", default=list(_SIZES), help="passages of the collections")
    arguments = options.parse_args()
    report = Report("knowledge")
    async with make_database() as client:
        await _quality(report, client)
        await _speed_of_keeping(report, client)
        for size in arguments.sizes:
            await _at(report, client, size)
    report.figures["memory_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    report.write(arguments.json)


async def _quality(report: Report, client: Client) -> None:
    """Hit@5 and MRR of each method on the labelled questions."""
    documents, questions = handbook()
    app = client.application
    await app.collections.make("handbook", WORDLLAMA, WordLlamaEmbedder())
    for document in documents:
        new = NewDocument(document["title"], document["text"], document["id"], "file")
        await app.knowledge.add(new, collection="handbook")
    figures: dict[str, Any] = {"questions": len(questions), "documents": len(documents)}
    for method in _METHODS:
        ranks = [await _rank(app.knowledge, wanted, text, method) for wanted, text in questions]
        hits = sum(rank is not None and rank <= 5 for rank in ranks) / len(ranks)
        mrr = statistics.fmean(1 / rank if rank else 0.0 for rank in ranks)
        figures[method] = {"hit@5": round(hits, 3), "mrr": round(mrr, 3)}
    report.figures["answers"] = figures


async def _rank(knowledge: Knowledge, wanted: str, text: str, method: Method) -> int | None:
    found = await knowledge.search(text, limit=20, collection="handbook", method=method)
    urls = list(dict.fromkeys(passage.url for passage in found))
    return urls.index(wanted) + 1 if wanted in urls else None


async def _speed_of_keeping(report: Report, client: Client) -> None:
    """Megabytes of text a second that are cut, embedded and stored."""
    documents, _ = handbook()
    app = client.application
    await app.collections.make("keeping", WORDLLAMA, WordLlamaEmbedder())
    texts = ["\n".join(_sentences(documents, random.Random(n), 2_000)) for n in range(10)]
    began = time.perf_counter()
    for number, text in enumerate(texts):
        await app.knowledge.add(NewDocument(f"Part {number}", text, f"part-{number}", "file"), collection="keeping")
    took = time.perf_counter() - began
    report.figures["kept_mb_per_s"] = round(sum(len(text.encode()) for text in texts) / 1e6 / took, 2)


async def _at(report: Report, client: Client, size: int) -> None:
    app = client.application
    name = f"c{size}"
    embedder = WordLlamaEmbedder()
    await app.collections.make(name, WORDLLAMA, embedder)
    documents, questions = handbook()
    dice = random.Random(size)
    for start in range(0, size, _BATCH):
        lines = [" ".join(_sentences(documents, dice, 3)) for _ in range(min(_BATCH, size - start))]
        # One passage a section, as a real page with headings is cut.
        text = "\n".join(f"# Section {start + number}\n{line}" for number, line in enumerate(lines))
        await app.knowledge.add(NewDocument("Notes", text, f"notes-{start}", "file"), collection=name)
    queries = [text for _, text in questions][:_QUERIES]
    vectors = await embedder.embed([meaning_of(query, WORDLLAMA) for query in queries])
    exact, figures = await _measured(app, name, queries, vectors, "exact")
    began = time.perf_counter()
    await app.collections.index(name)
    built = time.perf_counter() - began
    near, indexed = await _measured(app, name, queries, vectors, "indexed")
    recalls = [len(set(one) & set(other)) / max(1, len(one)) for one, other in zip(exact, near, strict=True)]
    figures |= indexed | {"index_s": round(built, 1), "recall@10": round(statistics.fmean(recalls), 4)}
    server = sum(
        p.info["memory_info"].rss for p in psutil.process_iter(["name", "memory_info"]) if p.info["name"] == "postgres"
    )
    report.figures[f"{size:,} passages"] = figures | {"ef_search": EF_SEARCH, "postgres_rss_mb": server // 2**20}
    await app.collections.remove(name)


async def _measured(
    app: Any, name: str, queries: Sequence[str], vectors: Sequence[list[float]], label: str
) -> tuple[list[list[int]], dict[str, Any]]:
    """The first ten by meaning for each query, and the times of each method in milliseconds."""
    collections: Collections = app.collections
    collection: Collection = next(each for each in await collections.list() if each.name == name)
    tops: list[list[int]] = []
    figures: dict[str, Any] = {}
    for method in ("meaning", "hybrid") if label == "indexed" else _METHODS:
        times: list[float] = []
        for query, vector in zip(queries, vectors, strict=True):
            began = time.perf_counter()
            async with app.database.connection() as connection:
                best = await ranked(connection, collection, query, vector, Only(), method=method)
            times.append((time.perf_counter() - began) * 1000)
            if method == "meaning":
                tops.append([passage for passage, _ in best[:_TOP]])
        figures[f"{label} {method} ms"] = {"p50": _quantile(times, 0.5), "p95": _quantile(times, 0.95)}
    return tops, figures


def _quantile(times: list[float], part: float) -> float:
    return round(sorted(times)[min(len(times) - 1, int(part * len(times)))], 1)


def _sentences(documents: list[dict[str, str]], dice: random.Random, count: int) -> list[str]:
    """Sentences of the handbook, each with some of its words exchanged for those of others."""
    every = [sentence for document in documents for sentence in document["text"].split(". ")]
    words = [word for document in documents for word in document["text"].split()]
    mixed: list[str] = []
    for _ in range(count):
        parts = dice.choice(every).split()
        for _ in range(len(parts) // 3):
            parts[dice.randrange(len(parts))] = dice.choice(words)
        mixed.append(" ".join(parts))
    return mixed


if __name__ == "__main__":
    asyncio.run(main())

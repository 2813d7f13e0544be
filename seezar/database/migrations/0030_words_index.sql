-- What is added goes into the index at once: else every search reads through up to 4 MB of what is still to be put into
-- it (gin_pending_list_limit), which takes four times as long as the search itself (benchmarks.knowledge).
ALTER INDEX knowledge.passage_words SET (fastupdate = off);
SELECT gin_clean_pending_list('knowledge.passage_words');

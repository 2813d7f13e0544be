-- Who works on a run, how often its workers died, and who holds which slot.

-- `adoptions` counts how often a run was taken up after the death of its worker: DBOS' own counter does not, and a run
-- that kills its workers must come to an end.
ALTER TABLE app.run
    ADD COLUMN worker    text,
    ADD COLUMN adoptions integer NOT NULL DEFAULT 0;

-- Which attempt of the run a line belongs to, and who wrote it; NULL before the first attempt, and for a client.
ALTER TABLE app.run_event
    ADD COLUMN attempt integer,
    ADD COLUMN worker  text;

-- The last holder of each slot. Whether it lives is told by the advisory lock of the slot, not by this row. Who adopts
-- the runs of a slot deletes its row first: from then on nothing is accepted from a holder that does not know yet that
-- it is taken for dead. Work of a version or a queue that no live worker serves is told by the other columns.
CREATE TABLE app.worker (
    slot       integer PRIMARY KEY,
    token      uuid NOT NULL UNIQUE,
    host       text NOT NULL,
    pid        integer NOT NULL,
    version    text NOT NULL,
    queues     text[] NOT NULL,
    browsers   integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The trace that a run belongs to, so that it goes on in another process, and after a crash.

ALTER TABLE app.run
    -- Where it was asked for: {"traceparent", "session.id", "user.id"}; NULL when no traces were recorded there.
    ADD COLUMN trace jsonb,
    -- The span of the workflow that works on it, or did last: {"workflow", "traceparent", "began" (ns), "ended"}.
    ADD COLUMN execution jsonb;

CREATE INDEX run_trace ON app.run (substr(trace ->> 'traceparent', 4, 32)) WHERE trace IS NOT NULL;

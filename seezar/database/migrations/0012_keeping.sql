-- How an account is doing, with its history; when a session is looked after; what people are told.

-- The newest sign-ins and sign-outs of an account, among the many looks at its session.
CREATE INDEX run_sign_ins ON app.run (account, created_at DESC) WHERE kind IN ('sign_in', 'sign_out');
-- The newest one that touched the site, among those that found the stored session good.
CREATE INDEX run_attempted ON app.run (account, created_at DESC) WHERE kind = 'sign_in' AND attempts > 0;

-- A number from 0 to 1 that is the same for everybody who asks for the same account and round.
CREATE FUNCTION app.jitter(account text, round timestamptz) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ('x' || left(md5(account || ' ' || extract(epoch FROM round)::text), 8))::bit(32)::bigint / 4294967295.0
$$;

-- When each session is to be looked after. `check_at`: by the interval of its account, 15 % earlier or later, so that
-- sessions obtained together are not visited together. `expiring_from`: within the last tenth of its life, or the last
-- five minutes, or half of a life that is shorter, up to a fifth of that earlier; `renew_at`: the next visit in there,
-- three or four at most. Whatever interval was asked for, a site is not asked more often than every 30 seconds.
CREATE VIEW app.session_round AS
SELECT w.account, w.expires_at,
       CASE WHEN w.keep_alive_s IS NOT NULL THEN w.last_at + make_interval(
           secs => greatest(w.keep_alive_s * (0.85 + 0.3 * app.jitter(w.account, w.last_at)), 30)) END AS check_at,
       w.expires_at - w.ahead AS expiring_from,
       CASE WHEN w.kept_at IS NULL OR w.kept_at < w.expires_at - w.ahead THEN w.expires_at - w.ahead
            ELSE w.kept_at + greatest(interval '30 seconds', w.span / 3) END AS renew_at
FROM (
    SELECT v.*, v.span * (1 + 0.2 * app.jitter(v.account, v.renewed_at)) AS ahead FROM (
        SELECT s.account, s.expires_at, s.renewed_at, s.kept_at, greatest(s.verified_at, s.kept_at) AS last_at,
               a.keep_alive_s, least(greatest((s.expires_at - s.renewed_at) * 0.1, interval '5 minutes'),
                                     (s.expires_at - s.renewed_at) / 2) AS span
        FROM app.session s JOIN app.account a ON a.name = s.account
    ) v
) w;

-- `began_at` is when a worker last began a sign-in that nobody asked for, so that no second worker does the same.
CREATE TABLE app.account_state (
    account  text PRIMARY KEY REFERENCES app.account ON DELETE CASCADE,
    state    text NOT NULL,
    since    timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason   text NOT NULL,
    next_at  timestamptz,
    began_at timestamptz
);

CREATE TABLE app.account_history (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account text NOT NULL REFERENCES app.account ON DELETE CASCADE,
    state   text NOT NULL,
    since   timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason  text NOT NULL
);
CREATE INDEX account_history_of ON app.account_history (account, id DESC);

-- What people are told, written in the transaction that changed the state. Never a secret. An account that is removed
-- takes its notices with it.
CREATE TABLE app.notice (
    id         uuid PRIMARY KEY,
    account    text NOT NULL REFERENCES app.account ON DELETE CASCADE,
    kind       text NOT NULL CHECK (kind IN ('needs_person', 'broken', 'works_again')),
    run_id     text,
    text       text NOT NULL,
    next_step  text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX notice_of ON app.notice (account, created_at DESC);
CREATE INDEX notice_recent ON app.notice (created_at DESC);

-- One row for each way that a notice takes. Who delivers one puts `next_at` ahead first: if he dies, it is due again.
-- No `sent_at` and no `next_at`: given up.
CREATE TABLE app.notice_delivery (
    notice  uuid NOT NULL REFERENCES app.notice ON DELETE CASCADE,
    channel text NOT NULL CHECK (channel IN ('webhook', 'mail')),
    tries   integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    next_at timestamptz DEFAULT clock_timestamp(),
    problem text NOT NULL DEFAULT '',
    PRIMARY KEY (notice, channel)
);
CREATE INDEX notice_due ON app.notice_delivery (next_at) WHERE sent_at IS NULL AND next_at IS NOT NULL;

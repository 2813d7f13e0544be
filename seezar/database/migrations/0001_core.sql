-- Sites, accounts, secrets, sessions, runs: the core of seezar.
-- Schemas are also made by init.sql; both are idempotent, so either may come first.
CREATE SCHEMA IF NOT EXISTS app;
CREATE SCHEMA IF NOT EXISTS adk;
CREATE SCHEMA IF NOT EXISTS knowledge;
CREATE EXTENSION IF NOT EXISTS vector;

-- Proof that a master key is the one the data were encrypted with, without any data.
CREATE TABLE app.master_key (
    key_id     text PRIMARY KEY,
    proof      bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE app.site (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    start_url  text NOT NULL,
    verify_url text NOT NULL,
    origins    text[] NOT NULL CHECK (cardinality(origins) > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (start_url, verify_url, origins)
);

-- Envelope encryption: the data key of a row is wrapped by the master key, the value by the data key.
-- The origins are part of what is authenticated, so that a changed row does not open.
CREATE TABLE app.secret (
    reference   text PRIMARY KEY,
    origins     text[] NOT NULL CHECK (cardinality(origins) > 0),
    key_id      text NOT NULL REFERENCES app.master_key,
    wrapped_key bytea NOT NULL,
    ciphertext  bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE app.account (
    name          text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    site_id       uuid NOT NULL REFERENCES app.site,
    username      text NOT NULL,
    password_ref  text REFERENCES app.secret ON DELETE SET NULL,
    totp_ref      text REFERENCES app.secret ON DELETE SET NULL,
    second_factor text NOT NULL CHECK (second_factor IN ('none', 'totp', 'email', 'link')),
    mailbox       text,
    keep_alive_s  integer CHECK (keep_alive_s > 0),
    created_at    timestamptz NOT NULL DEFAULT now()
);

-- One current session an account: the primary key says so.
CREATE TABLE app.session (
    account     text PRIMARY KEY REFERENCES app.account ON DELETE CASCADE,
    id          uuid NOT NULL UNIQUE,
    run_id      text NOT NULL,
    state       bytea NOT NULL,
    obtained_at timestamptz NOT NULL DEFAULT now(),
    verified_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE app.run (
    id          text PRIMARY KEY,
    kind        text NOT NULL,
    account     text,
    status      text NOT NULL,
    reason      text NOT NULL DEFAULT '',
    result      jsonb,
    attempts    integer NOT NULL DEFAULT 0,
    model_calls integer NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT now(),
    reopened_at timestamptz,
    finished_at timestamptz
);
CREATE INDEX run_recent ON app.run (created_at DESC);
CREATE INDEX run_account ON app.run (account, created_at DESC);

CREATE TABLE app.run_event (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id  text NOT NULL REFERENCES app.run ON DELETE CASCADE,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    step    text NOT NULL,
    message text NOT NULL,
    detail  jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX run_event_of ON app.run_event (run_id, id);

-- What an attempt did to the site. Written before the site is touched, so that it counts across crashes.
CREATE TABLE app.attempt (
    run_id     text NOT NULL REFERENCES app.run ON DELETE CASCADE,
    number     integer NOT NULL,
    submitted  boolean NOT NULL DEFAULT false,
    mail_since text,
    checkpoint bytea,
    outcome    text,
    started_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, number)
);

-- TOTP codes that a site has seen: many refuse a code the second time. Only the time step is kept.
CREATE TABLE app.totp_use (
    account   text PRIMARY KEY REFERENCES app.account ON DELETE CASCADE,
    time_step bigint NOT NULL
);

-- Pages and pictures taken behind a login, encrypted; pages are redacted before they are stored.
CREATE TABLE app.page (
    id          uuid PRIMARY KEY,
    run_id      text NOT NULL,
    account     text NOT NULL,
    url         text NOT NULL,
    title       text NOT NULL,
    body        bytea NOT NULL,
    screenshot  bytea,
    taken_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX page_recent ON app.page (account, taken_at DESC);

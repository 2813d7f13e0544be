-- Who may use the HTTP API: clients, the keys that sign their tokens, and what a person is asked to confirm.
CREATE TABLE app.client (
    id          text PRIMARY KEY,
    name        text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 63),
    secret_hash text NOT NULL,
    scopes      text[] NOT NULL CHECK (cardinality(scopes) > 0),
    created_at  timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz,
    -- Tokens that were issued before do not count.
    not_before  timestamptz NOT NULL DEFAULT 'epoch'
);

-- One key signs; those before it verify until the last of their tokens has expired. The private half is encrypted.
CREATE TABLE app.signing_key (
    kid         text PRIMARY KEY,
    public_key  bytea NOT NULL,
    private_key bytea,
    created_at  timestamptz NOT NULL DEFAULT now(),
    retired_at  timestamptz
);
CREATE UNIQUE INDEX signing_key_one ON app.signing_key ((true)) WHERE retired_at IS NULL;

-- Digests only. A token that is used gives way to the next of its family.
CREATE TABLE app.refresh_token (
    digest     bytea PRIMARY KEY,
    family     text NOT NULL,
    client_id  text NOT NULL REFERENCES app.client ON DELETE CASCADE,
    scopes     text[] NOT NULL,
    audience   text NOT NULL,
    issued_at  timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX refresh_token_family ON app.refresh_token (family);

-- Ids of tokens, or of families, that were taken back before they expire.
CREATE TABLE app.revocation (
    id         text PRIMARY KEY,
    client_id  text NOT NULL,
    revoked_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

-- What a program asked for and a person has to say yes to. The digest binds it to that very request.
CREATE TABLE app.confirmation (
    id         text PRIMARY KEY,
    action     text NOT NULL,
    subject    text NOT NULL,
    digest     text NOT NULL,
    client_id  text NOT NULL,
    asked_at   timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    status     text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'confirmed', 'rejected', 'used')),
    decided_by text,
    decided_at timestamptz
);
CREATE INDEX confirmation_recent ON app.confirmation (asked_at DESC);

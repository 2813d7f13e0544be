-- Mailboxes that somebody reads over HTTP with a password. A mailbox without a row here cannot be logged in to.

CREATE TABLE app.mail_account (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    mailbox       text NOT NULL UNIQUE REFERENCES app.mailbox (address) ON DELETE CASCADE,
    password_hash text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Only the digest of a token is stored: whoever reads this table cannot log in with what it holds.
CREATE TABLE app.mail_token (
    digest     bytea PRIMARY KEY,
    account    uuid NOT NULL REFERENCES app.mail_account ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX mail_token_account ON app.mail_token (account);

-- What the reader of the mailbox said of the message; extraction does not look at it.
ALTER TABLE app.message
    ADD COLUMN seen    boolean NOT NULL DEFAULT false,
    ADD COLUMN seen_at timestamptz;

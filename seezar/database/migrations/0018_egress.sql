-- Hosts that the browser of an account may reach besides its own site, allowed by its owner: `cdn.example.net`,
-- `*.example.net`, with a port where it is not one of the web's.
CREATE TABLE app.account_host (
    account  text NOT NULL REFERENCES app.account ON DELETE CASCADE,
    host     text NOT NULL CHECK (length(host) BETWEEN 1 AND 300),
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account, host)
);

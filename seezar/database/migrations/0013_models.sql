-- What the deployments of the model pool have been asked, and which of them rest.

-- By day (UTC), as providers count. Months are sums.
CREATE TABLE app.model_usage (
    deployment    text NOT NULL,
    day           date NOT NULL,
    requests      integer NOT NULL DEFAULT 0,
    failures      integer NOT NULL DEFAULT 0,
    input_tokens  bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cost_usd      numeric(12, 6) NOT NULL DEFAULT 0,
    PRIMARY KEY (deployment, day)
);

-- A deployment that failed is not asked until `until`, by no process. `times` it failed one after the other.
CREATE TABLE app.model_rest (
    deployment text PRIMARY KEY,
    since      timestamptz NOT NULL,
    until      timestamptz NOT NULL,
    kind       text NOT NULL,
    times      integer NOT NULL
);

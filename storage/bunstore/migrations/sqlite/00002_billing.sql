-- Times are microseconds since 1970 in UTC.

-- +goose Up
ALTER TABLE customers ADD COLUMN entitled_until INTEGER;
CREATE INDEX customers_pending ON customers (created_at, id) WHERE status = 'pending';

CREATE TABLE billing_accounts (
    customer_id  TEXT PRIMARY KEY NOT NULL REFERENCES customers (id),
    data         TEXT NOT NULL,
    heard        INTEGER NOT NULL,
    session      TEXT NOT NULL,
    due_at       INTEGER,
    lease        TEXT NOT NULL,
    leased_until INTEGER,
    failures     INTEGER NOT NULL,
    read_at      INTEGER
) STRICT;
CREATE INDEX billing_accounts_due ON billing_accounts (due_at, customer_id);

CREATE TABLE account_names (
    name        TEXT PRIMARY KEY NOT NULL,
    customer_id TEXT NOT NULL REFERENCES billing_accounts (customer_id)
) STRICT;
CREATE INDEX account_names_of_customer ON account_names (customer_id);

CREATE TABLE checkouts (
    id           TEXT PRIMARY KEY NOT NULL,
    customer_id  TEXT NOT NULL REFERENCES customers (id),
    session      BLOB,
    nonce        BLOB,
    request      TEXT NOT NULL,
    created_at   INTEGER,
    expires_at   INTEGER,
    claimable_at INTEGER,
    paid_at      INTEGER,
    claimed_at   INTEGER,
    key_id       TEXT NOT NULL
) STRICT;
CREATE INDEX checkouts_of_customer ON checkouts (customer_id, id);
CREATE INDEX checkouts_by_session ON checkouts (session, id);

-- Of customers that may be unknown.
CREATE TABLE notices (
    provider    TEXT NOT NULL,
    id          TEXT NOT NULL,
    type        TEXT NOT NULL,
    customer_id TEXT,
    created_at  INTEGER,
    received_at INTEGER,
    PRIMARY KEY (provider, id)
) STRICT;
CREATE INDEX notices_of_customer ON notices (customer_id);
CREATE INDEX notices_created ON notices (provider, created_at DESC, id DESC);
CREATE INDEX notices_received ON notices (received_at);

-- Of customers that may be unknown.
CREATE TABLE effects (
    id          TEXT PRIMARY KEY NOT NULL,
    kind        TEXT NOT NULL,
    customer_id TEXT,
    data        TEXT NOT NULL,
    created_at  INTEGER,
    due_at      INTEGER,
    attempts    INTEGER NOT NULL,
    error       TEXT NOT NULL,
    done_at     INTEGER
) STRICT;
CREATE INDEX effects_of_customer ON effects (customer_id);
CREATE INDEX effects_due ON effects (due_at, id) WHERE done_at IS NULL;
CREATE INDEX effects_open ON effects (created_at, id) WHERE done_at IS NULL;
CREATE INDEX effects_done ON effects (done_at) WHERE done_at IS NOT NULL;

-- A period and a day are part of a key, which can't be NULL: no time is the
-- beginning of the year 1.
CREATE TABLE reservations (
    customer_id TEXT NOT NULL REFERENCES customers (id),
    id          TEXT NOT NULL,
    metric      TEXT NOT NULL,
    source      TEXT NOT NULL,
    period      INTEGER NOT NULL,
    units       INTEGER NOT NULL,
    used        INTEGER NOT NULL,
    done        INTEGER NOT NULL,
    created_at  INTEGER,
    until       INTEGER,
    PRIMARY KEY (customer_id, id)
) STRICT;
CREATE INDEX reservations_until ON reservations (until) WHERE NOT done;
CREATE INDEX reservations_done ON reservations (created_at) WHERE done;

CREATE TABLE usage_counts (
    customer_id TEXT NOT NULL REFERENCES customers (id),
    metric      TEXT NOT NULL,
    period      INTEGER NOT NULL,
    used        INTEGER NOT NULL,
    held        INTEGER NOT NULL,
    reported    INTEGER NOT NULL,
    PRIMARY KEY (customer_id, metric, period)
) STRICT;
CREATE INDEX usage_counts_unreported ON usage_counts (metric) WHERE used > reported;
CREATE INDEX usage_counts_period ON usage_counts (period);

CREATE TABLE usage_days (
    customer_id TEXT NOT NULL REFERENCES customers (id),
    day         INTEGER NOT NULL,
    metric      TEXT NOT NULL,
    source      TEXT NOT NULL,
    used        INTEGER NOT NULL,
    PRIMARY KEY (customer_id, day, metric, source)
) STRICT;
CREATE INDEX usage_days_day ON usage_days (day);

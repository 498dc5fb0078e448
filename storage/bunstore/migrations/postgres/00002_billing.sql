-- Times are microseconds since 1970 in UTC.
-- The collation "C" compares byte by byte, as SQLite does.

-- +goose Up
ALTER TABLE customers ADD COLUMN entitled_until BIGINT;
CREATE INDEX customers_pending ON customers (created_at, id) WHERE status = 'pending';

CREATE TABLE billing_accounts (
    customer_id  TEXT COLLATE "C" PRIMARY KEY NOT NULL REFERENCES customers (id),
    data         TEXT NOT NULL,
    heard        BIGINT NOT NULL,
    session      TEXT COLLATE "C" NOT NULL,
    due_at       BIGINT,
    lease        TEXT COLLATE "C" NOT NULL,
    leased_until BIGINT,
    failures     BIGINT NOT NULL,
    read_at      BIGINT
);
CREATE INDEX billing_accounts_due ON billing_accounts (due_at, customer_id);

CREATE TABLE account_names (
    name        TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    customer_id TEXT COLLATE "C" NOT NULL REFERENCES billing_accounts (customer_id)
);
CREATE INDEX account_names_of_customer ON account_names (customer_id);

CREATE TABLE checkouts (
    id           TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    customer_id  TEXT COLLATE "C" NOT NULL REFERENCES customers (id),
    session      BYTEA,
    nonce        BYTEA,
    request      TEXT NOT NULL,
    created_at   BIGINT,
    expires_at   BIGINT,
    claimable_at BIGINT,
    paid_at      BIGINT,
    claimed_at   BIGINT,
    key_id       TEXT COLLATE "C" NOT NULL
);
CREATE INDEX checkouts_of_customer ON checkouts (customer_id, id);
CREATE INDEX checkouts_by_session ON checkouts (session, id);

-- Of customers that may be unknown.
CREATE TABLE notices (
    provider    TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    type        TEXT COLLATE "C" NOT NULL,
    customer_id TEXT COLLATE "C",
    created_at  BIGINT,
    received_at BIGINT,
    PRIMARY KEY (provider, id)
);
CREATE INDEX notices_of_customer ON notices (customer_id);
CREATE INDEX notices_created ON notices (provider, created_at DESC NULLS LAST, id DESC);
CREATE INDEX notices_received ON notices (received_at);

-- Of customers that may be unknown.
CREATE TABLE effects (
    id          TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    customer_id TEXT COLLATE "C",
    data        TEXT NOT NULL,
    created_at  BIGINT,
    due_at      BIGINT,
    attempts    BIGINT NOT NULL,
    error       TEXT COLLATE "C" NOT NULL,
    done_at     BIGINT
);
CREATE INDEX effects_of_customer ON effects (customer_id);
CREATE INDEX effects_due ON effects (due_at, id) WHERE done_at IS NULL;
CREATE INDEX effects_open ON effects (created_at, id) WHERE done_at IS NULL;
CREATE INDEX effects_done ON effects (done_at) WHERE done_at IS NOT NULL;

-- A period and a day are part of a key, which can't be NULL: no time is the
-- beginning of the year 1.
CREATE TABLE reservations (
    customer_id TEXT COLLATE "C" NOT NULL REFERENCES customers (id),
    id          TEXT COLLATE "C" NOT NULL,
    metric      TEXT COLLATE "C" NOT NULL,
    source      TEXT COLLATE "C" NOT NULL,
    period      BIGINT NOT NULL,
    units       BIGINT NOT NULL,
    used        BIGINT NOT NULL,
    done        BOOLEAN NOT NULL,
    created_at  BIGINT,
    until       BIGINT,
    PRIMARY KEY (customer_id, id)
);
CREATE INDEX reservations_until ON reservations (until) WHERE NOT done;
CREATE INDEX reservations_done ON reservations (created_at) WHERE done;

CREATE TABLE usage_counts (
    customer_id TEXT COLLATE "C" NOT NULL REFERENCES customers (id),
    metric      TEXT COLLATE "C" NOT NULL,
    period      BIGINT NOT NULL,
    used        BIGINT NOT NULL,
    held        BIGINT NOT NULL,
    reported    BIGINT NOT NULL,
    PRIMARY KEY (customer_id, metric, period)
);
CREATE INDEX usage_counts_unreported ON usage_counts (metric) WHERE used > reported;
CREATE INDEX usage_counts_period ON usage_counts (period);

CREATE TABLE usage_days (
    customer_id TEXT COLLATE "C" NOT NULL REFERENCES customers (id),
    day         BIGINT NOT NULL,
    metric      TEXT COLLATE "C" NOT NULL,
    source      TEXT COLLATE "C" NOT NULL,
    used        BIGINT NOT NULL,
    PRIMARY KEY (customer_id, day, metric, source)
);
CREATE INDEX usage_days_day ON usage_days (day);

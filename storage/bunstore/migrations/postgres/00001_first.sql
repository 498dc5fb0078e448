-- Times are microseconds since 1970 in UTC.
-- The collation "C" compares byte by byte, as SQLite does.

-- +goose Up
CREATE TABLE customers (
    id              TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    external_id     TEXT COLLATE "C" UNIQUE,
    idempotency_key TEXT COLLATE "C" UNIQUE,
    email           TEXT COLLATE "C" NOT NULL,
    status          TEXT COLLATE "C" NOT NULL,
    brand_name      TEXT COLLATE "C" NOT NULL,
    website         TEXT COLLATE "C" NOT NULL,
    plan            TEXT COLLATE "C" NOT NULL,
    suspended_at    BIGINT,
    created_at      BIGINT,
    updated_at      BIGINT
);

CREATE TABLE api_keys (
    id           TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    customer_id  TEXT COLLATE "C" NOT NULL REFERENCES customers (id),
    name         TEXT COLLATE "C" NOT NULL,
    hash         BYTEA NOT NULL UNIQUE,
    last_four    TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT,
    last_used_at BIGINT,
    expires_at   BIGINT
);
CREATE INDEX api_keys_of_customer ON api_keys (customer_id, id);

CREATE TABLE events (
    id          TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    customer_id TEXT COLLATE "C" NOT NULL REFERENCES customers (id),
    type        TEXT COLLATE "C" NOT NULL,
    data        TEXT NOT NULL,
    created_at  BIGINT
);
CREATE INDEX events_of_customer ON events (customer_id, id);

CREATE TABLE documents (
    customer_id TEXT COLLATE "C" NOT NULL REFERENCES customers (id),
    kind        TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    status      TEXT COLLATE "C" NOT NULL,
    data        TEXT NOT NULL,
    created_at  BIGINT,
    updated_at  BIGINT,
    PRIMARY KEY (customer_id, kind, id)
);

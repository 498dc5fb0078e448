-- Times are microseconds since 1970 in UTC.
-- The collation "C" compares byte by byte, as SQLite does.

-- +goose Up
CREATE TABLE connections (
    customer_id TEXT COLLATE "C" NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    platform    TEXT COLLATE "C" NOT NULL,
    account     TEXT COLLATE "C",
    status      TEXT COLLATE "C" NOT NULL,
    data        TEXT NOT NULL,
    sealed      BYTEA,
    sealed_with TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT,
    updated_at  BIGINT,
    PRIMARY KEY (customer_id, platform),
    UNIQUE (platform, account)
);

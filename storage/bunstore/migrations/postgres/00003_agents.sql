-- Times are microseconds since 1970 in UTC.
-- The collation "C" compares byte by byte, as SQLite does.

-- +goose Up
CREATE TABLE runs (
    id          TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    customer_id TEXT COLLATE "C" NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    parent      TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    status      TEXT COLLATE "C" NOT NULL,
    tokens      BIGINT NOT NULL,
    cost        BIGINT NOT NULL,
    data        TEXT NOT NULL,
    created_at  BIGINT,
    updated_at  BIGINT,
    ended_at    BIGINT
);
CREATE INDEX runs_of_customer ON runs (customer_id, id);
CREATE INDEX runs_of_parent ON runs (parent, id) WHERE parent <> '';
CREATE INDEX runs_created ON runs (customer_id, created_at) INCLUDE (tokens, cost);
CREATE INDEX runs_updated ON runs (updated_at);

CREATE TABLE memories (
    customer_id TEXT COLLATE "C" NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    id          TEXT COLLATE "C" NOT NULL,
    layer       TEXT COLLATE "C" NOT NULL,
    topic       TEXT COLLATE "C" NOT NULL,
    text        TEXT NOT NULL,
    data        TEXT NOT NULL,
    space       TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT,
    updated_at  BIGINT,
    expires_at  BIGINT,
    -- The words, and whose they are, so that a search looks at the rows of one customer.
    words       TSVECTOR NOT NULL DEFAULT '',
    PRIMARY KEY (customer_id, id)
);
CREATE INDEX memories_words ON memories USING gin (words);
CREATE INDEX memories_expire ON memories (expires_at) WHERE expires_at IS NOT NULL;

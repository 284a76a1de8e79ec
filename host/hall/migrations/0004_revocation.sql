-- The order that had a certificate suspended or revoked, and the first list that told of the entry as it stands.
ALTER TABLE revoked ADD COLUMN order_id TEXT;
ALTER TABLE revoked ADD COLUMN listed BIGINT;

CREATE TABLE revocation_lists (
    number BIGINT PRIMARY KEY,
    this_update BIGINT NOT NULL,
    next_update BIGINT NOT NULL,
    der BYTEA NOT NULL
);

-- Every change of state; rows are only ever added. Each digest covers its row and the digest before it.
CREATE TABLE audit (
    place BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    about TEXT NOT NULL,
    event TEXT NOT NULL,
    detail TEXT NOT NULL,
    digest TEXT NOT NULL
);

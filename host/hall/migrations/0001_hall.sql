-- The hall's tables, for SQLite; moments are seconds since 1970-01-01 UTC.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE accounts (
    account TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    number TEXT NOT NULL,
    phone TEXT NOT NULL,
    password TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Sessions and order tokens; only the digest of a token is kept.
CREATE TABLE tokens (
    digest TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE challenges (
    nonce TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

-- Failed attempts and sent codes, counted until a moment.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    count BIGINT NOT NULL,
    until_at BIGINT NOT NULL
);

CREATE TABLE codes (
    purpose TEXT NOT NULL,
    scope TEXT NOT NULL,
    digest TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    tries_left BIGINT NOT NULL,
    used BIGINT NOT NULL,
    PRIMARY KEY (purpose, scope)
);

CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    version BIGINT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_number TEXT NOT NULL,
    subject_name TEXT NOT NULL,
    contact_phone TEXT NOT NULL,
    channel TEXT NOT NULL,
    price_fen BIGINT NOT NULL,
    account TEXT,
    certificate_serial TEXT,
    device_serial TEXT,
    -- What may exist once while the order is open, e.g. the unlock of one certificate.
    open_key TEXT UNIQUE,
    details TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX orders_of_subject ON orders (subject_kind, subject_number);
CREATE INDEX orders_of_account ON orders (account);
CREATE INDEX orders_in_state ON orders (state);

CREATE TABLE history (
    order_id TEXT NOT NULL REFERENCES orders (id),
    place BIGINT NOT NULL,
    at BIGINT NOT NULL,
    event TEXT NOT NULL,
    from_state TEXT,
    to_state TEXT NOT NULL,
    actor TEXT NOT NULL,
    PRIMARY KEY (order_id, place)
);

CREATE TABLE papers (
    order_id TEXT NOT NULL REFERENCES orders (id),
    paper TEXT NOT NULL,
    format TEXT NOT NULL,
    size BIGINT NOT NULL,
    sm3 TEXT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (order_id, paper)
);

CREATE TABLE payments (
    id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES orders (id),
    way TEXT NOT NULL,
    amount_fen BIGINT NOT NULL,
    state TEXT NOT NULL,
    page TEXT NOT NULL,
    reference TEXT,
    opened_at BIGINT NOT NULL,
    paid_at BIGINT
);
CREATE INDEX payments_of_order ON payments (order_id);

CREATE TABLE invoices (
    order_id TEXT PRIMARY KEY REFERENCES orders (id),
    form TEXT NOT NULL,
    due_at BIGINT,
    number TEXT,
    issued_at BIGINT,
    document TEXT
);

CREATE TABLE parcels (
    order_id TEXT PRIMARY KEY REFERENCES orders (id),
    tracking TEXT NOT NULL,
    recipient TEXT NOT NULL,
    address TEXT NOT NULL,
    posted_at BIGINT NOT NULL
);

-- Sealed secrets of open orders: initial PIN, one-time PIN, unlock code. Erased when they are no longer needed.
CREATE TABLE secrets (
    order_id TEXT NOT NULL REFERENCES orders (id),
    name TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (order_id, name)
);

-- What was answered to a certificate request, so that a request for the same key gets the same answer.
CREATE TABLE issues (
    order_id TEXT PRIMARY KEY REFERENCES orders (id),
    public_key_sm3 TEXT NOT NULL,
    serial TEXT NOT NULL,
    response BYTEA NOT NULL
);

-- The vault: administrator PIN and device authentication key of each issued key, sealed for its serial number.
CREATE TABLE issued_keys (
    device_serial TEXT NOT NULL,
    certificate_serial TEXT NOT NULL,
    application TEXT NOT NULL,
    container TEXT NOT NULL,
    admin_pin BYTEA NOT NULL,
    device_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (device_serial, certificate_serial)
);

CREATE TABLE certificates (
    serial TEXT PRIMARY KEY,
    encryption_serial TEXT NOT NULL,
    order_id TEXT NOT NULL REFERENCES orders (id),
    subject_kind TEXT NOT NULL,
    subject_number TEXT NOT NULL,
    subject_name TEXT NOT NULL,
    channel TEXT NOT NULL,
    device_serial TEXT NOT NULL,
    contact_phone TEXT NOT NULL,
    form TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    certificate BYTEA NOT NULL,
    encryption_certificate BYTEA NOT NULL,
    unlocks BIGINT NOT NULL
);
CREATE INDEX certificates_of_subject ON certificates (subject_number);

CREATE TABLE revoked (
    serial TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    reason TEXT NOT NULL
);

-- Messages; text and code are sealed, and erased after delivery unless the hall is simulated.
CREATE TABLE outbox (
    id BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    topic TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    order_id TEXT,
    at BIGINT NOT NULL,
    delivered_at BIGINT
);

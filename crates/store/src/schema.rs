//! The tables, and the way from each version of them to the next.

use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;

/// Marks the file as ours, so that no other program's database is ever written to: "GEMB".
const APPLICATION_ID: i64 = 0x4745_4d42;

/// Each brings the file from version n (its place here) to n + 1. What is released is never edited.
const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE sessions (
    id TEXT PRIMARY KEY, created INTEGER NOT NULL, seen INTEGER NOT NULL, state TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE messages (
    id INTEGER PRIMARY KEY, session TEXT NOT NULL REFERENCES sessions(id),
    turn TEXT NOT NULL, role TEXT NOT NULL, text TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_by_session ON messages(session, id);
CREATE TABLE cart_events (
    session TEXT NOT NULL REFERENCES sessions(id), seq INTEGER NOT NULL, at INTEGER NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (session, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session TEXT NOT NULL REFERENCES sessions(id),
    day TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL,
    lines TEXT NOT NULL, allergies TEXT NOT NULL, totals TEXT NOT NULL, total INTEGER NOT NULL CHECK (total >= 0),
    placed INTEGER NOT NULL, changed INTEGER NOT NULL,
    UNIQUE (day, number)
) STRICT;
CREATE INDEX orders_by_session ON orders(session, id);
CREATE INDEX orders_by_state ON orders(state, id);
CREATE TABLE order_changes (
    id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders(id),
    state TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX order_changes_by_order ON order_changes(order_id, id);
CREATE TABLE idempotency (
    session TEXT NOT NULL REFERENCES sessions(id), key TEXT NOT NULL, body_hash BLOB NOT NULL,
    order_id INTEGER NOT NULL REFERENCES orders(id), answer TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (session, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE tickets (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session TEXT NOT NULL REFERENCES sessions(id),
    order_id INTEGER REFERENCES orders(id), kind TEXT NOT NULL, title TEXT NOT NULL, state TEXT NOT NULL,
    opened INTEGER NOT NULL, changed INTEGER NOT NULL
) STRICT;
CREATE INDEX tickets_by_session ON tickets(session, id);
CREATE INDEX tickets_by_state ON tickets(state, id);
CREATE TABLE ticket_messages (
    id INTEGER PRIMARY KEY, ticket INTEGER NOT NULL REFERENCES tickets(id),
    author TEXT NOT NULL, text TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX ticket_messages_by_ticket ON ticket_messages(ticket, id);
CREATE TABLE remedies (
    id INTEGER PRIMARY KEY, session TEXT NOT NULL REFERENCES sessions(id),
    order_id INTEGER NOT NULL REFERENCES orders(id), ticket INTEGER REFERENCES tickets(id),
    granted TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount >= 0), at INTEGER NOT NULL,
    voucher TEXT UNIQUE, redeemed INTEGER, redeemed_by TEXT
) STRICT;
CREATE INDEX remedies_by_order ON remedies(order_id);
CREATE INDEX remedies_by_session ON remedies(session);
CREATE TABLE staff (name TEXT PRIMARY KEY, password TEXT NOT NULL, created INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE staff_sessions (
    token_hash BLOB PRIMARY KEY, staff TEXT NOT NULL REFERENCES staff(name) ON DELETE CASCADE,
    created INTEGER NOT NULL, expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE feedback (
    session TEXT NOT NULL REFERENCES sessions(id), turn TEXT NOT NULL, thumb TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (session, turn)
) STRICT, WITHOUT ROWID;
CREATE TABLE turn_log (
    id INTEGER PRIMARY KEY, session TEXT NOT NULL REFERENCES sessions(id),
    turn TEXT NOT NULL, record TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX turn_log_by_time ON turn_log(at);
CREATE INDEX turn_log_by_session ON turn_log(session);
",
    "
ALTER TABLE sessions ADD COLUMN holder TEXT;
ALTER TABLE sessions ADD COLUMN held INTEGER;
ALTER TABLE messages ADD COLUMN author TEXT;
CREATE TABLE requests (
    session TEXT NOT NULL REFERENCES sessions(id), key TEXT NOT NULL, body_hash BLOB NOT NULL,
    turn TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (session, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_time ON requests(at);
CREATE INDEX idempotency_by_time ON idempotency(at);
",
];

/// Brings the file to the newest version. Another program that opens it at the same time waits.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = MIGRATIONS.len() as i64;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let pragma = |name: &str| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (found, application) = (pragma("user_version")?, pragma("application_id")?);
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && tables > 0 {
        let reason = "it belongs to another program".to_owned();
        return Err(StoreError::Corrupt { path: std::path::PathBuf::new(), reason });
    }
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(migration)?;
    }
    if found < known {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", known)?;
    }
    transaction.commit()?;
    Ok(())
}

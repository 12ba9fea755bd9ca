-- Counters of failed tries, and marks of the browsers and apps that people have signed in with. Subjects and devices are
-- keyed hashes; times are milliseconds since 1970.
CREATE TABLE zelus_guard (
    nid        uuid    NOT NULL,
    -- Whose tries are counted: somebody's for one way of proving it, an address that messages go to, a client's prefix.
    subject    text    NOT NULL,
    -- The browser or app that they come from, if it has signed in to this account before; otherwise empty.
    device     text    NOT NULL,
    -- What is counted, for whoever looks at the table.
    kind       text    NOT NULL,
    -- Since the last success.
    failures   integer NOT NULL,
    -- How many of them cost nothing.
    allowance  integer NOT NULL,
    -- The last failure, or when a window began.
    since      bigint  NOT NULL,
    expires_at bigint  NOT NULL,
    PRIMARY KEY (nid, subject, device)
);
CREATE INDEX zelus_guard_device_idx ON zelus_guard (device) WHERE device <> '';
CREATE INDEX zelus_guard_expires_at_idx ON zelus_guard (expires_at);

-- What Zelus adds to Kratos' schema. Kratos' tables are never changed, and nothing here refers to them, so that Kratos
-- can take the database back.

-- The steps of our own that were taken, this one included.
CREATE TABLE zelus_schema_migration (
    version    text      NOT NULL PRIMARY KEY,
    applied_at timestamp NOT NULL
);

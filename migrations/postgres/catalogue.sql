-- Describes Kratos' tables of a PostgreSQL database, one fact a line. `catalogue.txt` is its answer for a database that
-- Kratos v26.2 migrated:  psql -At kratos < catalogue.sql > catalogue.txt
SELECT fact FROM (
    SELECT 'column ' || t.relname || '.' || a.attname || ' '
        || replace(replace(format_type(a.atttypid, a.atttypmod), 'character varying', 'varchar'),
                   'timestamp without time zone', 'timestamp')
        || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
        || coalesce(' default ' || regexp_replace(pg_get_expr(d.adbin, d.adrelid), '::[a-z ]+$', ''), '') AS fact
    FROM pg_class t
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind = 'r' AND t.relname NOT LIKE 'zelus\_%'

    UNION ALL
    SELECT 'constraint ' || k.conname || ' on ' || t.relname || ' ' || pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
    WHERE t.relnamespace = current_schema()::regnamespace AND k.contype IN ('c', 'f', 'p', 'u')
      AND t.relname NOT LIKE 'zelus\_%'

    UNION ALL
    SELECT replace(pg_get_indexdef(i.indexrelid), ' ON ' || current_schema() || '.', ' ON ')
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
    WHERE t.relnamespace = current_schema()::regnamespace AND t.relname NOT LIKE 'zelus\_%'
) facts ORDER BY fact COLLATE "C";

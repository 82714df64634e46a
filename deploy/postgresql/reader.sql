-- A role that reads Crystal Monitor's database and can do nothing else, for people and dashboards.
-- Run it once as the owner of the database (the role that the daemon writes as), e.g.
--   psql -d crystals -f reader.sql
-- and give the role a way in: a line of pg_hba.conf, or ALTER ROLE crystal_reader PASSWORD '…'.
CREATE ROLE crystal_reader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT CONNECTION LIMIT 20;
GRANT USAGE ON SCHEMA public TO crystal_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO crystal_reader;
-- Views are made anew when a version adds columns: what the owner makes later is readable, too.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO crystal_reader;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
-- What a session begins with; permission to write is missing whatever the session sets.
ALTER ROLE crystal_reader SET default_transaction_read_only = on;
ALTER ROLE crystal_reader SET statement_timeout = '30s';
ALTER ROLE crystal_reader SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE crystal_reader SET work_mem = '16MB';

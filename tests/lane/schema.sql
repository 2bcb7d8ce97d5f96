-- SPDX-License-Identifier: Apache-2.0
-- Small functions whose behaviour the lane tests choose by their arguments.
CREATE SCHEMA onramp;
SET search_path = onramp;

CREATE TYPE verdict AS (outcome text, facts jsonb);
CREATE TYPE note AS (outcome text, facts jsonb, word text, transaction text, backend int);

CREATE TABLE notes (word text, transaction text, at timestamptz DEFAULT clock_timestamp());
CREATE TABLE batch_locks (circuits uuid[], service_keys uuid[], vnets uuid[], connections uuid[],
                          customers uuid[], deliveries uuid[], transaction text,
                          at timestamptz DEFAULT clock_timestamp());
CREATE TABLE commits (key int);

-- Reads: their transaction is known by the instant of its start.
CREATE FUNCTION note_read(p_word text) RETURNS SETOF note LANGUAGE plpgsql AS $$
BEGIN
    IF p_word = 'none' THEN RETURN; END IF;
    IF p_word = 'bug' THEN RAISE EXCEPTION 'a bug'; END IF;
    RETURN QUERY SELECT 'ok', NULL::jsonb, p_word, transaction_timestamp()::text, pg_backend_pid();
END $$;

-- The same for several words at once, a row for each; its transaction counts them.
CREATE FUNCTION note_look(p_word text) RETURNS SETOF note LANGUAGE sql AS
$$ SELECT outcome, facts, word, '1', backend FROM onramp.note_read(p_word) $$;
CREATE FUNCTION note_look_each(p_words text[]) RETURNS SETOF note LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT n.outcome, n.facts, n.word, cardinality(p_words)::text, n.backend
                 FROM unnest(p_words) WITH ORDINALITY AS asked (word, at), note_read(asked.word) n
                 WHERE asked.word IS DISTINCT FROM 'lost' ORDER BY asked.at;
END $$;

-- Waits until the tests give the advisory lock free.
CREATE FUNCTION note_wait(p_word text, p_key int) RETURNS SETOF note LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(p_key);
    RETURN QUERY SELECT * FROM note_read(p_word);
END $$;

CREATE FUNCTION note_add(p_word text, p_circuit uuid, p_key uuid, p_vnet uuid, p_connection uuid)
RETURNS SETOF note LANGUAGE plpgsql AS $$
BEGIN
    IF p_word = 'bug' THEN RAISE EXCEPTION 'a bug'; END IF;
    IF p_word = 'number' THEN PERFORM ('secret' || p_word)::int; END IF;
    INSERT INTO notes VALUES (p_word, txid_current()::text);
    RETURN QUERY SELECT 'ok', NULL::jsonb, p_word, txid_current()::text, pg_backend_pid();
END $$;

-- The same of less, and for several words at once, a row for each; the statements are counted.
CREATE TABLE statements (words text[], transaction text);
CREATE FUNCTION note_put(p_word text, p_circuit uuid) RETURNS SETOF note LANGUAGE sql AS
$$ SELECT * FROM onramp.note_add(p_word, p_circuit, NULL, NULL, NULL) $$;
CREATE FUNCTION note_put_each(p_words text[], p_circuits uuid[]) RETURNS SETOF note
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO statements VALUES (p_words, txid_current()::text);
    RETURN QUERY SELECT n.*
                 FROM unnest(p_words, p_circuits) WITH ORDINALITY AS asked (word, circuit, at),
                      LATERAL note_put(asked.word, asked.circuit) n
                 WHERE asked.word <> 'lost' ORDER BY asked.at;
END $$;

-- A write that takes two advisory locks in the order given; NULL is no lock.
CREATE FUNCTION note_lock(p_word text, p_first int, p_second int) RETURNS SETOF note
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(p_first), pg_advisory_xact_lock(p_second);
    RETURN QUERY SELECT * FROM note_add(p_word, NULL, NULL, NULL, NULL);
END $$;

CREATE FUNCTION note_alone(p_word text) RETURNS SETOF note LANGUAGE sql AS
$$ SELECT * FROM onramp.note_add(p_word, NULL, NULL, NULL, NULL) $$;

-- At commit: a key above 0 is an advisory lock to be taken, one below 0 fails.
CREATE FUNCTION commit_as_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.key < 0 THEN RAISE EXCEPTION 'refused at commit'; END IF;
    PERFORM pg_advisory_xact_lock(NEW.key);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER commit_as_told AFTER INSERT ON commits
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION commit_as_told();
CREATE FUNCTION note_commit(p_word text, p_key int) RETURNS SETOF note LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO commits VALUES (p_key);
    -- Long enough that the server sends it before it commits.
    RETURN QUERY SELECT outcome, facts, word || repeat('.', 100000), transaction, backend
                   FROM note_add(p_word, NULL, NULL, NULL, NULL);
END $$;

CREATE FUNCTION note_count() RETURNS SETOF verdict LANGUAGE sql AS
$$ SELECT 'ok', to_jsonb(count(*)) FROM onramp.notes $$;

CREATE FUNCTION batch_lock(p_circuits uuid[], p_service_keys uuid[], p_vnets uuid[],
                           p_connections uuid[], p_customers uuid[], p_deliveries uuid[],
                           p_authorization_keys text[])
RETURNS SETOF verdict LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO batch_locks
    VALUES (p_circuits, p_service_keys, p_vnets, p_connections, p_customers, p_deliveries,
            txid_current()::text);
    RETURN QUERY SELECT 'ok', NULL::jsonb;
END $$;

-- Raise an error with this SQLSTATE.
CREATE FUNCTION note_fail(p_state text) RETURNS SETOF note LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'as asked' USING ERRCODE = p_state; END $$;
CREATE FUNCTION note_fail_read(p_state text) RETURNS SETOF note LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'as asked' USING ERRCODE = p_state; END $$;

-- Takes so many seconds.
CREATE FUNCTION note_sleep(p_seconds text) RETURNS SETOF note LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(p_seconds::float);
    RETURN QUERY SELECT 'ok', NULL::jsonb, p_seconds, '', pg_backend_pid();
END $$;

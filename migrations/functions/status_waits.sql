-- SPDX-License-Identifier: Apache-2.0
-- Which pairs of listed_as and waiting_on there are: what waits_for() can say of each status.
CREATE OR REPLACE FUNCTION status_waits(OUT listed_as text, OUT waiting_on text) RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 11
BEGIN ATOMIC
    VALUES ('NotProvisioned', 'customer'), ('NotProvisioned', 'partner'),
           ('NotProvisioned', 'operator'), ('Provisioning', 'partner'),
           ('Provisioning', 'operator'), ('Provisioned', 'nobody'), ('Provisioned', 'partner'),
           ('Provisioned', 'operator'), ('Deprovisioning', 'partner'),
           ('Deprovisioning', 'operator'), ('Deleted', 'nobody');
END;
COMMENT ON FUNCTION status_waits() IS
    'Which pairs of listed_as and waiting_on there are, for lists to read run by run.';

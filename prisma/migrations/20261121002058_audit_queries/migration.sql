-- CreateTable
CREATE TABLE "usage_totals" (
    "grain" TEXT NOT NULL,
    "starts_at" TIMESTAMPTZ(3) NOT NULL,
    "initiator_id" TEXT NOT NULL,
    "provider_name" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "client" TEXT NOT NULL,
    "credential_kind" TEXT NOT NULL,
    "credential_hint" VARCHAR(15) NOT NULL,
    "credential_fingerprint" VARCHAR(12) NOT NULL,
    "interceptions" BIGINT NOT NULL,
    "completed" BIGINT NOT NULL,
    "failed" BIGINT NOT NULL,
    "aborted" BIGINT NOT NULL,
    "interrupted" BIGINT NOT NULL,
    "failed_over" BIGINT NOT NULL,
    "attempts" BIGINT NOT NULL,
    "input_tokens" BIGINT NOT NULL,
    "output_tokens" BIGINT NOT NULL,
    "cache_read_tokens" BIGINT NOT NULL,
    "cache_write_tokens" BIGINT NOT NULL,
    "duration_ms" BIGINT NOT NULL,

    CONSTRAINT "usage_totals_pkey" PRIMARY KEY ("initiator_id","grain","starts_at","provider_name","model","client","credential_kind","credential_hint","credential_fingerprint")
);

-- CreateTable
CREATE TABLE "interception_endings" (
    "position" BIGSERIAL NOT NULL,
    "interception_id" UUID NOT NULL,

    CONSTRAINT "interception_endings_pkey" PRIMARY KEY ("position")
);

-- CreateIndex
CREATE INDEX "usage_totals_grain_starts_at_initiator_id_idx" ON "usage_totals"("grain", "starts_at", "initiator_id");

-- CreateIndex
CREATE INDEX "interceptions_provider_type_id_idx" ON "interceptions"("provider_type", "id");

-- CreateIndex
CREATE INDEX "interceptions_credential_kind_id_idx" ON "interceptions"("credential_kind", "id");

-- CreateIndex
CREATE INDEX "interceptions_streaming_id_idx" ON "interceptions"("streaming", "id");

-- CreateIndex
CREATE INDEX "interceptions_failed_over_idx" ON "interceptions"("id") WHERE ("failed_over" = true);

-- CreateIndex
CREATE INDEX "interceptions_duration_ms_idx" ON "interceptions"("duration_ms");

-- CreateIndex
CREATE INDEX "interceptions_thread_root_id_id_idx" ON "interceptions"("thread_root_id", "id") WHERE ("thread_root_id" IS NOT NULL);

-- DropIndex
DROP INDEX "tool_usages_tool_call_id_idx";

-- CreateIndex
CREATE INDEX "interceptions_unlinked_idx" ON "interceptions"("correlating_tool_call_id") WHERE ("correlating_tool_call_id" IS NOT NULL AND "thread_parent_id" IS NULL);

-- CreateIndex
CREATE INDEX "tool_usages_tool_call_id_interception_id_idx" ON "tool_usages"("tool_call_id", "interception_id") WHERE ("tool_call_id" IS NOT NULL);

-- What schema.prisma cannot say.

CREATE INDEX "interceptions_total_tokens_idx" ON "interceptions"
  (("input_tokens" + "output_tokens" + "cache_read_tokens" + "cache_write_tokens"));

-- Nearly every write to these is to a row that is there already.
ALTER TABLE "usage_totals" SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- Filters rest on estimates of how frequent a value is. Many people share one bridge: a hundred
-- values, as is the default, would leave most of them to a guess.
ALTER TABLE "interceptions" ALTER COLUMN "initiator_id" SET STATISTICS 1000;
ALTER TABLE "tool_usages" ALTER COLUMN "tool" SET STATISTICS 1000;

-- Runs once a statement, with all the rows it wrote. Counts what has ended into the totals, notes the
-- order in which it ended, and wakes the live tails. An interception that was presumed interrupted
-- and ended after all is first taken back from the totals.
--
-- The lock makes the order of positions the order of commits, so that a reader who has come to one
-- position never finds an earlier one later; and it keeps replicas, which all count into the rows of
-- everybody, from waiting for one another in a circle. Rows of interceptions are locked before it:
-- a transaction that makes some end must change none afterwards.
CREATE FUNCTION "count_ended_interceptions"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  endings_kept CONSTANT bigint := 1000000;
  changed CONSTANT text := CASE TG_OP
    WHEN 'INSERT' THEN 'SELECT 1 AS sign, new_rows.* FROM new_rows'
    ELSE 'SELECT 1 AS sign, n.* FROM new_rows AS n JOIN old_rows AS o USING (id)
           WHERE n.status <> o.status
          UNION ALL
          SELECT -1 AS sign, o.* FROM new_rows AS n JOIN old_rows AS o USING (id)
           WHERE n.status <> o.status' END;
  ended bigint;
BEGIN
  EXECUTE format($sql$
    SELECT count(*) FROM (%s) AS c WHERE status <> 'in_progress' $sql$, changed) INTO ended;
  IF ended = 0 THEN
    RETURN NULL;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('aibridge_endings'));

  EXECUTE format($sql$
    INSERT INTO usage_totals AS t (initiator_id, grain, starts_at, provider_name, model, client,
      credential_kind, credential_hint, credential_fingerprint, interceptions, completed, failed,
      aborted, interrupted, failed_over, attempts, input_tokens, output_tokens, cache_read_tokens,
      cache_write_tokens, duration_ms)
    SELECT counted.initiator_id, grain, date_trunc(grain, started_at, 'UTC'), provider_name, model,
      client, credential_kind, credential_hint, coalesce(credential_fingerprint, ''),
      sum(sign), sum(sign * (status = 'completed')::int), sum(sign * (status = 'failed')::int),
      sum(sign * (status = 'aborted')::int), sum(sign * (status = 'interrupted')::int),
      sum(sign * failed_over::int), sum(sign * attempt_count), sum(sign * input_tokens),
      sum(sign * output_tokens), sum(sign * cache_read_tokens), sum(sign * cache_write_tokens),
      sum(sign * coalesce(duration_ms, 0))
    FROM (%s) AS c
    CROSS JOIN (VALUES ('hour'), ('day'), ('month')) AS grains(grain)
    CROSS JOIN LATERAL (VALUES (c.initiator_id), ('')) AS counted(initiator_id)
    WHERE status <> 'in_progress'
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    ON CONFLICT (initiator_id, grain, starts_at, provider_name, model, client, credential_kind,
      credential_hint, credential_fingerprint) DO UPDATE SET
      interceptions = t.interceptions + excluded.interceptions,
      completed = t.completed + excluded.completed,
      failed = t.failed + excluded.failed,
      aborted = t.aborted + excluded.aborted,
      interrupted = t.interrupted + excluded.interrupted,
      failed_over = t.failed_over + excluded.failed_over,
      attempts = t.attempts + excluded.attempts,
      input_tokens = t.input_tokens + excluded.input_tokens,
      output_tokens = t.output_tokens + excluded.output_tokens,
      cache_read_tokens = t.cache_read_tokens + excluded.cache_read_tokens,
      cache_write_tokens = t.cache_write_tokens + excluded.cache_write_tokens,
      duration_ms = t.duration_ms + excluded.duration_ms
    $sql$, changed);

  EXECUTE format($sql$
    INSERT INTO interception_endings (interception_id)
    SELECT id FROM (%s) AS c WHERE sign = 1 AND status <> 'in_progress' ORDER BY ended_at, id
    $sql$, changed);
  DELETE FROM interception_endings
   WHERE position <= (SELECT max(position) FROM interception_endings) - endings_kept;
  PERFORM pg_notify('aibridge_endings', '');
  RETURN NULL;
END $$;

CREATE TRIGGER "interceptions_inserted" AFTER INSERT ON "interceptions"
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION "count_ended_interceptions"();
CREATE TRIGGER "interceptions_updated" AFTER UPDATE ON "interceptions"
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION "count_ended_interceptions"();

-- What is there already is counted by being written once more.
LOCK TABLE "interceptions";
CREATE TEMPORARY TABLE "counted_late" AS SELECT * FROM "interceptions";
TRUNCATE "interceptions";
INSERT INTO "interceptions" SELECT * FROM "counted_late";
DROP TABLE "counted_late";

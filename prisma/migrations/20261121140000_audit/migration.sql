-- What callers and providers name is hashed: the text of an array quotes what it holds, and the hash
-- is one that nobody finds a second text for. No two kinds share an id, no two callers a key. The
-- database is UTF-8 for ever, so what PostgreSQL calls stable of an encoding does not change here.
CREATE FUNCTION "hash_of"(facts text[]) RETURNS uuid LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN encode(substr(sha256(convert_to(facts::text, 'UTF8')), 1, 16), 'hex')::uuid;
END $$;

-- No session is a session of its own.
CREATE FUNCTION "tool_call_key"(initiator_id text, session_id text, tool_call_id text)
RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN initiator_id IS NOT NULL AND tool_call_id IS NOT NULL
    THEN hash_of(ARRAY[initiator_id, session_id, tool_call_id]) END $$;

-- CreateTable
CREATE TABLE "schema_compatibility" (
    "since" TEXT NOT NULL,

    CONSTRAINT "schema_compatibility_pkey" PRIMARY KEY ("since")
);
INSERT INTO "schema_compatibility" VALUES ('20261121140000_audit');

-- CreateTable
CREATE TABLE "instances" (
    "id" UUID NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "heartbeat_at" TIMESTAMPTZ(3) NOT NULL,
    "version" TEXT NOT NULL,
    "host" TEXT NOT NULL,

    CONSTRAINT "instances_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "journal_marks" (
    "instance_id" UUID NOT NULL,
    "position" BIGINT NOT NULL,
    "events" INTEGER NOT NULL,
    "marked_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "journal_marks_pkey" PRIMARY KEY ("instance_id")
);

-- CreateTable
CREATE TABLE "interceptions" (
    "id" UUID NOT NULL,
    "instance_id" UUID NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "duration_ms" INTEGER,
    "initiator_id" TEXT NOT NULL,
    "initiator_metadata" JSONB NOT NULL DEFAULT '{}',
    "provider_type" TEXT NOT NULL,
    "provider_name" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "requested_model" TEXT NOT NULL,
    "message_id" TEXT,
    "served_model" TEXT,
    "purpose" TEXT NOT NULL DEFAULT 'main',
    "api" TEXT NOT NULL,
    "route" TEXT NOT NULL,
    "method" TEXT NOT NULL,
    "streaming" BOOLEAN NOT NULL,
    "client" TEXT NOT NULL,
    "user_agent" TEXT NOT NULL,
    "session_id" TEXT,
    "correlating_tool_call_id" TEXT,
    "thread_root_id" UUID,
    "thread_parent_id" UUID,
    "credential_kind" TEXT NOT NULL,
    "credential_hint" VARCHAR(15) NOT NULL,
    "credential_fingerprint" VARCHAR(12),
    "status" TEXT NOT NULL,
    "error_type" TEXT,
    "error_message" TEXT,
    "upstream_status" INTEGER,
    "attempt_count" INTEGER NOT NULL DEFAULT 0,
    "failed_over" BOOLEAN NOT NULL DEFAULT false,
    "input_tokens" BIGINT NOT NULL DEFAULT 0,
    "output_tokens" BIGINT NOT NULL DEFAULT 0,
    "cache_read_tokens" BIGINT NOT NULL DEFAULT 0,
    "cache_write_tokens" BIGINT NOT NULL DEFAULT 0,
    "usage_source" TEXT NOT NULL DEFAULT 'none',
    "first_byte_ms" INTEGER,
    "overhead_ms" DOUBLE PRECISION,
    "notes" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "content_mode" TEXT NOT NULL DEFAULT 'full',
    "kind_id" UUID GENERATED ALWAYS AS (hash_of(ARRAY["provider_type", "provider_name", "api", "model",
      "served_model", "purpose", "client", "credential_kind", "streaming"::text, "status", "error_type",
      "failed_over"::text])) STORED,

    CONSTRAINT "interceptions_pkey" PRIMARY KEY ("id")
) PARTITION BY RANGE ("id");

-- CreateTable
CREATE TABLE "interception_kinds" (
    "id" UUID NOT NULL,
    "provider_type" TEXT NOT NULL,
    "provider_name" TEXT NOT NULL,
    "api" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "served_model" TEXT,
    "purpose" TEXT NOT NULL,
    "client" TEXT NOT NULL,
    "credential_kind" TEXT NOT NULL,
    "streaming" BOOLEAN NOT NULL,
    "status" TEXT NOT NULL,
    "error_type" TEXT,
    "failed_over" BOOLEAN NOT NULL,

    CONSTRAINT "interception_kinds_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "usage_totals" (
    "grain" TEXT NOT NULL,
    "starts_at" TIMESTAMPTZ(3) NOT NULL,
    "initiator_id" TEXT NOT NULL,
    "provider_name" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "served_model" TEXT NOT NULL,
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

    CONSTRAINT "usage_totals_pkey" PRIMARY KEY ("initiator_id","grain","starts_at","provider_name","model","served_model","client","credential_kind","credential_hint","credential_fingerprint")
);

-- CreateTable
CREATE TABLE "usage_deltas" (
    "id" BIGSERIAL NOT NULL,
    "starts_at" TIMESTAMPTZ(3) NOT NULL,
    "initiator_id" TEXT NOT NULL,
    "provider_name" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "served_model" TEXT NOT NULL,
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

    CONSTRAINT "usage_deltas_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "interception_endings" (
    "position" BIGSERIAL NOT NULL,
    "transaction" BIGINT NOT NULL,
    "interception_id" UUID NOT NULL,

    CONSTRAINT "interception_endings_pkey" PRIMARY KEY ("transaction","position")
);

-- CreateTable
CREATE TABLE "attempts" (
    "id" UUID NOT NULL,
    "interception_id" UUID NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "turn" INTEGER NOT NULL,
    "credential_kind" TEXT NOT NULL,
    "credential_hint" VARCHAR(15) NOT NULL,
    "credential_fingerprint" VARCHAR(12),
    "status" INTEGER,
    "outcome" TEXT NOT NULL,
    "cooldown_ms" INTEGER,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "duration_ms" INTEGER,
    "error" TEXT,

    CONSTRAINT "attempts_pkey" PRIMARY KEY ("interception_id","id")
) PARTITION BY RANGE ("interception_id");

-- CreateTable
CREATE TABLE "token_usages" (
    "id" UUID NOT NULL,
    "interception_id" UUID NOT NULL,
    "message_id" TEXT,
    "input" BIGINT NOT NULL,
    "output" BIGINT NOT NULL,
    "cache_read" BIGINT NOT NULL,
    "cache_write" BIGINT NOT NULL,
    "extra" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "token_usages_pkey" PRIMARY KEY ("interception_id","id")
) PARTITION BY RANGE ("interception_id");

-- CreateTable
CREATE TABLE "prompts" (
    "id" UUID NOT NULL,
    "interception_id" UUID NOT NULL,
    "source" TEXT NOT NULL DEFAULT 'user',
    "text" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    -- Made by the database from the text, in no language in particular. Cut, because a tsvector over
    -- 1 MiB is an error and would refuse the record.
    "words" tsvector GENERATED ALWAYS AS (to_tsvector('simple', left("text", 100000))) STORED,

    CONSTRAINT "prompts_pkey" PRIMARY KEY ("interception_id","id")
) PARTITION BY RANGE ("interception_id");

-- CreateTable
CREATE TABLE "tool_usages" (
    "id" UUID NOT NULL,
    "interception_id" UUID NOT NULL,
    "message_id" TEXT,
    "tool_call_id" TEXT,
    "call_key" UUID,
    "tool" TEXT NOT NULL,
    "server_url" TEXT,
    "injected" BOOLEAN NOT NULL,
    "error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "tool_usages_pkey" PRIMARY KEY ("interception_id","id")
) PARTITION BY RANGE ("interception_id");

-- CreateTable
CREATE TABLE "tool_inputs" (
    "id" UUID NOT NULL,
    "interception_id" UUID NOT NULL,
    "input" TEXT NOT NULL,

    CONSTRAINT "tool_inputs_pkey" PRIMARY KEY ("interception_id","id")
) PARTITION BY RANGE ("interception_id");

-- CreateTable
CREATE TABLE "unlinked_calls" (
    "call_key" UUID NOT NULL,
    "interception_id" UUID NOT NULL,
    "noted_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "unlinked_calls_pkey" PRIMARY KEY ("call_key","interception_id")
);

-- CreateTable
CREATE TABLE "thoughts" (
    "id" UUID NOT NULL,
    "interception_id" UUID NOT NULL,
    "message_id" TEXT,
    "source" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "thoughts_pkey" PRIMARY KEY ("interception_id","id")
) PARTITION BY RANGE ("interception_id");

-- CreateTable
CREATE TABLE "key_states" (
    "provider" TEXT NOT NULL,
    "fingerprint" VARCHAR(12) NOT NULL,
    "scope" TEXT NOT NULL DEFAULT '',
    "hint" VARCHAR(15) NOT NULL,
    "cooldown_reason" TEXT,
    "cooldown_status" INTEGER,
    "cooldown_at" TIMESTAMPTZ(3),
    "cooling_until" TIMESTAMPTZ(3),
    "rejection_reason" TEXT,
    "rejection_status" INTEGER,
    "rejected_at" TIMESTAMPTZ(3),
    "reset_at" TIMESTAMPTZ(3),
    "checked_at" TIMESTAMPTZ(3),
    "changed_at" TIMESTAMPTZ(3) NOT NULL,
    "changed_by" UUID NOT NULL,

    CONSTRAINT "key_states_pkey" PRIMARY KEY ("provider","fingerprint","scope")
);

-- CreateTable
CREATE TABLE "key_events" (
    "id" UUID NOT NULL,
    "provider" TEXT NOT NULL,
    "fingerprint" VARCHAR(12) NOT NULL,
    "scope" TEXT NOT NULL DEFAULT '',
    "hint" VARCHAR(15) NOT NULL,
    "previous_state" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "cooling_until" TIMESTAMPTZ(3),
    "cooldown_ms" INTEGER,
    "reason" TEXT NOT NULL,
    "status" INTEGER,
    "changed_by" UUID NOT NULL,
    "actor" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "key_events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "bridge_tokens" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "bridge_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "interceptions_initiator_id_id_idx" ON "interceptions"("initiator_id", "id");

-- CreateIndex
CREATE INDEX "interceptions_kind_id_id_idx" ON "interceptions"("kind_id", "id");

-- CreateIndex
CREATE INDEX "interceptions_initiator_id_kind_id_id_idx" ON "interceptions"("initiator_id", "kind_id", "id");

-- CreateIndex
CREATE INDEX "interceptions_credential_hint_id_idx" ON "interceptions"("credential_hint", "id");

-- CreateIndex
CREATE INDEX "interceptions_credential_fingerprint_id_idx" ON "interceptions"("credential_fingerprint", "id") WHERE ("credential_fingerprint" IS NOT NULL);

-- CreateIndex
CREATE INDEX "interceptions_session_id_id_idx" ON "interceptions"("session_id", "id") WHERE ("session_id" IS NOT NULL);

-- CreateIndex
CREATE INDEX "interceptions_duration_ms_id_idx" ON "interceptions"("duration_ms", "id");

-- CreateIndex
CREATE INDEX "interceptions_thread_root_id_id_idx" ON "interceptions"("thread_root_id", "id") WHERE ("thread_root_id" IS NOT NULL);

-- CreateIndex
CREATE INDEX "interceptions_unended_idx" ON "interceptions"("instance_id") WHERE ((status = ANY (ARRAY['in_progress'::text, 'interrupted'::text])));

-- CreateIndex
CREATE INDEX "usage_totals_grain_starts_at_initiator_id_idx" ON "usage_totals"("grain", "starts_at", "initiator_id") WHERE ("initiator_id" <> '');

-- CreateIndex
CREATE INDEX "prompts_words_idx" ON "prompts" USING GIN ("words");

-- CreateIndex
CREATE INDEX "tool_usages_tool_interception_id_idx" ON "tool_usages"("tool", "interception_id");

-- CreateIndex
CREATE INDEX "tool_usages_call_key_interception_id_idx" ON "tool_usages"("call_key", "interception_id") WHERE ("call_key" IS NOT NULL);

-- CreateIndex
CREATE INDEX "unlinked_calls_noted_at_idx" ON "unlinked_calls"("noted_at");

-- CreateIndex
CREATE INDEX "key_events_provider_fingerprint_id_idx" ON "key_events"("provider", "fingerprint", "id");

-- CreateIndex
CREATE UNIQUE INDEX "bridge_tokens_token_hash_key" ON "bridge_tokens"("token_hash");

-- CreateIndex
CREATE INDEX "bridge_tokens_owner_idx" ON "bridge_tokens"("owner");

-- What schema.prisma cannot say.

ALTER TABLE "key_states" SET (fillfactor = 70);
ALTER TABLE "instances" SET (fillfactor = 70);
ALTER TABLE "journal_marks" SET (fillfactor = 70);

-- Defaults wait for a fifth of the table. These are small, and nearly every write to them changes or
-- deletes a row that is there already; the settings of records' tables are given to their partitions.
ALTER TABLE "usage_totals" SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE "usage_deltas" SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
ALTER TABLE "interception_endings" SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE "unlinked_calls" SET (autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX "interceptions_total_tokens_idx" ON "interceptions"
  (("input_tokens" + "output_tokens" + "cache_read_tokens" + "cache_write_tokens"));

-- Filters rest on estimates of how frequent a value is. Many people share one bridge: a hundred
-- values, as is the default, would leave most of them to a guess.
ALTER TABLE "interceptions" ALTER COLUMN "initiator_id" SET STATISTICS 1000;
ALTER TABLE "tool_usages" ALTER COLUMN "tool" SET STATISTICS 1000;

-- Before all others, and as long as it is there, none of them has been purged.
INSERT INTO "interception_endings" ("transaction", "position", "interception_id")
VALUES (0, 0, '00000000-0000-0000-0000-000000000000');

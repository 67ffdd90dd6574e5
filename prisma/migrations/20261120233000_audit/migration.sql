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

    CONSTRAINT "interceptions_pkey" PRIMARY KEY ("id")
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
    "duration_ms" INTEGER NOT NULL,
    "error" TEXT,

    CONSTRAINT "attempts_pkey" PRIMARY KEY ("id")
);

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

    CONSTRAINT "token_usages_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "prompts" (
    "id" UUID NOT NULL,
    "interception_id" UUID NOT NULL,
    "message_id" TEXT,
    "text" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "prompts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tool_usages" (
    "id" UUID NOT NULL,
    "interception_id" UUID NOT NULL,
    "message_id" TEXT,
    "tool_call_id" TEXT,
    "tool" TEXT NOT NULL,
    "server_url" TEXT,
    "input" TEXT,
    "injected" BOOLEAN NOT NULL,
    "error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "tool_usages_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "thoughts" (
    "id" UUID NOT NULL,
    "interception_id" UUID NOT NULL,
    "message_id" TEXT,
    "source" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "thoughts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "key_states" (
    "provider" TEXT NOT NULL,
    "fingerprint" VARCHAR(12) NOT NULL,
    "scope" TEXT NOT NULL DEFAULT '',
    "hint" VARCHAR(15) NOT NULL,
    "state" TEXT NOT NULL,
    "cooling_until" TIMESTAMPTZ(3),
    "reason" TEXT NOT NULL,
    "status" INTEGER,
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
CREATE INDEX "instances_heartbeat_at_idx" ON "instances"("heartbeat_at");

-- CreateIndex
CREATE INDEX "interceptions_initiator_id_id_idx" ON "interceptions"("initiator_id", "id");

-- CreateIndex
CREATE INDEX "interceptions_provider_name_id_idx" ON "interceptions"("provider_name", "id");

-- CreateIndex
CREATE INDEX "interceptions_model_id_idx" ON "interceptions"("model", "id");

-- CreateIndex
CREATE INDEX "interceptions_client_id_idx" ON "interceptions"("client", "id");

-- CreateIndex
CREATE INDEX "interceptions_api_id_idx" ON "interceptions"("api", "id");

-- CreateIndex
CREATE INDEX "interceptions_status_id_idx" ON "interceptions"("status", "id");

-- CreateIndex
CREATE INDEX "interceptions_credential_hint_id_idx" ON "interceptions"("credential_hint", "id");

-- CreateIndex
CREATE INDEX "interceptions_credential_fingerprint_id_idx" ON "interceptions"("credential_fingerprint", "id") WHERE ("credential_fingerprint" IS NOT NULL);

-- CreateIndex
CREATE INDEX "interceptions_session_id_id_idx" ON "interceptions"("session_id", "id") WHERE ("session_id" IS NOT NULL);

-- CreateIndex
CREATE INDEX "interceptions_error_type_id_idx" ON "interceptions"("error_type", "id") WHERE ("error_type" IS NOT NULL);

-- CreateIndex
CREATE INDEX "interceptions_in_progress_idx" ON "interceptions"("instance_id") WHERE ("status" = 'in_progress');

-- CreateIndex
CREATE INDEX "attempts_interception_id_idx" ON "attempts"("interception_id");

-- CreateIndex
CREATE INDEX "token_usages_interception_id_idx" ON "token_usages"("interception_id");

-- CreateIndex
CREATE INDEX "prompts_interception_id_idx" ON "prompts"("interception_id");

-- CreateIndex
CREATE INDEX "tool_usages_interception_id_idx" ON "tool_usages"("interception_id");

-- CreateIndex
CREATE INDEX "tool_usages_tool_interception_id_idx" ON "tool_usages"("tool", "interception_id");

-- CreateIndex
CREATE INDEX "tool_usages_tool_call_id_idx" ON "tool_usages"("tool_call_id") WHERE ("tool_call_id" IS NOT NULL);

-- CreateIndex
CREATE INDEX "thoughts_interception_id_idx" ON "thoughts"("interception_id");

-- CreateIndex
CREATE INDEX "key_events_provider_fingerprint_id_idx" ON "key_events"("provider", "fingerprint", "id");

-- CreateIndex
CREATE UNIQUE INDEX "bridge_tokens_token_hash_key" ON "bridge_tokens"("token_hash");

-- CreateIndex
CREATE INDEX "bridge_tokens_owner_idx" ON "bridge_tokens"("owner");

-- What schema.prisma cannot say.

-- Full-text search over prompts, in no language in particular. Cut, because a tsvector over 1 MiB is
-- an error and would refuse the record. A query has to use exactly this expression.
CREATE INDEX "prompts_text_search_idx" ON "prompts" USING GIN (to_tsvector('simple', left("text", 100000)));

-- Each interception is updated once, soon after its insert: room for the new row on the same page.
ALTER TABLE "interceptions" SET (fillfactor = 85);
ALTER TABLE "key_states" SET (fillfactor = 70);
ALTER TABLE "instances" SET (fillfactor = 70);

-- Defaults wait for a share of the table (a fifth), which at tens of millions of rows means long
-- waits and then long runs. Small, frequent runs also keep the visibility map fresh for index-only scans.
ALTER TABLE "interceptions" SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.01);
ALTER TABLE "attempts" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "token_usages" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "prompts" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "tool_usages" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "thoughts" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

-- DropIndex
DROP INDEX "interceptions_api_id_idx";

-- DropIndex
DROP INDEX "interceptions_client_id_idx";

-- DropIndex
DROP INDEX "interceptions_credential_kind_id_idx";

-- DropIndex
DROP INDEX "interceptions_error_type_id_idx";

-- DropIndex
DROP INDEX "interceptions_failed_over_idx";

-- DropIndex
DROP INDEX "interceptions_model_id_idx";

-- DropIndex
DROP INDEX "interceptions_provider_name_id_idx";

-- DropIndex
DROP INDEX "interceptions_provider_type_id_idx";

-- DropIndex
DROP INDEX "interceptions_status_id_idx";

-- DropIndex
DROP INDEX "interceptions_streaming_id_idx";

-- What schema.prisma cannot say: estimates of combinations, which are known exactly from here on.
DROP STATISTICS "interceptions_combinations";

-- CreateTable
CREATE TABLE "interception_kinds" (
    "id" UUID NOT NULL,
    "provider_type" TEXT NOT NULL,
    "provider_name" TEXT NOT NULL,
    "api" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "client" TEXT NOT NULL,
    "credential_kind" TEXT NOT NULL,
    "streaming" BOOLEAN NOT NULL,
    "status" TEXT NOT NULL,
    "error_type" TEXT,
    "failed_over" BOOLEAN NOT NULL,

    CONSTRAINT "interception_kinds_pkey" PRIMARY KEY ("id")
);

-- Models and error types are named by callers and providers. The text of an array quotes what it
-- holds, and the hash is one that nobody finds a second text for: no two kinds share an id.
CREATE FUNCTION "interception_kind_id"(VARIADIC facts text[]) RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT encode(substr(sha256(convert_to(facts::text, 'UTF8')), 1, 16), 'hex')::uuid $$;

-- AlterTable
ALTER TABLE "interceptions" ADD COLUMN     "kind_id" UUID;

-- One rewrite of the table, and no trigger runs for what is there already.
ALTER TABLE "interceptions" ALTER COLUMN "kind_id" SET DATA TYPE UUID USING
  "interception_kind_id"(provider_type, provider_name, api, model, client, credential_kind,
    streaming::text, status, error_type, failed_over::text);
ALTER TABLE "interceptions" ALTER COLUMN "kind_id" SET NOT NULL;
INSERT INTO "interception_kinds"
  SELECT DISTINCT ON (kind_id) kind_id, provider_type, provider_name, api, model, client,
    credential_kind, streaming, status, error_type, failed_over
  FROM "interceptions";

-- CreateIndex
CREATE INDEX "interceptions_kind_id_id_idx" ON "interceptions"("kind_id", "id");

-- CreateIndex
CREATE INDEX "interceptions_initiator_id_kind_id_id_idx" ON "interceptions"("initiator_id", "kind_id", "id");

CREATE FUNCTION "set_interception_kind"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.kind_id := interception_kind_id(NEW.provider_type, NEW.provider_name, NEW.api, NEW.model,
    NEW.client, NEW.credential_kind, NEW.streaming::text, NEW.status, NEW.error_type,
    NEW.failed_over::text);
  RETURN NEW;
END $$;

-- A kind that has no record is purged under the same lock, taken alone: a record whose kind were
-- purged while it is being written would be in no list. A kind that another transaction is writing
-- is waited for, so this comes after the lock for endings: triggers run in the order of their names.
CREATE FUNCTION "note_interception_kinds"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtext('aibridge_kinds'));
  INSERT INTO interception_kinds (id, provider_type, provider_name, api, model, client,
    credential_kind, streaming, status, error_type, failed_over)
  SELECT DISTINCT ON (kind_id) kind_id, provider_type, provider_name, api, model, client,
    credential_kind, streaming, status, error_type, failed_over
  FROM new_rows ORDER BY kind_id
  ON CONFLICT (id) DO NOTHING;
  RETURN NULL;
END $$;

CREATE TRIGGER "interceptions_set_kind" BEFORE INSERT OR UPDATE ON "interceptions"
  FOR EACH ROW EXECUTE FUNCTION "set_interception_kind"();
CREATE TRIGGER "interceptions_inserted_kinds" AFTER INSERT ON "interceptions"
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION "note_interception_kinds"();
CREATE TRIGGER "interceptions_updated_kinds" AFTER UPDATE ON "interceptions"
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION "note_interception_kinds"();

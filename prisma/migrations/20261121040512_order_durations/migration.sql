-- DropIndex
DROP INDEX "interceptions_duration_ms_idx";

-- CreateIndex
CREATE INDEX "interceptions_duration_ms_id_idx" ON "interceptions"("duration_ms", "id");

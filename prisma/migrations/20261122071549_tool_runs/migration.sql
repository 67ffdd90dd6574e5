-- AlterTable
ALTER TABLE "tool_usages" ADD COLUMN     "duration_ms" INTEGER,
ADD COLUMN     "result_bytes" INTEGER;

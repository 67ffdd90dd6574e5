-- What schema.prisma cannot say: a column that the database makes from another, in no language in
-- particular. Cut, because a tsvector over 1 MiB is an error and would refuse the record.
DROP INDEX "prompts_text_search_idx";

-- AlterTable
ALTER TABLE "prompts" ADD COLUMN     "words" tsvector
  GENERATED ALWAYS AS (to_tsvector('simple', left("text", 100000))) STORED;

-- CreateIndex
CREATE INDEX "prompts_words_idx" ON "prompts" USING GIN ("words");

-- AlterTable
ALTER TABLE "key_states" ADD COLUMN     "cooldown_guessed" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "key_states" DROP COLUMN "reason",
DROP COLUMN "state",
DROP COLUMN "status",
ADD COLUMN     "checked_at" TIMESTAMPTZ(3),
ADD COLUMN     "cooldown_at" TIMESTAMPTZ(3),
ADD COLUMN     "cooldown_reason" TEXT,
ADD COLUMN     "cooldown_status" INTEGER,
ADD COLUMN     "rejected_at" TIMESTAMPTZ(3),
ADD COLUMN     "rejection_reason" TEXT,
ADD COLUMN     "rejection_status" INTEGER,
ADD COLUMN     "reset_at" TIMESTAMPTZ(3);

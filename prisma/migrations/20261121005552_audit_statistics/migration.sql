-- Providers, models and clients go together: a guess that multiplies how frequent each is finds
-- combinations likely that do not exist, and then reads the whole table backwards for a first page.
CREATE STATISTICS "interceptions_combinations" (mcv)
  ON "provider_name", "model", "client", "status" FROM "interceptions";
ALTER STATISTICS "interceptions_combinations" SET STATISTICS 1000;

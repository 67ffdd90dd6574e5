-- Providers, models, clients and keys go together: a guess that multiplies how frequent each is finds
-- combinations likely that do not exist, and then reads the whole table backwards for a first page.
CREATE STATISTICS "interceptions_combinations" (mcv, dependencies)
  ON "provider_name", "provider_type", "model", "client", "api", "status", "credential_kind", "credential_hint"
  FROM "interceptions";
ALTER STATISTICS "interceptions_combinations" SET STATISTICS 1000;

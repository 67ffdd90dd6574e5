export { BridgeConfig } from './settings/bridge-config.ts';
export type {
  AuditConfig,
  BreakerConfig,
  DatabaseConfig,
  IdentityConfig,
  IdentityMethod,
  JwtConfig,
  KeysConfig,
  LogConfig,
  McpConfig,
  McpServerConfig,
  ProviderConfig,
  ServerConfig,
} from './settings/bridge-config.ts';
export type { HeaderTemplate, SecretHeader } from './values/header-types.ts';
export { SafePattern } from './values/safe-pattern.ts';
export type { CidrList } from './values/cidr-list.ts';
export type { ProxyAddress } from './values/proxy-types.ts';
export { keysFileParser } from './reading/keys-file-parser.ts';
export type { KeyList } from './reading/key-list.ts';
export { deepFreeze } from './reading/deep-freeze.ts';
export { parseConfig } from './reading/parse-config.ts';
export type { ParsedConfig } from './reading/parse-config.ts';

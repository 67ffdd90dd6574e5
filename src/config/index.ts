export { BridgeConfig } from './bridge-config.ts';
export type {
  AuditConfig,
  AwsCredentials,
  BedrockConfig,
  BreakerConfig,
  DatabaseConfig,
  IdentityConfig,
  IdentityMethod,
  JwtConfig,
  KeysConfig,
  LogConfig,
  McpServerConfig,
  ProviderConfig,
  ProviderType,
  ServerConfig,
} from './bridge-config.ts';
export type { CidrList } from './cidr-list.ts';
export { parseKeysFile } from './key-list.ts';
export type { KeyList } from './key-list.ts';
export { parseConfig } from './parse-config.ts';
export type { ParsedConfig } from './parse-config.ts';

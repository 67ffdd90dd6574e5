import { Module, type DynamicModule } from '@nestjs/common';
import { AdminModule } from './admin/admin.module.ts';
import { API_DOCUMENT } from './app.document.ts';
import { AuditModule } from './audit/audit.module.ts';
import type { BridgeConfig } from './config/index.ts';
import { ConfigModule } from './config/config.module.ts';
import { ClockModule } from './core/clock.module.ts';
import { DatabaseModule } from './database/index.ts';
import { HealthModule } from './health/health.module.ts';
import { IdentityModule } from './identity/identity.module.ts';
import { InterceptionModule } from './interception/interception.module.ts';
import { KeyRecheckModule } from './keypool/recheck/key-recheck.module.ts';
import { KeypoolModule } from './keypool/keypool.module.ts';
import { McpModule } from './mcp/mcp.module.ts';
import { OpenApiModule } from './openapi/openapi.module.ts';
import { RecordingModule } from './recording/recording.module.ts';
import type { Logger } from './telemetry/index.ts';
import { TelemetryModule } from './telemetry/telemetry.module.ts';
import { UpstreamModule } from './upstream/upstream.module.ts';

@Module({})
export class AppModule {
  /** Every module is told what it stands on, so the graph of the parts can be read here. */
  static register(config: BridgeConfig, logger: Logger): DynamicModule {
    const clock = { module: ClockModule };
    const configuration = ConfigModule.register(config);
    const telemetry = TelemetryModule.register(logger);
    const ground = [configuration, clock, telemetry];
    const database = DatabaseModule.register(configuration);
    const identity = IdentityModule.register(ground);
    const keypool = KeypoolModule.register([...ground, database]);
    const recording = RecordingModule.register([...ground, database]);
    const upstream = UpstreamModule.register([...ground, keypool]);
    const recheck = KeyRecheckModule.register([...ground, keypool, upstream]);
    const mcp = McpModule.register(ground);
    const served = [identity, upstream, recording, mcp];
    const interception = InterceptionModule.register([...ground, ...served]);
    const audit = AuditModule.register([configuration, clock, identity, database]);
    const admin = AdminModule.register([configuration, identity, keypool, upstream, recheck, mcp]);
    const health = HealthModule.register([interception, recording, database, mcp]);
    const openapi = OpenApiModule.register(API_DOCUMENT);
    return { module: AppModule, imports: [interception, recheck, audit, admin, openapi, health] };
  }
}

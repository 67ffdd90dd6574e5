import { Module, type DynamicModule } from '@nestjs/common';
import { McpServersService } from './mcp-servers.service.ts';

@Module({})
export class McpModule {
  static register(imports: readonly DynamicModule[]): DynamicModule {
    return {
      module: McpModule,
      imports: [...imports],
      providers: [McpServersService],
      exports: [McpServersService],
    };
  }
}

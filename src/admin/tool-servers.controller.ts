import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { AuditorGuard } from '../identity/index.ts';
import { McpServersService } from '../mcp/mcp-servers.service.ts';
import { noParameters, type NoParameters } from '../openapi/index.ts';
import { toolServerItem, type ToolServersAnswer } from './tool-server-shape.ts';

/** The servers of tools for operators, as this process is connected to them. */
@Controller('api/v1/mcp')
export class ToolServersController {
  constructor(private readonly servers: McpServersService) {}

  @Get()
  @UseGuards(AuditorGuard)
  list(@Query({ schema: noParameters }) _none: NoParameters): ToolServersAnswer {
    return { items: this.servers.snapshots.map((snapshot) => toolServerItem(snapshot)) };
  }
}

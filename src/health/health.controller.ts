import { Controller, Get, Res } from '@nestjs/common';
import type { Response } from 'express';
import { ReadinessService } from './readiness.service.ts';

@Controller()
export class HealthController {
  constructor(private readonly readiness: ReadinessService) {}

  /** The process lives and listens. */
  @Get('healthz')
  health(): { status: string } {
    return { status: 'ok' };
  }

  /** It can take traffic; otherwise why not. */
  @Get('readyz')
  ready(@Res() res: Response): void {
    const reasons = this.readiness.reasonsAgainst();
    const { reading, toolServers } = this.readiness;
    const reads = reading && { from: reading.from, standbyLagSeconds: seconds(reading.behindMs) };
    if (reasons.length === 0) res.json({ status: 'ready', reads, toolServers });
    else res.status(503).json({ status: 'unavailable', reasons, reads, toolServers });
  }
}

/** Null: nobody can tell. */
function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms) / 1_000;
}

import { Module } from '@nestjs/common';
import { Clock, SystemClock } from './clock.ts';

@Module({ providers: [{ provide: Clock, useClass: SystemClock }], exports: [Clock] })
export class ClockModule {}

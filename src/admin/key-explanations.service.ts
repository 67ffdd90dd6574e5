import { Injectable } from '@nestjs/common';
import { KeyRecheck } from '../keypool/index.ts';
import { ProviderInstancesService } from '../upstream/provider-instances.service.ts';
import type { KeyExplanation } from './key-explanation-shape.ts';
import { keyExplanation } from './key-explanation.ts';
import type { KeyExplanationQuery } from './key-query.ts';

/** What the next call would do with the keys, for operators who wonder. */
@Injectable()
export class KeyExplanationsService {
  constructor(
    private readonly instances: ProviderInstancesService,
    private readonly recheck: KeyRecheck,
  ) {}

  /** Undefined when there is no such provider. */
  explain({ provider, model }: KeyExplanationQuery): KeyExplanation | undefined {
    const instance = this.instances.all.find(({ name }) => name === provider);
    return instance && keyExplanation(instance, model, (key) => this.recheck.plannedMs(key));
  }
}

import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { BridgeConfig, keysFileParser, type ProviderConfig } from '../../config/index.ts';
import { Logger } from '../../telemetry/index.ts';
import { KeyPoolsService } from '../pool/key-pools.service.ts';
import { KeysFile } from './keys-file.ts';

/** Takes over what operators write into the files of keys. A file with a mistake in it changes nothing. */
@Injectable()
export class KeysFilesService implements OnModuleInit, OnModuleDestroy {
  readonly #files: readonly KeysFile[];

  constructor(
    config: BridgeConfig,
    private readonly pools: KeyPoolsService,
    private readonly logger: Logger,
  ) {
    this.#files = config.providers.flatMap((provider) =>
      provider.keysFile === undefined ? [] : [this.#watch(provider, provider.keysFile)],
    );
  }

  onModuleInit(): void {
    for (const file of this.#files) file.start();
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.stop()));
  }

  #watch({ name: provider, type }: ProviderConfig, file: string): KeysFile {
    const parse = keysFileParser(type);
    const keep = (problems: readonly string[]): void => {
      this.logger.warn('keys not reloaded: the old ones stay', { provider, file, problems });
    };
    return new KeysFile({
      path: file,
      onText: (text) => {
        const list = parse(text);
        if (list.kind === 'invalid') keep(list.problems);
        else this.pools.replaceKeys(provider, list.keys);
      },
      onUnreadable: (reason) => keep([reason]),
    });
  }
}

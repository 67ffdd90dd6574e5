import { once } from 'node:events';
import { createServer, request, type ServerResponse } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { readerGone } from './reader-gone.ts';

// A reader may leave while the question is still being answered, before anybody looks.
it.each(['before', 'after'])('tells of a reader who leaves %s it is watched for', async (when) => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const reader = request({ port: Object(server.address()).port });
  reader.on('error', () => undefined).end();
  const [, res]: ServerResponse[] = await once(server, 'request');
  if (res === undefined) throw new Error('no request');
  const watched = when === 'after' ? readerGone(res) : undefined;
  expect(watched?.aborted).not.toBe(true);
  const closed = once(res, 'close');
  reader.destroy();
  await closed;
  expect((watched ?? readerGone(res)).aborted).toBe(true);
});

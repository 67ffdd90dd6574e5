import { open } from 'node:fs/promises';

const READ_BYTES = 256 * 1024;
const LINE_FEED = 0x0a;

/** The lines of a file, without their line feeds; what follows the last one is a line as well. */
export async function* linesOf(file: string): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  for await (const chunk of chunksOf(file)) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end)]);
      parts = [];
      start = end + 1;
    }
    // A copy: the chunk is read into again.
    if (start < chunk.length) parts.push(Buffer.from(chunk.subarray(start)));
  }
  if (parts.length > 0) yield Buffer.concat(parts);
}

export async function countLines(file: string): Promise<number> {
  let count = 0;
  let isOpen = false;
  for await (const chunk of chunksOf(file)) {
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, at + 1)) {
      count += 1;
    }
    isOpen = chunk.at(-1) !== LINE_FEED;
  }
  return isOpen ? count + 1 : count;
}

/** Each is valid until the next is asked for. */
async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  const handle = await open(file, 'r');
  try {
    const buffer = Buffer.alloc(READ_BYTES);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

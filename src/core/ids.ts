import { randomFillSync } from 'node:crypto';

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const RANDOM_POOL_BYTES = 8_192;
const pool = new Uint8Array(RANDOM_POOL_BYTES);
let poolOffset = RANDOM_POOL_BYTES;
let lastMs = 0;
let lastTime = '';
let sequence = 0;

/**
 * A UUID v7 whose text order is creation order within this process, also inside
 * one millisecond: the 12 bits after the time are a counter with a random start.
 */
export function uuidv7(nowMs: number): string {
  if (poolOffset + 10 > RANDOM_POOL_BYTES) {
    randomFillSync(pool);
    poolOffset = 0;
  }
  const offset = poolOffset;
  poolOffset += 10;
  if (nowMs > lastMs) {
    startMillisecond(nowMs);
    sequence = (((pool[offset] ?? 0) << 8) | (pool[offset + 1] ?? 0)) & 0x7ff;
  } else if (++sequence > 0xfff) {
    startMillisecond(lastMs + 1);
    sequence = 0;
  }
  const counter = (HEX[sequence >> 4] ?? '') + (HEX[sequence & 0xf]?.[1] ?? '');
  return `${lastTime}-7${counter}-${randomTail(offset + 2)}`;
}

/** Many ids share a millisecond, so its text is made once. */
function startMillisecond(ms: number): void {
  lastMs = ms;
  lastTime = timeText(ms);
}

function timeText(ms: number): string {
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}`;
}

function randomTail(offset: number): string {
  let text = HEX[((pool[offset] ?? 0) & 0x3f) | 0x80] ?? '';
  for (let index = 1; index < 8; index++) {
    if (index === 2) text += '-';
    text += HEX[pool[offset + index] ?? 0] ?? '';
  }
  return text;
}

/** Below every id made at this time or later, and above every one made before: times as ranges of ids. */
export function firstIdAt(epochMs: number): string {
  return `${timeText(Math.max(0, Math.trunc(epochMs)))}-7000-8000-000000000000`;
}

/** The time with which an id begins. */
export function timeOfId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

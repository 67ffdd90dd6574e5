import type { Delivery } from './behaviours/delivery.ts';
import type { Step } from './plan.ts';

type Split = NonNullable<Delivery['split']>;

/** The same bytes in other pieces, wherever the events begin and end; pauses stay where they are. */
export function splitWrites(steps: readonly Step[], split: Split): readonly Step[] {
  const result: Step[] = [];
  let offset = 0;
  let run: Buffer[] = [];
  const flush = (): void => {
    const bytes = Buffer.concat(run);
    run = [];
    for (const piece of splitBytes(bytes, offset, split))
      result.push({ do: 'write', bytes: piece });
    offset += bytes.length;
  };
  for (const step of steps) {
    if (step.do === 'write') {
      run.push(step.bytes);
      continue;
    }
    flush();
    result.push(step);
  }
  flush();
  return result;
}

function splitBytes(bytes: Buffer, offset: number, split: Split): Buffer[] {
  const ends = [...endsWithin(bytes.length, offset, split), bytes.length];
  return ends
    .map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
    .filter((piece) => piece.length > 0);
}

/** Where pieces end inside these bytes, the first of which is at `offset` of the body. */
function endsWithin(length: number, offset: number, split: Split): number[] {
  if ('at' in split) {
    return split.at
      .map((end) => end - offset)
      .filter((end) => end > 0 && end < length)
      .toSorted((a, b) => a - b);
  }
  const ends: number[] = [];
  const first = split.every - (offset % split.every);
  for (let end = first; end < length; end += split.every) ends.push(end);
  return ends;
}

import type { Behaviour, HeaderBag } from './behaviours/behaviour.ts';
import type { Cut, Delivery } from './behaviours/delivery.ts';
import type { Call } from './call.ts';
import { contentOf, type Content } from './content.ts';
import { splitWrites } from './split.ts';

/** One thing done to the connection. */
export type Step =
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'head'; readonly status: number; readonly headers: HeaderBag }
  | { readonly do: 'write'; readonly bytes: Buffer }
  | { readonly do: 'write_socket'; readonly bytes: Buffer }
  | { readonly do: 'end' }
  | { readonly do: 'cut'; readonly how: Cut['end'] };

/** What will happen to a call, worked out to the last byte before any of it does. */
export function planFor(call: Call, behaviour: Behaviour, uniqueIds: boolean): readonly Step[] {
  const delivery = behaviour.delivery ?? {};
  const reply = behaviour.reply ?? { kind: 'answer', answer: {} };
  const before = waiting(delivery.headersAfterMs);
  if (reply.kind === 'reset') return [...before, { do: 'cut', how: 'reset' }];
  if (reply.kind === 'socket_bytes') {
    return [...before, { do: 'write_socket', bytes: reply.bytes }];
  }
  const content = contentOf(call, reply, behaviour, uniqueIds);
  return [...before, head(content, delivery), ...bodySteps(content.parts, delivery)];
}

function head(content: Content, delivery: Delivery): Step {
  const { 'content-length': length, ...rest } = content.headers;
  // Half an answer can only end cleanly when its length was not announced.
  const isChunked = length === undefined || delivery.cut?.end === 'clean';
  return { do: 'head', status: content.status, headers: isChunked ? rest : content.headers };
}

function bodySteps(whole: readonly Buffer[], delivery: Delivery): readonly Step[] {
  const { cut, stall, split } = delivery;
  const parts = breaksAtEvent(delivery) && whole.length === 1 ? whole.flatMap(halves) : whole;
  // A break that is scripted happens: before the last event at the latest.
  const last = parts.length - 1;
  const sent =
    cut?.afterEvents === undefined ? parts : parts.slice(0, Math.min(cut.afterEvents, last));
  const stallAt = stall === undefined ? -1 : Math.min(stall.afterEvents, last);
  const steps = sent.flatMap((bytes, index): Step[] => [
    ...waiting(pauseBefore(index, delivery)),
    ...(stallAt === index ? waiting(stall?.forMs) : []),
    { do: 'write', bytes },
  ]);
  const bounded = cut?.afterBytes === undefined ? steps : firstBytes(steps, cut.afterBytes);
  const body = split === undefined ? bounded : splitWrites(bounded, split);
  return [...body, cut === undefined ? { do: 'end' } : { do: 'cut', how: cut.end }];
}

function breaksAtEvent(delivery: Delivery): boolean {
  return delivery.cut?.afterEvents !== undefined || delivery.stall !== undefined;
}

/** A body that is no stream breaks in its middle. */
function halves(bytes: Buffer): Buffer[] {
  const middle = Math.ceil(bytes.length / 2);
  return [bytes.subarray(0, middle), bytes.subarray(middle)];
}

function pauseBefore(index: number, delivery: Delivery): number | undefined {
  return index === 0 ? delivery.firstEventAfterMs : delivery.betweenEventsMs;
}

function waiting(ms = 0): Step[] {
  return ms > 0 ? [{ do: 'wait', ms }] : [];
}

/** The steps up to and with the byte before this offset of the body. */
function firstBytes(steps: readonly Step[], offset: number): readonly Step[] {
  const kept: Step[] = [];
  let left = offset;
  for (const step of steps) {
    if (left <= 0) break;
    if (step.do !== 'write') {
      kept.push(step);
      continue;
    }
    kept.push({ do: 'write', bytes: step.bytes.subarray(0, left) });
    left -= step.bytes.length;
  }
  return kept;
}

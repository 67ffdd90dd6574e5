import { objectAt, stringAt, type JsonObject } from '../../../core/json.ts';
import type { ThoughtFinding } from '../api.ts';
import { isCommentary } from './output-item.ts';

interface OpenThought {
  readonly source: ThoughtFinding['source'];
  readonly pieces: string[];
}

const TEXT_DELTA = 'response.output_text.delta';
const SOURCES: Readonly<Record<string, ThoughtFinding['source']>> = {
  'response.reasoning_summary_text.delta': 'reasoning_summary',
  'response.reasoning_text.delta': 'thinking',
  [TEXT_DELTA]: 'commentary',
};

/** Thoughts whose items are not complete yet: one that was cut off was still thought. */
export class OpenThoughts {
  /** The output indexes of messages that are commentary. */
  readonly #commentaries = new Set<unknown>();
  /** By the output index of their item, and the place within it. */
  readonly #open = new Map<unknown, Map<string, OpenThought>>();

  get thoughts(): ThoughtFinding[] {
    const open = [...this.#open.values()].flatMap((parts) => [...parts.values()]);
    return open.map(({ source, pieces }) => ({ source, text: pieces.join('') }));
  }

  begin(event: JsonObject): void {
    const item = objectAt(event, 'item');
    if (item && isCommentary(item)) this.#commentaries.add(event['output_index']);
  }

  /** Whether an event of this type brings a piece of a thought. Text does only while there is commentary. */
  isToldBy(type: string): boolean {
    return Object.hasOwn(SOURCES, type) && (type !== TEXT_DELTA || this.#commentaries.size > 0);
  }

  add(type: string, event: JsonObject): void {
    const { output_index: outputIndex } = event;
    const source = SOURCES[type];
    if (source === undefined) return;
    if (type === TEXT_DELTA && !this.#commentaries.has(outputIndex)) return;
    const partIndex = event['summary_index'] ?? event['content_index'];
    const parts = this.#open.get(outputIndex) ?? new Map<string, OpenThought>();
    this.#open.set(outputIndex, parts);
    const place = `${source} ${String(partIndex)}`;
    const thought = parts.get(place) ?? { source, pieces: [] };
    parts.set(place, thought);
    thought.pieces.push(stringAt(event, 'delta') ?? '');
  }

  /** The item is complete, and says all that its pieces said. */
  end({ output_index: outputIndex }: JsonObject): void {
    this.#commentaries.delete(outputIndex);
    this.#open.delete(outputIndex);
  }
}

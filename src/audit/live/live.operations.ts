import { z } from 'zod';
import { EXAMPLE_ID, type Operation } from '../../openapi/index.ts';
import { READING } from '../question/answer-parts.ts';
import { filterSchema } from '../question/interception-filter.ts';
import { liveEventId } from './live-event-id.ts';

const EVENT_ID = liveEventId({
  seen: { end: 48_213n, running: [48_207n] },
  last: { transaction: 48_213n, position: 1_041n },
});

const lastEventId = z
  .string()
  .meta({ description: 'The id of the last event that came, as it came.', examples: [EVENT_ID] });

export const WATCH_INTERCEPTIONS: Operation = {
  id: 'watchInterceptions',
  method: 'get',
  path: '/api/v1/interceptions/live',
  summary: 'Interceptions as they end, as server-sent events',
  description:
    'Events `interception`, as soon as a record that has ended is stored; in the order in which ' +
    'they ended, as far as one replica stored them. After a break, Last-Event-ID goes on without ' +
    'gap or repetition, on any replica; an event `gap` says when it cannot: the last 1,000,000 are ' +
    'remembered, and a database that was restored may remember fewer. A record that was presumed ' +
    'interrupted and ended after all comes twice.',
  query: filterSchema,
  headers: { 'Last-Event-ID': lastEventId },
  answers: {
    'text/event-stream': z.string().meta({
      description: 'The data of an event `interception` is an Interception.',
      examples: [`id: ${EVENT_ID}\nevent: interception\ndata: {"id":"${EXAMPLE_ID}", ...}\n\n`],
    }),
  },
  errors: [...READING, 429],
};

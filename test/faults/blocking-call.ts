import { memberOf } from '../simulator/call.ts';
import { messagesBody } from '../support/system.ts';

export interface Answered {
  readonly id: string;
  readonly status: number;
  /** The bridge's own word for what is wrong, where it is the bridge that says so. */
  readonly error: string | null;
  readonly body: unknown;
}

/** One call, answered in one piece. */
export async function ask(url: string, prompt = 'hi'): Promise<Answered> {
  const response = await fetch(`${url}/anthropic/v1/messages`, {
    method: 'POST',
    body: messagesBody({ messages: [{ role: 'user', content: prompt }] }),
  });
  return {
    id: response.headers.get('x-aibridge-interception-id') ?? '',
    status: response.status,
    error: response.headers.get('x-aibridge-error'),
    body: await response.json(),
  };
}

export async function askTimes(count: number, url: string): Promise<Answered[]> {
  const answers: Answered[] = [];
  for (let made = 0; made < count; made += 1) answers.push(await ask(url));
  return answers;
}

export async function readiness(url: string): Promise<{ status: number; reasons: unknown }> {
  const response = await fetch(`${url}/readyz`);
  return { status: response.status, reasons: memberOf(await response.json(), 'reasons') };
}

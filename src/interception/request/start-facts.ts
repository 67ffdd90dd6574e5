import type { StartFacts } from '../../recording/index.ts';
import { bounded } from '../record/bounded.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { ReceivedRequest } from './received-request.ts';

/** What the record says before anything has gone upstream. */
export function startFacts(exchange: Exchange, request: ReceivedRequest): StartFacts {
  const { facts, client, turn, call } = request;
  const { caller, instance, match, target, req } = exchange;
  return {
    initiatorId: caller.id,
    initiatorMetadata: caller.metadata,
    providerType: instance.type,
    providerName: instance.name,
    model: bounded(call.model, 'name'),
    requestedModel: bounded(facts.model, 'name'),
    purpose: client.purpose,
    api: match.kind === 'bridged' ? match.api : 'passthrough',
    route: bounded(target.route, 'route'),
    method: req.method ?? '',
    streaming: facts.isStreaming,
    client: client.client,
    userAgent: bounded(req.headers['user-agent'] ?? '', 'userAgent'),
    sessionId: boundedName(client.sessionId),
    correlatingToolCallIds: turn.correlatingToolCallIds.map((id) => bounded(id, 'name')),
    ...credentialFacts(exchange),
  };
}

/** Which key of the pool will serve is not known yet, so nothing is claimed about it. */
function credentialFacts({
  credential,
}: Exchange): Pick<StartFacts, 'credentialKind' | 'credentialHint' | 'credentialFingerprint'> {
  if (credential === undefined) {
    return { credentialKind: 'centralized', credentialHint: '', credentialFingerprint: null };
  }
  const { hint, fingerprint } = credential.secret;
  return { credentialKind: 'byok', credentialHint: hint, credentialFingerprint: fingerprint };
}

function boundedName(text: string | null): string | null {
  return text === null ? null : bounded(text, 'name');
}

import type { ModelInfo, ModelInfosPage } from '@anthropic-ai/sdk/resources/models';
import type { Model } from 'openai/resources/models';

import type { Call } from '../call.ts';
import { CREATED_AT } from './resolved-answer.ts';

const ANTHROPIC_MODELS = ['claude-opus-4-5', 'claude-sonnet-4-5', 'claude-haiku-4-5'];
const OPENAI_MODELS = ['gpt-5', 'gpt-5-mini', 'gpt-4.1'];

/** The models there are, in the shape of the vendor whose headers the call carries. */
export function renderModels(call: Call): object {
  if (call.route.vendor === 'openai') {
    return { object: 'list', data: OPENAI_MODELS.map(openAiModel) };
  }
  const page: Pick<ModelInfosPage, 'data' | 'has_more' | 'first_id' | 'last_id'> = {
    data: ANTHROPIC_MODELS.map(anthropicModel),
    has_more: false,
    first_id: ANTHROPIC_MODELS.at(0) ?? null,
    last_id: ANTHROPIC_MODELS.at(-1) ?? null,
  };
  return page;
}

/** Any model that is asked for exists. */
export function renderModel(call: Call): object {
  const id = decodeURIComponent(call.route.id);
  return call.route.vendor === 'openai' ? openAiModel(id) : anthropicModel(id);
}

function openAiModel(id: string): Model {
  return { id, object: 'model', created: CREATED_AT, owned_by: 'simulated' };
}

function anthropicModel(id: string): ModelInfo {
  return {
    id,
    type: 'model',
    display_name: id,
    created_at: '2026-01-01T00:00:00Z',
    lifecycle: 'active',
    line: null,
    capabilities: null,
    max_input_tokens: 200_000,
    max_tokens: 64_000,
    deprecated_at: null,
    retires_at: null,
  };
}

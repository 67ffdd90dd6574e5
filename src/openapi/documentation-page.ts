import { arrayAt, isObject, objectAt, stringAt, type JsonObject } from '../core/json.ts';
import type { OpenApiDocument } from './openapi-document.ts';

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
    color: light-dark(#222, #ddd); color-scheme: light dark }
  h2 { margin-top: 3rem; font-size: 1.2rem } code, pre { font: 14px/1.4 ui-monospace, monospace }
  pre { overflow: auto; padding: 1rem; background: light-dark(#f4f4f4, #222) }
  table { border-collapse: collapse; width: 100% }
  td, th { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0;
    border-bottom: 1px solid light-dark(#ddd, #444) }`;

/** The document as one page to read, with nothing to fetch: it has to work where nothing can be. */
export function documentationPage(document: OpenApiDocument): string {
  const { info, paths, components } = document;
  const title = escaped(stringAt(info, 'title') ?? '');
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) =>
      operationSection(`${method.toUpperCase()} ${path}`, objectAt(methods, method)),
    ),
  );
  const identities = Object.values(components.securitySchemes).map(
    (scheme) => `<p>${escaped(stringAt(scheme, 'description') ?? '')}</p>`,
  );
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => `<h2 id="${escaped(name)}">${escaped(name)}</h2>${json(schema)}`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
    <style>${STYLE}</style><h1>${title}</h1><p>${escaped(stringAt(info, 'description') ?? '')}</p>
    ${identities.join('')}<p>For tools: <a href="/api/openapi.json">/api/openapi.json</a></p>
    ${operations.join('')}<h1>Shapes</h1>${schemas.join('')}</html>`;
}

function operationSection(title: string, operation: JsonObject | undefined): string {
  const rows = arrayAt(operation, 'parameters').filter(isObject).map(parameterRow);
  const table = `<table><tr><th>Parameter<th>In<th>Values<th>Meaning</tr>${rows.join('')}</table>`;
  const answers = Object.entries(objectAt(operation, 'responses') ?? {}).map(([status, answer]) =>
    answerItem(status, isObject(answer) ? answer : undefined),
  );
  return `<h2><code>${escaped(title)}</code></h2>
    <p><strong>${escaped(stringAt(operation, 'summary') ?? '')}.</strong>
    ${escaped(stringAt(operation, 'description') ?? '')}</p>
    ${rows.length === 0 ? '' : table}<ul>${answers.join('')}</ul>`;
}

function parameterRow(parameter: JsonObject): string {
  const { examples: _, ...schema } = objectAt(parameter, 'schema') ?? {};
  const example = arrayAt(objectAt(parameter, 'schema'), 'examples')[0];
  const shown = example === undefined ? '' : ` Example: <code>${escaped(text(example))}</code>`;
  return `<tr><td><code>${escaped(stringAt(parameter, 'name') ?? '')}</code>
    <td>${escaped(stringAt(parameter, 'in') ?? '')}<td><code>${escaped(JSON.stringify(schema))}</code>
    <td>${escaped(stringAt(parameter, 'description') ?? '')}${shown}</tr>`;
}

function answerItem(status: string, answer: JsonObject | undefined): string {
  const content = Object.entries(objectAt(answer, 'content') ?? {}).map(([type, media]) => {
    const name = stringAt(objectAt(isObject(media) ? media : undefined, 'schema'), '$ref');
    const shape = name?.split('/').at(-1);
    return shape === undefined
      ? escaped(type)
      : `<a href="#${escaped(shape)}">${escaped(shape)}</a>`;
  });
  return `<li><code>${escaped(status)}</code> ${content.join(', ')}:
    ${escaped(stringAt(answer, 'description') ?? '')}`;
}

function json(value: unknown): string {
  return `<pre>${escaped(JSON.stringify(value, undefined, 2))}</pre>`;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function escaped(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

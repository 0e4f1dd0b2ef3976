/** What a silence matches, in words, from what was written in the policy's language. */
import { html } from 'hono/html';
import { type Html, nothing } from './words.ts';

/** @param written JSON as it is kept; what is not of the language is shown as it is. */
export function matchWords(written: unknown): Html {
  if (!isObject(written)) return quoted(written);
  const parts = Object.entries(written).map(([name, test]) => part(name, test));
  return parts.length === 0 ? html`everything` : joined(parts, ' and ');
}

function part(name: string, test: unknown): Html {
  switch (name) {
    case 'any':
      return html`(${joined(listOf(test).map(matchWords), ' or ')})`;
    case 'all':
      return html`(${joined(listOf(test).map(matchWords), ' and ')})`;
    case 'not':
      return html`not (${matchWords(test)})`;
    default:
      return html`${name} ${joined(listOf(test).map(testWords), ' or ')}`;
  }
}

function testWords(test: unknown): Html {
  if (typeof test === 'number') return html`${test}`;
  if (isObject(test)) {
    const bounds = Object.entries(test).map(
      ([name, bound]) => html`${name.replace('_', ' ')} ${quoted(bound)}`,
    );
    return joined(bounds, ' and ');
  }
  const text = String(test);
  if (/^\/.+\/i?$/s.test(text)) return html`matches <code>${text}</code>`;
  return text.includes('*') ? html`is like <q>${text}</q>` : html`is <q>${text}</q>`;
}

const quoted = (value: unknown): Html =>
  typeof value === 'number'
    ? html`${value}`
    : html`<q>${typeof value === 'string' ? value : JSON.stringify(value)}</q>`;

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function joined(parts: readonly Html[], between: string): Html {
  return html`${parts.map((each, i) => html`${i === 0 ? nothing : between}${each}`)}`;
}

/** What an alert must be like, read naively from the policy as written; and lengths of time. */
import type { MatchSpec } from './policies.ts';

export type Texts = {
  readonly source: string;
  readonly id: string;
  readonly subject: string;
  readonly summary: string;
  readonly importance: number;
};

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `90s`, `15m`, `1d`. */
export function length(text: string): number {
  const [, digits, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const size = units[unit];
  if (digits === undefined || size === undefined) throw new Error(`no length of time: ${text}`);
  return Number(digits) * size;
}

/** Names of hosts are compared without case. */
const hostly = (field: string): boolean => field === 'source' || field === 'subject';

function regexOf(test: string, host: boolean): RegExp {
  const [, body, flags] = /^\/(.+)\/(i?)$/.exec(test) ?? [];
  if (body !== undefined) return new RegExp(body, host ? 'i' : flags);
  const quoted = test.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${quoted}$`, host ? 'is' : 's');
}

const known = new Map<string, RegExp>();

function passes(test: string, text: string, host: boolean): boolean {
  const key = `${host} ${test}`;
  const regex = known.get(key) ?? regexOf(test, host);
  known.set(key, regex);
  return regex.test(text);
}

/** Everything that is said must hold. */
export function matches(match: MatchSpec, alert: Texts): boolean {
  for (const field of ['source', 'subject', 'id', 'summary'] as const) {
    const tests = match[field];
    if (tests === undefined) continue;
    if (![tests].flat().some((test) => passes(test, alert[field], hostly(field)))) return false;
  }
  const { importance } = match;
  if (importance?.above !== undefined && !(alert.importance > importance.above)) return false;
  if (importance?.below !== undefined && !(alert.importance < importance.below)) return false;
  if (match.any !== undefined && !match.any.some((one) => matches(one, alert))) return false;
  return match.not === undefined || !matches(match.not, alert);
}

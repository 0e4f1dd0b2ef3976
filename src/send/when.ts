/**
 * The time words of mauvesend: `now`, `+10m`, `-2h`, `5m`, `1700000000`.
 * Pure; the rules are the original's, as its recorded command lines show them.
 */

/** A uint64 on the wire. */
const timeMax = 2n ** 64n - 1n;

const unitSeconds: Readonly<Record<string, bigint>> = { s: 1n, m: 60n, h: 3600n, d: 86_400n };

export type When =
  | { readonly ok: true; readonly at: bigint }
  | { readonly ok: false; readonly detail: string };

/**
 * `now`; a number alone is seconds since 1970; with a sign, a unit (s, m, h, d)
 * or both it counts from now, in seconds where it has no unit. Of several lines
 * the first that is a time counts.
 * @param now seconds since 1970
 */
export function parseWhen(text: string, now: bigint): When {
  if (text === 'now') return { ok: true, at: now };
  for (const line of text.split('\n')) {
    const [whole, sign = '', digits = '', unit = ''] = /^([+-]?)([0-9]+)([smhd]?)$/.exec(line) ?? [];
    if (whole === undefined) continue;
    const amount = BigInt(digits) * (unitSeconds[unit] ?? 1n);
    const at = sign === '' && unit === '' ? amount : sign === '-' ? now - amount : now + amount;
    if (at < 0n) return { ok: false, detail: `time ${line} is before 1970` };
    if (at > timeMax) return { ok: false, detail: `time ${line} is too far away` };
    return { ok: true, at };
  }
  return {
    ok: false,
    detail: `${JSON.stringify(text)} is not a time; write now, +10m, -2h, 5m or seconds since 1970`,
  };
}

/** Whether the word can only be a time that lies back, although it begins like an option. */
export const looksLikePast = (word: string): boolean => /^-[0-9]+[smhd]?$/.test(word);

/**
 * Which alerts a person means: by their codes, all of theirs that are open, or
 * the only one. It looks up and asks; it never guesses.
 */
import type { Alert, AlertKey } from './core/alert.ts';
import type { Person } from './core/policy.ts';
import type { Which } from './core/reply.ts';
import { namedMax, type Spoken, type Telling, whichWords } from './reply-answers.ts';
import type { Store, Transaction } from './store/store.ts';

type Reading = Pick<Store, 'transaction'>;

/** So many are acknowledged by one `ack all`; the answer says how many are left. */
export const ackAllMax = 200;
/** Open alerts are counted up to here. */
const countMost = 9999;

/** `total`: how many there are, those that were not looked up included. */
export type Meant = { readonly found: readonly Spoken[]; readonly total: number };

/** The alerts that are meant, or what to ask the person. @param verb what was to be done with them. */
export async function meantBy(
  store: Reading,
  which: Which,
  telling: Telling,
  verb = 'ack',
): Promise<Meant | string> {
  if (which.kind === 'codes') return await coded(store, which.codes);
  const { open, total } = await openOf(store, telling.person, which.kind === 'all' ? ackAllMax : namedMax);
  if (total === 0) {
    return `Nothing done: nothing that you were told of stands unacknowledged. To name one anyway write ${verb} 12.`;
  }
  if (which.kind === 'only' && total > 1) return `Nothing done. ${whichWords(open, total, verb, telling)}`;
  return { found: open, total };
}

/** All of them, or none: a code that nobody has may be a slip. */
async function coded(store: Reading, codes: readonly number[]): Promise<Meant | string> {
  return await store.transaction(async (tx) => {
    const byCode = new Map<number, AlertKey>();
    for (const code of codes) {
      const key = await tx.loadCode(code);
      if (key !== null) byCode.set(code, key);
    }
    const alerts = new Map((await tx.loadKeyed([...byCode.values()])).map((alert) => [alert.key, alert]));
    const found = codes.flatMap((code): readonly Spoken[] => {
      const alert = alerts.get(byCode.get(code) ?? (0 as AlertKey));
      return alert === undefined ? [] : [{ alert, code }];
    });
    const missing = codes.filter((code) => !found.some((each) => each.code === code));
    if (missing.length === 0) return { found, total: found.length };
    return `Nothing done. There is no alert ${missing.slice(0, namedMax).join(', ')} now: list shows yours.`;
  });
}

/** What stands unacknowledged of which this person was told, urgent first: at most `limit`, and how many there are. */
export function openOf(
  store: Reading,
  person: Person,
  limit: number,
): Promise<{ readonly open: readonly Spoken[]; readonly total: number }> {
  return store.transaction(async (tx) => {
    const alerts = await tx.loadOpenOf(person.id, limit);
    const total = alerts.length < limit ? alerts.length : await tx.countOpenOf(person.id, countMost);
    return { open: await withCodes(tx, alerts), total };
  });
}

async function withCodes(tx: Transaction, alerts: readonly Alert[]): Promise<readonly Spoken[]> {
  const codes = await tx.codesOf(alerts.map(({ key }) => key));
  return alerts.map((alert) => ({ alert, code: codes.get(alert.key) ?? null }));
}

/**
 * Hops that a path must or must not have. Silence proves nothing: a hop is
 * missing only where somebody else answers at its place, or where nobody on the
 * way is silent.
 */
import ipaddr from 'ipaddr.js';
import { type Instant, since } from '../../time.ts';
import type { Path, Rows } from './path.ts';
import type { Address } from './record.ts';
import type { PathRules, ViaRule } from './rules.ts';
import type { Place } from './where.ts';

/** How many traces spoke against a rule, how many in a row for it, and when the last one came that arrived. */
type ViaCount = { readonly bad: number; readonly good: number; readonly at: Instant };
/** For each rule by what it lists. */
export type ViaState = Readonly<Record<string, ViaCount>>;

export type ViaFault = { readonly rule: ViaRule; readonly place: Place | null };

/** So many rules are judged; more are left aside. */
export const viaMax = 32;
const badToRaise = { never: 2, always: 3 } as const;
/** Where the hop shares its place with others, each packet may pass another one. */
const badWhereShared = 8;
const goodToClear = 3;
const countMax = 16;

/** The state after one more trace that arrived. */
export function withViaTrace(
  via: ViaState,
  rules: readonly ViaRule[],
  rows: Rows,
  usual: Path,
  now: Instant,
): ViaState {
  const at = now;
  const next: Record<string, ViaCount> = {};
  for (const rule of rules.slice(0, viaMax)) {
    const key = keyOf(rule);
    const { bad, good } = via[key] ?? { bad: 0, good: 0 };
    const finding = judge(rule, rows, usual);
    if (finding === 'bad') next[key] = { bad: Math.min(countMax, bad + 1), good: 0, at };
    else if (finding === 'unknown') next[key] = { bad, good, at };
    else {
      // Missing once and there the next time was chance; there once and not the next time may be shared load.
      const isChance = rule.expect === 'always' && bad < needed(rule, usual);
      const left = isChance || good + 1 >= goodToClear ? 0 : bad;
      next[key] = { bad: left, good: Math.min(countMax, good + 1), at };
    }
  }
  return next;
}

/** The first rule that is broken, and the place of its hop. `stands`: whether the verdict stands already. */
export function brokenVia(
  via: ViaState,
  rules: readonly ViaRule[],
  rows: Rows,
  usual: Path,
  stands: boolean,
): ViaFault | null {
  for (const rule of rules.slice(0, viaMax)) {
    const bad = via[keyOf(rule)]?.bad ?? 0;
    if (bad >= (stands ? 1 : needed(rule, usual))) return { rule, place: placeOf(rule, rows, usual) };
  }
  return null;
}

/** Whether something still speaks against that rule. */
export const isBroken = (via: ViaState, rule: ViaRule): boolean => (via[keyOf(rule)]?.bad ?? 0) > 0;

/** Whether no trace has arrived for so long that nothing is known of the hops any more. */
export const isUnseen = (via: ViaState, { settle }: PathRules, now: Instant): boolean =>
  Object.values(via).every(({ at }) => since(at, now) >= settle);

/** Whether the last trace is the first to speak against a rule, so that more are wanted at once. */
export const isViaInDoubt = (via: ViaState): boolean => Object.values(via).some(({ bad }) => bad === 1);

const keyOf = ({ hop, expect }: ViaRule): string => `${expect} ${hop}`;

function needed({ hop, expect }: ViaRule, usual: Path): number {
  if (expect === 'never') return badToRaise.never;
  const isShared = usual.hops.some(
    ({ addresses }) => addresses.length > 1 && addresses.some((address) => isListed(hop, address)),
  );
  return isShared ? badWhereShared : badToRaise.always;
}

function judge({ hop, expect }: ViaRule, rows: Rows, usual: Path): 'bad' | 'good' | 'unknown' {
  const isThere = rows.some((row) => row.some((address) => isListed(hop, address)));
  if (expect === 'never') return isThere ? 'bad' : 'good';
  if (isThere) return 'good';
  const place = usual.hops.findIndex(({ addresses }) => addresses.some((address) => isListed(hop, address)));
  const mayHide = place < 0 ? rows.some((row) => row.length === 0) : (rows[place]?.length ?? 0) === 0;
  return mayHide ? 'unknown' : 'bad';
}

/** Where the listed hop is now, or who is at its place instead. */
function placeOf({ hop, expect }: ViaRule, rows: Rows, usual: Path): Place | null {
  const holds = (addresses: readonly Address[]): boolean =>
    addresses.some((address) => isListed(hop, address));
  const index =
    expect === 'never' ? rows.findIndex(holds) : usual.hops.findIndex(({ addresses }) => holds(addresses));
  if (index < 0) return null;
  const row = rows[index] ?? [];
  const address = expect === 'never' ? row.find((one) => isListed(hop, one)) : row[0];
  return { ttl: index + 1, address: address ?? null };
}

/** Whether the address is the one listed, or within the network listed. What cannot be read lists nothing. */
export function isListed(listed: string, address: Address): boolean {
  if (!listed.includes('/')) return listed === address;
  try {
    const [network, prefix] = ipaddr.parseCIDR(listed);
    const parsed = ipaddr.parse(address);
    return parsed.kind() === network.kind() && parsed.match(network, prefix);
  } catch {
    return false;
  }
}

/**
 * What the store's tests share: the stores to test, one for each dialect, folders
 * of their own, and alerts of every shape.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Alert, AlertKey, PersonId, RuleId } from '../../src/station/core/alert.ts';
import type { OwedMessage } from '../../src/station/core/notification.ts';
import { openSqlite } from '../../src/station/store/sqlite.ts';
import { openReads } from '../../src/station/store/sqlite-reads.ts';
import {
  type AlertName,
  type LeasedMessage,
  nameKey,
  type Reads,
  type Store,
} from '../../src/station/store/store.ts';
import { type Duration, type Instant, instant, minutes, plus } from '../../src/time.ts';

/** A database to test, which can be opened and closed again and again. */
export type Place = { open(): Store; read(): Reads; readonly folder: string };

/** Each dialect gives a fresh place, removed after the test. */
export const dialects: readonly { readonly name: string; place(t: TestContext): Place }[] = [
  { name: 'sqlite', place: sqlitePlace },
];

export function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mauve-store-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function sqlitePlace(t: TestContext): Place {
  const folder = folderOf(t);
  return { folder, open: () => openSqlite({ folder }), read: () => openReads({ folder }) };
}

export const noon = instant(1_700_000_000_000);
export const rule = (name: string): RuleId => name as RuleId;
export const person = (name: string): PersonId => name as PersonId;

/** A raised alert, but for what is said otherwise. */
export function alertOf(key: AlertKey, changes: Partial<Alert> = {}): Alert {
  return {
    key,
    source: 'db1.example.net',
    id: `disk-${key}`,
    subject: 'db1.example.net',
    summary: 'disk is 97% full',
    detail: '',
    importance: 50,
    phase: { kind: 'raised', since: noon },
    willRaiseAt: null,
    willClearAt: null,
    suppressUntil: null,
    muted: null,
    heldSince: null,
    inhibits: [],
    concerns: [],
    episode: 1,
    announced: { kind: 'cleared', episode: 0 },
    told: [],
    group: null,
    level: null,
    reminders: [],
    firstSeenAt: noon,
    heardAt: noon,
    changedAt: noon,
    wakeAt: null,
    ...changes,
  };
}

/** A cleared alert that will raise unless it is heard from again. */
export const heartbeat = (key: AlertKey, changes: Partial<Alert> = {}): Alert =>
  alertOf(key, {
    phase: { kind: 'cleared', since: noon },
    episode: 0,
    willRaiseAt: plus(noon, minutes(5)),
    wakeAt: plus(noon, minutes(5)),
    ...changes,
  });

/** The alert, heard from again at `at`. */
export const repeated = (alert: Alert, at: Instant): Alert => ({
  ...alert,
  heardAt: at,
  willRaiseAt: alert.willRaiseAt === null ? null : plus(at, minutes(5)),
});

/** Saves new alerts, one for each function, in a transaction. */
export function add(store: Store, ...make: readonly ((key: AlertKey) => Alert)[]): Promise<readonly Alert[]> {
  return store.transaction(async (tx) => {
    const keys = await tx.newKeys(make.length);
    const alerts = make.flatMap((one, i) => {
      const key = keys[i];
      return key === undefined ? [] : [one(key)];
    });
    await tx.save(alerts.map((after) => ({ before: null, after })));
    return alerts;
  });
}

export function save(store: Store, before: Alert, after: Alert): Promise<void> {
  return store.transaction((tx) => tx.save([{ before, after }]));
}

export async function load(store: Store, name: AlertName): Promise<Alert | undefined> {
  const found = await store.transaction((tx) => tx.loadNamed([name]));
  return found.get(nameKey(name));
}

export function owed(alert: Alert, changes: Partial<OwedMessage> = {}): OwedMessage {
  return {
    key: `${alert.key}/${alert.episode}/raised/alice`,
    alert: alert.key,
    episode: alert.episode,
    kind: 'raised',
    rule: rule('default/on call'),
    person: person('alice'),
    channel: 'email',
    next: null,
    level: 'normal',
    dueAt: noon,
    overdueAfter: minutes(5),
    facts: {
      source: alert.source,
      subject: alert.subject,
      summary: alert.summary,
      alertId: alert.id,
      raisedAt: noon,
      at: noon,
      by: null,
      acknowledgedUntil: null,
      note: '',
    },
    ...changes,
  };
}

/** Leases what may go, each by itself. */
export function leaseAll(
  store: Store,
  now: Instant,
  lease: Duration,
  limit: number,
  exclude: readonly string[] = [],
): Promise<readonly LeasedMessage[]> {
  return store.transaction(async (tx) => {
    const waiting = await tx.waiting(now, limit, exclude);
    const taken: LeasedMessage[] = [];
    for (const { id } of waiting) taken.push(...(await tx.take([id], now, plus(now, lease), null)));
    return taken;
  });
}

/** The only one of a list. */
export function only<T>(list: readonly T[]): T {
  const [first] = list;
  if (first === undefined || list.length !== 1) throw new Error(`${list.length} where one was expected`);
  return first;
}

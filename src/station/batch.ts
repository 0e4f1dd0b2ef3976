/**
 * One batch of events against one transaction: loads just the alerts that the
 * events touch, lets the core decide on each in order, and saves what came of
 * it all at once. The lookups and the fsync are paid a batch, not an alert.
 */
import { earliest, type Instant, minutes, plus } from '../time.ts';
import { BatchNames } from './batch-names.ts';
import { forgetGone, type OwnAlerts, oweTest, type TestEvent, tellOfReach } from './batch-own.ts';
import type { Alert, AlertKey, HistoryEntry, MutedKind } from './core/alert.ts';
import {
  type Context,
  type Decision,
  decideAsk,
  decideDue,
  decideReplaced,
  decideReport,
  isRepeat,
} from './core/decide.ts';
import type { Matched } from './core/match.ts';
import type { Obsolete, OwedMessage } from './core/notification.ts';
import type { Policy } from './core/policy.ts';
import { isReserved, ownSource, type Report, type Reports, readUpdate } from './core/update.ts';
import type { Act, Event, Outcome, Refused } from './door.ts';
import { Inhibitors, reported } from './inhibitors.ts';
import {
  cutShort,
  type ReceiptEvent,
  type ReportEvent,
  receiptEntry,
  settleReceipt,
  settleReport,
} from './receipts.ts';
import { refusal } from './refusals.ts';
import { type ActiveSilence, endSilence, makeSilence } from './silences.ts';
import { contextOf, type Standing } from './standing.ts';
import { type AlertName, nameKey, type SavedAlert, type Transaction } from './store/store.ts';

/** How many due alerts are decided on in one transaction: intake's batches go in between. */
export const dueAtOnce = 200;

/**
 * The name of the fact that says how far those that stand are being looked at again: the last alert woken, while others
 * are to follow; `inhibited` once all were, and what they inhibit can be told from what they no longer do; with a colon
 * and a key while those that are inhibited are looked at once more; else empty.
 */
const wakingFact = 'waking';
const inhibitedLast = 'inhibited';

/** So many muted alerts are woken in one transaction. */
export const wakenAtOnce = 1000;

/** When an alert whose due decision failed is tried again: it must not keep the station busy. */
export const afterBug = minutes(1);

/** Counts for the metrics, made in the batch and added only once it is committed. */
export type Tally = {
  updates: number;
  alerts: number;
  copies: number;
  cut: number;
  readonly refused: Map<string, number>;
  messages: number;
  bugs: number;
};

export type BatchResult = {
  readonly outcomes: readonly Outcome[];
  readonly tally: Tally;
  /** The earliest wake-up among the alerts of this batch. */
  readonly wakeAt: Instant | null;
  /** Whether anything happened that a page would show. */
  readonly news: boolean;
  /** Whether messages were owed or may be sent again. */
  readonly owes: boolean;
  /** Whether the tick left due alerts for the next batch. */
  readonly moreDue: boolean;
  readonly policy: Policy;
  readonly silences: readonly ActiveSilence[];
  /** Hosts whose addresses were asked for, known or not. */
  readonly hosts: ReadonlySet<string>;
};

type UpdateEvent = Extract<Event, { kind: 'update' }>;
type Read = { readonly event: UpdateEvent; readonly reports: Reports };

const done: Outcome = { ok: true, alert: null };

/** @param onBug hears of an exception out of the core: that alert is left as it was, the others go on. */
export async function applyBatch(
  tx: Transaction,
  events: readonly Event[],
  standing: Standing,
  onBug: (error: unknown, about: string) => void,
): Promise<BatchResult> {
  const batch = new Batch(standing, onBug);
  const reads = await batch.read(tx, events);
  await batch.load(tx, events, reads);
  const outcomes: Outcome[] = [];
  for (const event of events) outcomes.push(await batch.apply(tx, event, reads.get(event)));
  await batch.save(tx);
  return batch.result(outcomes);
}

class Batch {
  private readonly standing: Standing;
  private readonly onBug: (error: unknown, about: string) => void;
  private policy: Policy;
  private silences: readonly ActiveSilence[];
  private readonly names: BatchNames;
  private readonly inhibitors: Inhibitors;
  /** Beyond which alert all that stand are to be looked at again, some in each batch; null: there is no need to. */
  private wakeFrom: AlertKey | 'first' | null = null;
  private waking = '';
  /** Those that are inhibited are to be looked at once more, some in each batch. */
  private inhibitedDue = false;
  /** Who is to be looked at again once all is saved. */
  private readonly wakes: (readonly [kind: MutedKind, by: readonly string[] | null])[] = [];
  private readonly stored = new Map<AlertKey, Alert | null>();
  private readonly alerts = new Map<AlertKey, Alert>();
  private readonly keys = new Map<string, AlertKey>();
  private readonly keysOf = new Map<string, Set<AlertKey>>();
  private freeKeys: AlertKey[] = [];
  private readonly history: HistoryEntry[] = [];
  private readonly messages: OwedMessage[] = [];
  private readonly obsolete: Obsolete[] = [];
  private receipts = 0;
  private moreDue = false;
  private hurried = false;
  private at: Instant = 0 as Instant;
  private readonly tally: Tally = {
    updates: 0,
    alerts: 0,
    copies: 0,
    cut: 0,
    refused: new Map(),
    messages: 0,
    bugs: 0,
  };

  constructor(standing: Standing, onBug: (error: unknown, about: string) => void) {
    this.standing = standing;
    this.policy = standing.policy;
    this.silences = standing.silences;
    this.names = new BatchNames(standing.names);
    this.inhibitors = new Inhibitors(standing.policy, this.names);
    this.onBug = onBug;
  }

  /** Reads the updates and drops the copies of transmissions that were taken already. */
  async read(tx: Transaction, events: readonly Event[]): Promise<Map<Event, Reports>> {
    const reads: Read[] = [];
    for (const event of events) {
      if (event.kind !== 'update') continue;
      const reports = readUpdate(event.update, event.reception);
      if (reports === null) this.refuse('empty-source');
      else reads.push({ event, reports });
    }
    const last = reads.at(-1);
    if (last === undefined) return new Map();
    const names = reads.map(({ event, reports }) => ({
      source: reports.source,
      id: event.update.transmissionId,
    }));
    const first = await tx.takeTransmissions(names, last.event.reception);
    const taken = reads.filter((_, index) => first[index] === true);
    this.tally.copies += reads.length - taken.length;
    this.tally.updates += taken.length;
    return new Map(taken.map(({ event, reports }) => [event, reports]));
  }

  async load(tx: Transaction, events: readonly Event[], reads: ReadonlyMap<Event, Reports>): Promise<void> {
    this.waking = (await tx.getFact(wakingFact)) ?? '';
    const names = new Map<string, AlertName>();
    const replaced = new Set<string>();
    for (const [event, { source, reports }] of reads) {
      for (const { id } of reports) {
        const name = { source, id };
        names.set(nameKey(name), name);
      }
      if (event.kind === 'update' && event.update.replace) replaced.add(source);
    }
    if (names.size > 0) {
      const found = await tx.loadNamed([...names.values()]);
      for (const alert of found.values()) this.know(alert);
      const missing = names.size - found.size;
      if (missing > 0) this.freeKeys = [...(await tx.newKeys(missing))].reverse();
    }
    if (replaced.size > 0) for (const alert of await tx.loadRaisedOf([...replaced])) this.know(alert);
    const keys = events.flatMap((event) => ('alert' in event ? [event.alert] : []));
    if (keys.length > 0) for (const alert of await tx.loadKeyed(keys)) this.know(alert);
    if (this.policy.inhibits.length > 0) await this.inhibitors.load(tx, this.toJudge(events, reads));
  }

  /** The alerts that these events will have judged, as matching will see them then; repeats are not judged. */
  private *toJudge(events: readonly Event[], reads: ReadonlyMap<Event, Reports>): Generator<Matched> {
    const updatesOnly = events.every((event) => event.kind === 'update' && !event.update.replace);
    if (!updatesOnly) yield* this.alerts.values();
    const seen = new Map<string, Matched>();
    for (const [event, { source, reports }] of reads) {
      const at = event.kind === 'update' ? event.reception : this.at;
      for (const report of reports) {
        const name = nameKey({ source, id: report.id });
        const key = this.keys.get(name);
        const before = key === undefined ? undefined : this.alerts.get(key);
        const known = seen.get(name) ?? before;
        // A second mention meets what the first one made of the alert.
        if (known === before && before !== undefined && isRepeat(before, report, at)) continue;
        const after = reported(source, report, known);
        seen.set(name, after);
        yield after;
      }
    }
  }

  private know(alert: Alert): void {
    if (this.stored.has(alert.key)) return;
    this.stored.set(alert.key, alert);
    this.alerts.set(alert.key, alert);
    this.keys.set(nameKey(alert), alert.key);
    this.index(alert.source, alert.key);
  }

  private index(source: string, key: AlertKey): void {
    const keys = this.keysOf.get(source);
    if (keys === undefined) this.keysOf.set(source, new Set([key]));
    else keys.add(key);
  }

  async apply(tx: Transaction, event: Event, reports: Reports | undefined): Promise<Outcome> {
    this.at = event.kind === 'update' ? event.reception : event.at;
    switch (event.kind) {
      case 'update':
        if (reports !== undefined) this.takeUpdate(event, reports);
        return done;
      case 'tick':
        await this.tick(tx);
        return done;
      case 'receipt':
        await this.takeReceipt(tx, event);
        return done;
      case 'policy-loaded':
        await this.takePolicy(tx, event.policy);
        return done;
      case 'started':
        for (const message of await tx.releaseLeases(this.at)) this.history.push(cutShort(message, this.at));
        // What was to be looked at when the station ended goes on.
        this.moreDue = true;
        return done;
      case 'clock-set-back':
        this.wakeFrom = 'first';
        await tx.hurry(this.at);
        this.hurried = true;
        return done;
      case 'silence': {
        const made = await makeSilence(tx, event, this.silences, this.policy);
        if (!made.ok) return refusal(made.why, made.message);
        this.silences = made.silences;
        this.wakeFrom = 'first';
        return { ok: true, alert: null, silence: made.id };
      }
      case 'end-silence': {
        const ended = await endSilence(tx, event, this.silences);
        if (!ended.ok) return refusal(ended.why);
        this.silences = ended.silences;
        this.wakes.push(['silenced', [String(event.silence)]]);
        return done;
      }
      case 'names':
        await tx.saveNames(event.found);
        this.names.take(event.found);
        this.wakes.push(['naming', null]);
        return done;
      case 'report':
        return await this.takeReport(tx, event);
      case 'test-message':
        return await this.takeTest(tx, event);
      default:
        return this.act(event);
    }
  }

  private context(): Context {
    const { policy, silences, names } = this;
    const waking = this.wakeFrom !== null || (this.waking !== '' && !this.waking.includes(':'));
    return { ...contextOf({ ...this.standing, policy, silences, names }, this.at, this.inhibitors), waking };
  }

  private takeUpdate(event: UpdateEvent, { source, reports, refused, cut }: Reports): void {
    const context = this.context();
    const listed = new Set(refused.map(({ id }) => id));
    this.tally.alerts += reports.length;
    this.tally.cut += cut;
    for (const { why } of refused) this.refuse(why);
    for (const report of this.inOrder(source, reports)) {
      const key = this.keyOf(source, report.id);
      this.guarded(report.id, () => decideReport(this.alerts.get(key) ?? null, key, source, report, context));
      if (event.update.replace) listed.add(report.id);
    }
    if (!event.update.replace) return;
    for (const key of this.keysOf.get(source) ?? []) {
      const alert = this.alerts.get(key);
      if (alert === undefined || isReserved(source, alert.id)) continue;
      if (alert.phase.kind !== 'cleared' && !listed.has(alert.id)) {
        this.guarded(alert.id, () => decideReplaced(alert, context));
      }
    }
  }

  /** Those that inhibit others come first, so that what they inhibit in the same update is not told. */
  private inOrder(source: string, reports: readonly Report[]): readonly Report[] {
    if (this.policy.inhibits.length === 0 || reports.length === 1) return reports;
    const before = (report: Report): Alert | undefined => {
      const key = this.keys.get(nameKey({ source, id: report.id }));
      return key === undefined ? undefined : this.alerts.get(key);
    };
    const inhibits = reports.map((report) => this.inhibitors.mayInhibit(source, report, before(report)));
    const ids = new Set(reports.map(({ id }) => id));
    // An alert that is listed twice is taken in the order written.
    if (ids.size < reports.length || !inhibits.includes(true)) return reports;
    return [...reports.filter((_, i) => inhibits[i]), ...reports.filter((_, i) => !inhibits[i])];
  }

  /** The key of an alert by its name; a new one for an alert never heard of. */
  private keyOf(source: string, id: string): AlertKey {
    const name = nameKey({ source, id });
    const known = this.keys.get(name);
    if (known !== undefined) return known;
    const key = this.freeKeys.pop();
    if (key === undefined) throw new Error('more new alerts than keys');
    this.keys.set(name, key);
    this.index(source, key);
    return key;
  }

  private async tick(tx: Transaction): Promise<void> {
    const due = await tx.loadDue(this.at, dueAtOnce);
    this.moreDue = due.length === dueAtOnce;
    for (const alert of due) this.know(alert);
    await this.inhibitors.load(tx, due);
    if (this.waking.startsWith(inhibitedLast)) this.inhibitedDue = this.waking.includes(':') || !this.moreDue;
    else if (this.waking !== '') this.wakeFrom ??= Number(this.waking) as AlertKey;
    const context = this.context();
    for (const { key } of due) {
      const alert = this.alerts.get(key);
      if (alert === undefined || this.guarded(alert.id, () => decideDue(alert, context))) continue;
      this.alerts.set(key, { ...alert, wakeAt: plus(this.at, afterBug) });
    }
  }

  private readonly current = (alert: Alert): Alert => this.alerts.get(alert.key) ?? alert;

  private async takeReceipt(tx: Transaction, event: ReceiptEvent): Promise<void> {
    this.receipts += 1;
    const settled = await settleReceipt(tx, event, this.current);
    this.history.push(...settled.history);
    await tellOfReach(this.own(tx), settled);
  }

  private async takeReport(tx: Transaction, event: ReportEvent): Promise<Outcome> {
    const all = await settleReport(tx, event, this.current);
    if (all === null) return refusal('unknown-message');
    this.receipts += 1;
    for (const settled of all) {
      this.history.push(...settled.history);
      await tellOfReach(this.own(tx), settled);
    }
    return done;
  }

  private async takeTest(tx: Transaction, event: TestEvent): Promise<Outcome> {
    this.receipts += 1;
    return await oweTest(this.own(tx), tx, event);
  }

  /** The station's own alerts, as this batch has left them. */
  private own(tx: Transaction): OwnAlerts {
    return {
      context: this.context(),
      find: async (id) => {
        const name = { source: ownSource, id };
        if (!this.keys.has(nameKey(name))) {
          for (const alert of (await tx.loadNamed([name])).values()) this.know(alert);
        }
        const key = this.keys.get(nameKey(name));
        return key === undefined ? null : (this.alerts.get(key) ?? null);
      },
      current: this.current,
      report: async (report, before) => {
        if (before === null) this.freeKeys.push(...(await tx.newKeys(1)));
        const key = this.keyOf(ownSource, report.id);
        await this.inhibitors.load(tx, [reported(ownSource, report, before ?? undefined)]);
        const context = this.context();
        this.guarded(report.id, () => decideReport(before, key, ownSource, report, context));
        return this.alerts.get(key) ?? null;
      },
    };
  }

  private async takePolicy(tx: Transaction, policy: Policy): Promise<void> {
    this.policy = policy;
    if ((await tx.getFact('policy')) === policy.version) return;
    await tx.setFact('policy', policy.version);
    this.wakeFrom = 'first';
    const standing = await tx.loadRaisedOf([ownSource]);
    await forgetGone(this.own(tx), standing);
  }

  private act(event: Act & { readonly at: Instant }): Outcome {
    const alert = this.alerts.get(event.alert);
    if (alert === undefined) return refusal('no-such-alert');
    let refused: Refused | null = null;
    this.guarded(alert.id, () => {
      const decision = decideAsk(alert, event, event.by, this.context());
      if (typeof decision === 'string') refused = decision;
      return typeof decision === 'string' ? null : decision;
    });
    if (refused !== null) return refusal(refused);
    return { ok: true, alert: this.alerts.get(event.alert) ?? null };
  }

  /** A bug met by one alert must not cost the others: it is logged and counted, the alert stays as it was. */
  private guarded(about: string, decide: () => Decision | null): boolean {
    try {
      const decision = decide();
      if (decision === null) return true;
      this.alerts.set(decision.after.key, decision.after);
      this.inhibitors.follow(decision.before, decision.after);
      this.history.push(...decision.history);
      this.messages.push(...decision.messages);
      this.obsolete.push(...decision.obsolete);
      return true;
    } catch (error) {
      this.tally.bugs += 1;
      this.onBug(error, about);
      return false;
    }
  }

  private refuse(why: string): void {
    this.tally.refused.set(why, (this.tally.refused.get(why) ?? 0) + 1);
  }

  async save(tx: Transaction): Promise<void> {
    const changed: SavedAlert[] = [];
    for (const [key, after] of this.alerts) {
      const before = this.stored.get(key) ?? null;
      if (before !== after) changed.push({ before, after });
    }
    if (changed.length > 0) await tx.save(changed);
    // What is overtaken goes before what overtakes it comes.
    const overtaken = this.obsolete.length > 0 ? await tx.makeObsolete(this.obsolete, this.at) : [];
    for (const { message, why } of overtaken) {
      this.history.push(receiptEntry(message, this.at, 'obsolete', why));
    }
    if (this.history.length > 0) await tx.appendHistory(this.history);
    if (this.messages.length > 0) await tx.enqueue(this.messages, this.at);
    const freed = this.inhibitors.freed();
    if (freed.length > 0) this.wakes.push(['inhibited', freed]);
    for (const [kind, by] of this.wakes) {
      // So many cannot be woken in one step: then all that stand are, in steps.
      if (!(await tx.wakeMuted(kind, by, this.at, wakenAtOnce))) this.wakeFrom = 'first';
      this.moreDue = true;
    }
    if (this.wakeFrom !== null) await this.wakeSome(tx, this.wakeFrom);
    else if (this.inhibitedDue) await this.wakeInhibited(tx);
    this.tally.messages = this.messages.length;
  }

  /** A policy, a silence or a clock may change what is owed of every alert: they are woken in steps, across batches. */
  private async wakeSome(tx: Transaction, from: AlertKey | 'first'): Promise<void> {
    const next = await tx.wakeRaised(this.at, from === 'first' ? null : from, dueAtOnce);
    await tx.setFact(wakingFact, next === null ? inhibitedLast : String(next));
    this.moreDue = true;
  }

  /** All others were looked at, or are in this batch: now it is known what inhibits what. */
  private async wakeInhibited(tx: Transaction): Promise<void> {
    const [, after = null] = this.waking.split(':');
    const from = after === null ? null : (Number(after) as AlertKey);
    const next = await tx.wakeRaised(this.at, from, dueAtOnce, 'inhibited');
    await tx.setFact(wakingFact, next === null ? '' : `${inhibitedLast}:${next}`);
    this.moreDue = true;
  }

  result(outcomes: readonly Outcome[]): BatchResult {
    let wakeAt: Instant | null = null;
    for (const alert of this.alerts.values()) wakeAt = earliest(wakeAt, alert.wakeAt);
    return {
      outcomes,
      tally: this.tally,
      wakeAt,
      news: this.history.length > 0,
      owes: this.messages.length > 0 || this.receipts > 0 || this.hurried,
      moreDue: this.moreDue,
      policy: this.policy,
      silences: this.silences,
      hosts: this.names.asked,
    };
  }
}

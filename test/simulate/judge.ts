/**
 * Compares the real station with the naive model, from what the station keeps
 * (history, alerts, outbox) and from what reached the providers. It reads the
 * database over a connection of its own, follows it by sequence number, and
 * never asks the station what it thinks.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import Database from 'better-sqlite3';
import type { Alert, AlertKey, Change } from '../../src/station/core/alert.ts';
import type { WorldClock } from './clock.ts';
import { DeliveryJudge } from './delivery.ts';
import { Folded } from './fold.ts';
import type { Host } from './host.ts';
import { clock as shown } from './input.ts';
import type { Model } from './model.ts';
import type { NaiveAlert } from './naive.ts';
import { personOf } from './own.ts';
import type { Providers } from './providers.ts';

export type Disagreement = {
  /** What the station's clock showed. */
  readonly wall: number;
  readonly at: number;
  /** `source id`, where it is about one alert. */
  readonly alert: string | null;
  /** For short: disagreements of one kind are alike. */
  readonly kind: string;
  readonly expected: string;
  readonly found: string;
};

type HistoryRow = {
  seq: number;
  alert: AlertKey;
  at: number;
  by: string | null;
  kind: Change['kind'];
  data: string;
};
type Told = { readonly at: number; readonly channels: string; readonly why: string; passes: number };

const minute = 60_000;

export class Judge {
  readonly found: Disagreement[] = [];
  messages = 0;
  /** Of all that history says: that of two equal runs is the same. */
  digest = 0;
  private readonly host: Host;
  private readonly model: Model;
  private readonly clock: WorldClock;
  private readonly providers: Providers;
  readonly delivery: DeliveryJudge;
  private readonly db: Database.Database;
  private readonly statements;
  private lastSeq = 0;
  private readonly names = new Map<AlertKey, string>();
  private readonly keys = new Map<string, AlertKey>();
  private readonly folds = new Map<AlertKey, Folded>();
  private readonly owed = new Map<string, Told[]>();
  private readonly unexpected = new Map<string, Told[]>();
  private readonly touched = new Set<AlertKey>();
  constructor(options: {
    readonly folder: string;
    readonly host: Host;
    readonly model: Model;
    readonly clock: WorldClock;
    readonly providers: Providers;
  }) {
    const { folder, host, model, clock, providers } = options;
    this.host = host;
    this.model = model;
    this.clock = clock;
    this.providers = providers;
    this.db = new Database(join(folder, 'mauve.db'), { readonly: true });
    this.statements = {
      history: this.db.prepare<[number], HistoryRow>('SELECT * FROM history WHERE seq > ? ORDER BY seq'),
      name: this.db.prepare<[AlertKey], { source: string; id: string }>(
        'SELECT source, id FROM alerts WHERE key = ?',
      ),
      key: this.db.prepare<[string, string], { key: AlertKey }>(
        'SELECT key FROM alerts WHERE source = ? AND id = ?',
      ),
    };
    this.delivery = new DeliveryJudge(
      this.db,
      (kind, alert, expected, found) => this.disagree(kind, alert, expected, found),
      (key) => this.nameOf(key),
    );
  }

  close(): void {
    this.db.close();
  }

  /** The station was down, or its clock was set. */
  disturbed(clockSetBack: boolean): void {
    this.delivery.disturbed(this.clock.wall(), clockSetBack);
  }

  /** Compares all that is new. @param states also how alerts stand, which takes a station that lives. */
  async pass(states: boolean): Promise<void> {
    const { calls, words } = this.providers;
    this.delivery.readOutbox(this.model.currentPolicy());
    this.readHistory();
    this.delivery.compare(calls.splice(0), words.splice(0), this.clock.wall(), this.host.alive);
    this.compareOwed();
    if (states && this.host.alive) await this.compareStates();
  }

  private disagree(kind: string, alert: string | null, expected: string, found: string): void {
    this.found.push({ wall: this.clock.wall(), at: this.clock.now, alert, kind, expected, found });
  }

  nameOf(key: AlertKey): string {
    const known = this.names.get(key);
    if (known !== undefined) return known;
    const row = this.statements.name.get(key);
    const name = row === undefined ? `alert ${key}` : `${row.source} ${row.id}`;
    this.names.set(key, name);
    this.keys.set(name, key);
    return name;
  }

  // -------------------------------------------------------------- who was told

  private readHistory(): void {
    for (const { seq, alert, at, by, kind, data } of this.statements.history.iterate(this.lastSeq)) {
      this.lastSeq = seq;
      this.digest = crc32(`${alert} ${at} ${by} ${kind} ${data}`, this.digest);
      const name = this.nameOf(alert);
      const change = { kind, ...JSON.parse(data) } as Change;
      let fold = this.folds.get(alert);
      if (fold === undefined) {
        fold = new Folded();
        this.folds.set(alert, fold);
      }
      fold.take(change, at, by);
      this.touched.add(alert);
      if (change.kind === 'told') {
        const told = { at, channels: change.channels.join(), why: '', passes: 0 };
        add(this.unexpected, `told ${change.of} ${change.person} ${name}`, told);
        this.messages += 1;
      }
      if (change.kind === 'not-told') {
        const told = { at, channels: '', why: change.why, passes: 0 };
        add(this.unexpected, `not-told ${change.of} ${change.person} ${name}`, told);
      }
      const [source = '', id = ''] = name.split(' ');
      this.delivery.history(alert, change, at, by, personOf(source, id));
    }
  }

  private compareOwed(): void {
    for (const { what, at, alert, person, kind, channels, why } of this.model.telling.expected) {
      const name = `${alert.source} ${alert.id}`;
      add(this.owed, `${what} ${kind} ${person} ${name}`, { at, channels: channels.join(), why, passes: 0 });
    }
    this.model.telling.expected = [];
    for (const [key, owed] of this.owed) {
      const came = this.unexpected.get(key) ?? [];
      for (const one of [...owed]) {
        const match = came.find(({ at }) => Math.abs(at - one.at) < minute);
        if (match === undefined) continue;
        came.splice(came.indexOf(match), 1);
        owed.splice(owed.indexOf(one), 1);
        const alert = key.split(' ').slice(3).join(' ');
        if (one.channels !== match.channels)
          this.disagree('channels', alert, `${key} by ${one.channels}`, `by ${match.channels}`);
        if (!match.why.startsWith(one.why)) this.disagree('reason', alert, `${key}: ${one.why}`, match.why);
      }
      if (came.length === 0) this.unexpected.delete(key);
      this.overdue(this.owed, key, owed, (at) => ['owed', `${key} at ${shown(at)}`, 'nothing']);
    }
    for (const [key, came] of this.unexpected) {
      this.overdue(this.unexpected, key, came, (at) => ['not owed', 'nothing', `${key} at ${shown(at)}`]);
    }
  }

  private overdue(
    where: Map<string, Told[]>,
    key: string,
    left: Told[],
    words: (at: number) => readonly [kind: string, expected: string, found: string],
  ): void {
    for (const one of [...left]) {
      one.passes += 1;
      if (one.passes < 2) continue;
      left.splice(left.indexOf(one), 1);
      this.disagree(words(one.at)[0], key.split(' ').slice(3).join(' '), words(one.at)[1], words(one.at)[2]);
    }
    if (left.length === 0) where.delete(key);
  }

  // -------------------------------------------------------------- how alerts stand

  private async compareStates(): Promise<void> {
    const wanted = new Map<AlertKey, NaiveAlert | null>();
    for (const key of this.touched) wanted.set(key, this.model.alerts.get(this.nameOf(key)) ?? null);
    for (const alert of this.model.changed) {
      const name = `${alert.source} ${alert.id}`;
      const key = this.keys.get(name) ?? this.keyOf(name);
      if (key === null) this.disagree('unknown', name, 'an alert', 'none in the store');
      else wanted.set(key, alert);
    }
    this.model.changed.clear();
    this.touched.clear();
    if (wanted.size === 0) return;
    const stored = await this.host.load([...wanted.keys()]);
    const wall = this.clock.wall();
    for (const alert of stored) {
      const name = this.nameOf(alert.key);
      const naive = wanted.get(alert.key) ?? null;
      if (naive === null) this.disagree('unknown', name, 'no such alert', 'one in the store');
      else
        for (const words of differences(naive, alert, wall)) this.disagree('state', name, words[0], words[1]);
      const folded = this.folds.get(alert.key) ?? new Folded();
      for (const words of folded.differences(alert, wall)) this.disagree('history', name, 'the same', words);
      if (
        naive !== null &&
        naive.muted !== null &&
        naive.phase !== naive.announced.phase &&
        folded.muted === null
      ) {
        this.disagree('no reason', name, `muted: ${naive.muted.kind}`, 'nothing on record');
      }
    }
  }

  /** The key of an alert that the store has, by `source id`. */
  keyOf(name: string): AlertKey | null {
    const [source = '', id = ''] = name.split(' ');
    const row = this.statements.key.get(source, id);
    if (row !== undefined) this.nameOf(row.key);
    return row?.key ?? null;
  }
}

function add(map: Map<string, Told[]>, key: string, told: Told): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [told]);
  else known.push(told);
}

const time = (at: number | null): string => (at === null ? 'never' : shown(at));

function differences(naive: NaiveAlert, alert: Alert, wall: number): readonly (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  const compare = (what: string, wanted: string | number, stored: string | number): void => {
    if (wanted !== stored) found.push([`${what} ${wanted}`, `${stored}`]);
  };
  const moments = (what: string, wanted: number | null, stored: number | null): void => {
    if (wanted !== stored) compare(what, time(wanted), time(stored));
  };
  const { phase } = alert;
  compare('phase', naive.phase, phase.kind);
  moments('since', naive.since, phase.since);
  if (phase.kind === 'acknowledged') {
    moments('raised at', naive.raisedSince, phase.raisedSince);
    compare('acknowledged by', naive.acknowledgedBy, phase.by);
    moments('acknowledged until', naive.acknowledgedUntil, phase.until);
    compare('note', naive.note, phase.note);
  }
  compare('episode', naive.episode, alert.episode);
  moments('planned raise', naive.willRaiseAt, alert.willRaiseAt);
  moments('planned clear', naive.willClearAt, alert.willClearAt);
  const later = (at: number | null): number | null => (at !== null && at > wall ? at : null);
  moments('suppressed until', later(naive.suppressUntil), later(alert.suppressUntil));
  compare('subject', naive.subject, alert.subject);
  compare('summary', naive.summary, alert.summary);
  compare('detail', naive.detail, alert.detail);
  compare('importance', naive.importance, alert.importance);
  compare('last told', naive.announced.phase, alert.announced.kind);
  return found;
}

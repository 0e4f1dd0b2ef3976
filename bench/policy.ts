/**
 * What the policy costs: one decision, the tick that finds what is due, a
 * reload, a forecast; with 200 groups and 500 people, and how that grows from
 * 10,000 stored alerts to a million, of which a tenth is raised. Deciding on an
 * update must not grow with the number of alerts, nor the tick with anything but
 * what is due; a reload looks at every raised alert, and grows with those.
 *
 * Everything is a figure of this run, beside a bare durable transaction of the
 * same run; nothing is asserted, for machines are noisy.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dueAtOnce } from '../src/station/batch-waking.ts';
import type { Alert, AlertKey } from '../src/station/core/alert.ts';
import { type Context, decideReport } from '../src/station/core/decide.ts';
import { forecast } from '../src/station/core/forecast.ts';
import type { Policy } from '../src/station/core/policy.ts';
import type { Report } from '../src/station/core/update.ts';
import type { Event } from '../src/station/door.ts';
import { Meters } from '../src/station/meters.ts';
import { parsePolicy } from '../src/station/policy/file.ts';
import { openStation, type Station } from '../src/station/station.ts';
import { openSqlite } from '../src/station/store/sqlite.ts';
import type { AlertName, Store } from '../src/station/store/store.ts';
import { formatFault } from '../src/station/yaml-file.ts';
import { days, type Instant, instant, minutes, plus } from '../src/time.ts';

const sizes = (process.env.BENCH_ALERTS ?? '10000,1000000').split(',').map(Number);
const groups = 200;
const people = 500;
const raisedEach = 10;
const ticks = 3;
const fillAtOnce = 10_000;
const repeats = 400;
const batch = 100;

const start = instant(Date.UTC(2026, 0, 5, 12));

// ---------------------------------------------------------------- the policy

/** Every kind of match takes its share; an alert of team n belongs to group n. */
function groupText(n: number, every: string): string {
  const team = `team-${n}.example.net`;
  const matches = [
    `subject: "*.${team}"`,
    `subject: {in: hosts-${n}}`,
    `any: [{subject: "/^host-[0-9]{1,9}[.]team-${n}[.]/"}, {id: "only-${n}"}]`,
    `source: "*.${team}", importance: {above: 10}`,
  ];
  const rules = [
    `{to: [list-${n % 50}, person-${n}], every: ${every}}`,
    `{to: person-${(n + 100) % people}, every: 6h, during: {unacknowledged: 2h, hours: working}}`,
    `{to: person-${(n + 200) % people}, every: 6h, during: {any: [{hours: daytime}, {raised_for: 8h}]}}`,
  ];
  return `  - {name: group ${n}, match: {${matches[n % matches.length]}}, notify: [${rules.join(', ')}]}`;
}

function policyText(every: string): string {
  const range = (count: number, line: (n: number) => string): string =>
    Array.from({ length: count }, (_, n) => line(n)).join('\n');
  return [
    'version: 1',
    'timezone: Europe/London',
    'people:',
    range(people, (n) => `  person-${n}: {email: person-${n}@example.net, limits: none}`),
    'lists:',
    range(50, (n) => `  list-${n}: {members: [person-${n}, person-${n + 50}]}`),
    'sources:',
    range(groups, (n) => `  hosts-${n}: ["*.team-${n}.example.net", 192.0.2.${n}, 2001:db8:${n}::/48]`),
    'groups:',
    range(groups, (n) => groupText(n, every)),
    '  - {name: others, notify: []}',
    'settings: {initial_sleep: 0s, source_lookups: false}',
  ].join('\n');
}

function policyOf(every: string): Policy {
  const loaded = parsePolicy('policy.yaml', policyText(every), { now: start });
  if (!loaded.ok) throw new Error(loaded.faults.map(formatFault).join('\n'));
  return loaded.policy;
}

// ---------------------------------------------------------------- alerts

/** Neighbours are of different teams, so that every group has its share of whatever is looked at. */
const nameOf = (i: number): AlertName => ({
  source: `host-${i}.team-${i % groups}.example.net`,
  id: `check-${i}`,
});

function reportOf(i: number, kind: 'raise' | 'clear', at: Instant): Report {
  return {
    id: nameOf(i).id,
    subject: '',
    summary: 'the disk of this host is nearly full',
    detail: '',
    importance: 50,
    ask: { kind, at },
    willRaiseAt: null,
    willClearAt: null,
    suppressUntil: null,
  };
}

const contextOf = (policy: Policy, now: Instant): Context => ({
  now,
  policy,
  startedAt: start,
  sleepsUntil: start,
  silences: [],
  names: { generation: 0, lookup: () => [] },
  inhibitor: () => null,
});

/** Each tenth alert is raised: the first of them so that `dueAtOnce` fall due at each of the ticks, the others later. */
const isRaised = (i: number): boolean => i % raisedEach === 3;
const raisedAt = (i: number): Instant => {
  const tick = Math.floor(i / raisedEach / dueAtOnce);
  return plus(start, tick < ticks ? minutes(tick) : minutes(30));
};
const tickAt = (tick: number): Instant => plus(start, minutes(60 + tick));

/** As the core leaves them; of each team one is decided on, and the others are like it. */
function alertsOf(policy: Policy): (key: AlertKey, i: number) => Alert {
  const known = new Map<string, Alert>();
  return (key, i) => {
    const at = isRaised(i) ? raisedAt(i) : start;
    const like = `${i % groups} ${isRaised(i) ? at : 'cleared'}`;
    const { source, id } = nameOf(i);
    const found = known.get(like);
    if (found !== undefined) return { ...found, key, source, id, subject: source };
    const report = reportOf(i, isRaised(i) ? 'raise' : 'clear', at);
    const { after } = decideReport(null, key, source, report, contextOf(policy, at));
    known.set(like, after);
    return after;
  };
}

async function fill(store: Store, alerts: number, policy: Policy): Promise<void> {
  const alertOf = alertsOf(policy);
  for (let first = 0; first < alerts; first += fillAtOnce) {
    await store.transaction(async (tx) => {
      const keys = await tx.newKeys(Math.min(fillAtOnce, alerts - first));
      await tx.save(keys.map((key, n) => ({ before: null, after: alertOf(key, first + n) })));
    });
  }
}

// ---------------------------------------------------------------- measures

const median = (times: readonly number[]): number =>
  [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;

async function timed(run: () => unknown): Promise<number> {
  const begun = performance.now();
  await run();
  return performance.now() - begun;
}

/** The same pseudo-random numbers in each run. */
function numbers(): () => number {
  let state = 12_345;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 4;
  };
}

/** All in milliseconds. */
type Figures = Map<string, number>;

let transmission = 2n ** 62n;
function updateOf(i: number, at: Instant): Event {
  transmission += 7_919n;
  const alert = {
    id: nameOf(i).id,
    raiseTime: BigInt(at / 1000),
    clearTime: 0n,
    subject: '',
    summary: '',
    detail: '',
    importance: 0,
    suppressUntil: 0n,
  };
  const { source } = nameOf(i);
  return {
    kind: 'update',
    reception: at,
    update: {
      transmissionId: transmission,
      source,
      replace: false,
      transmissionTime: 0n,
      signature: new Uint8Array(),
      alerts: [alert],
    },
  };
}

class Bench {
  readonly figures: Figures = new Map();
  private readonly alerts: number;
  private readonly policy: Policy;
  private readonly store: Store;
  private readonly station: Station;
  private now = plus(start, minutes(45));

  constructor(store: Store, alerts: number, policy: Policy) {
    this.alerts = alerts;
    this.policy = policy;
    this.store = store;
    const silent = { debug() {}, info() {}, warn() {}, error: console.error };
    const never = () => () => undefined;
    // Nothing wakes by itself: each tick is one that is timed.
    const clock = { now: () => this.now, wake: never, after: never };
    this.station = openStation({ store, policy, clock, log: silent, meters: new Meters(false) });
  }

  async run(): Promise<void> {
    await this.store.transaction((tx) => tx.setFact('policy', this.policy.version));
    await this.bare();
    this.core();
    await this.updates();
    await this.tick();
    await this.forecasts();
    await this.reload();
    await this.station.stop();
  }

  private async bare(): Promise<void> {
    const times = [];
    for (let n = 0; n < repeats; n++) {
      times.push(await timed(() => this.store.transaction((tx) => tx.setFact('bench', String(n)))));
    }
    this.figures.set('a bare durable transaction', median(times));
  }

  /** The judgement alone, in memory: raised anew, in a group wherever it stands. */
  private core(): void {
    const times = [];
    const context = contextOf(this.policy, this.now);
    for (let n = 0; n < 20; n++) {
      const begun = performance.now();
      for (let i = 0; i < groups; i++) {
        decideReport(null, 1 as AlertKey, nameOf(i).source, reportOf(i, 'raise', this.now), context);
      }
      times.push((performance.now() - begun) / groups);
    }
    this.figures.set('one decision, in memory', median(times));
  }

  /** Cleared alerts from all over the store are raised: decided on, told of, committed. */
  private async updates(): Promise<void> {
    const random = numbers();
    const taken = new Set<number>();
    const next = (): number => {
      for (;;) {
        const i = random() % this.alerts;
        if (isRaised(i) || taken.has(i)) continue;
        taken.add(i);
        return i;
      }
    };
    const alone = [];
    for (let n = 0; n < repeats / 2; n++) {
      const event = updateOf(next(), this.now);
      alone.push(await timed(() => this.station.handle([event])));
    }
    this.figures.set('an update that raises, alone', median(alone));
    const together = [];
    for (let n = 0; n < repeats / 20; n++) {
      const events = Array.from({ length: batch }, () => updateOf(next(), this.now));
      together.push((await timed(() => this.station.handle(events))) / batch);
    }
    this.figures.set(`an update that raises, ${batch} together`, median(together));
    this.figures.set(
      'nothing is due',
      median(await this.times(repeats, () => this.station.handle([{ kind: 'tick', at: this.now }]))),
    );
  }

  private async times(count: number, run: () => unknown): Promise<readonly number[]> {
    const times = [];
    for (let n = 0; n < count; n++) times.push(await timed(run));
    return times;
  }

  private async tick(): Promise<void> {
    const times = [];
    for (let tick = 0; tick < ticks; tick++) {
      this.now = tickAt(tick);
      times.push(await timed(() => this.station.handle([{ kind: 'tick', at: this.now }])));
    }
    this.figures.set(`${dueAtOnce} reminders are due`, median(times));
  }

  private async forecasts(): Promise<void> {
    const key = await this.store.transaction(async (tx) => {
      const found = await tx.loadNamed([nameOf(this.alerts - raisedEach + 3)]);
      return [...found.values()][0];
    });
    if (key === undefined) throw new Error('the last raised alert is not there');
    const context = contextOf(this.policy, this.now);
    const until = plus(this.now, days(1));
    this.figures.set(
      'a forecast of a day, in memory',
      median(await this.times(50, () => forecast(key, context, until, null))),
    );
    this.figures.set(
      'a forecast of a day',
      median(await this.times(50, () => this.station.forecast(key.key, days(1), null))),
    );
  }

  /** The policy is read again and differs for every group: each raised alert is judged by it. */
  private async reload(): Promise<void> {
    let policy = this.policy;
    const read = await this.times(3, () => {
      policy = policyOf('50m');
    });
    this.figures.set('a reload: the file is read', median(read));
    this.figures.set('a reload: it is put in force', await timed(() => this.station.load(policy)));
    const steps: number[] = [];
    for (let wake = await this.store.nextWake(); wake !== null && wake <= this.now; ) {
      steps.push(await timed(() => this.station.handle([{ kind: 'tick', at: this.now }])));
      wake = await this.store.nextWake();
    }
    this.figures.set(
      'a reload: all raised alerts are judged',
      steps.reduce((a, b) => a + b, 0),
    );
    this.figures.set('a reload: the longest step of it', Math.max(...steps));
  }
}

const shown = (ms: number): string => {
  if (ms < 1) return `${(ms * 1000).toFixed(1)} µs`;
  return ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`;
};

const all: Figures[] = [];
for (const alerts of sizes) {
  const folder = mkdtempSync(join(tmpdir(), 'mauve-bench-'));
  const store = openSqlite({ folder });
  const policy = policyOf('1h');
  const filled = await timed(() => fill(store, alerts, policy));
  console.log(`${alerts} alerts stored, ${alerts / raisedEach} of them raised, in ${shown(filled)}`);
  const bench = new Bench(store, alerts, policy);
  await bench.run();
  all.push(bench.figures);
  await store.close();
  rmSync(folder, { recursive: true });
}
const [first = new Map<string, number>()] = all;
const bare = 'a bare durable transaction';
console.log(`\n${groups} groups, ${people} people, Node ${process.version}`);
console.log(
  `${' '.repeat(42)}${sizes.map((n) => `${n} alerts`.padStart(18)).join('')}${'growth'.padStart(9)}${'to bare'.padStart(10)}`,
);
for (const [name, from] of first) {
  const figures = all.map((each) => each.get(name) ?? Number.NaN);
  const last = figures.at(-1) ?? Number.NaN;
  const columns = figures.map((ms) => shown(ms).padStart(18)).join('');
  const toBare = last / (all.at(-1)?.get(bare) ?? Number.NaN);
  console.log(
    `${name.padEnd(42)}${columns}${(last / from).toFixed(2).padStart(9)}${toBare.toFixed(2).padStart(10)}`,
  );
}

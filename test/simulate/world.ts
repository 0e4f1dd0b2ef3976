/**
 * The world around the station, from a seed: sources with wrong clocks that
 * raise, repeat, flap, plan and send full updates over a bad network; people who
 * acknowledge late, again or never; providers that fail; a station that is
 * killed, stopped, reloaded, and whose clock is set.
 *
 * It is worked out day by day, without looking at what the station does: so a
 * part of it can be left out and the rest stays as it was.
 */
import type { Input, Outage } from './input.ts';
import type { PersonsAct, Said, SaidUpdate } from './naive.ts';
import { type MatchSpec, policies } from './policies.ts';
import { Random } from './random.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
/** Many sources are started by cron at the same moments. */
const cronEvery = 30 * minute;
const checkEvery = 5 * minute;

export type WorldOptions = {
  readonly seed: number;
  readonly sources: number;
  readonly from: number;
  readonly until: number;
};

type Source = {
  readonly name: string;
  readonly subject: string;
  /** Its clock is wrong by so much. */
  readonly skew: number;
  /** Its heartbeats are started by cron, at whole minutes. */
  readonly cron: boolean;
  readonly random: Random;
  nextHeartbeat: number;
  nextIncident: number;
};

type Report = Partial<Omit<Said, 'id'>> & { readonly id: string };

const actors = ['ann', 'bob', 'cid', 'eve', 'fay', 'archie', 'zoe', 'token:robot'];
const summaries = ['disk is full', 'disk is 97% full', 'link flaps', 'no answer', 'slow', 'backup missing'];
/** Most of what people get comes by mail. */
const channels = ['sms', 'email', 'email', 'xmpp'];
const outages: readonly Outage[] = ['refuses', 'hangs', 'rejects', 'is slow'];

function namesOf(count: number): readonly string[] {
  const kinds = ['core-', 'db', 'web-', 'app-', 'mail-', 'backup-', 'Edge-'];
  return Array.from(
    { length: count },
    (_, i) => `${kinds[i % kinds.length]}${1 + Math.floor(i / kinds.length)}`,
  );
}

export class World {
  private readonly options: WorldOptions;
  private readonly random: Random;
  private readonly sources: Source[];
  private readonly days = new Map<number, Input[]>();
  private silences = 0;
  /** By how much the station's clock was set in all. */
  private jumped = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    const { seed, from } = options;
    this.random = new Random(seed, 'world');
    this.sources = namesOf(options.sources).map((name, i) => {
      const random = new Random(seed, 'source', name);
      return {
        name,
        subject: i % 5 === 4 ? `${name}.Example.net` : name,
        skew:
          (random.chance(0.3)
            ? random.between(-7200, 7200)
            : random.chance(0.4)
              ? random.between(-2, 2)
              : 0) * second,
        cron: i % 24 !== 5,
        random,
        nextHeartbeat: from + random.between(0, 1800) * second,
        nextIncident: from + random.between(60, 86_400) * second,
      };
    });
  }

  /** One day after the other, each in the order of its times. */
  *generate(): Generator<readonly Input[]> {
    const { from, until } = this.options;
    for (let begin = from; begin < until; begin += day) {
      const end = Math.min(begin + day, until);
      for (const source of this.sources) this.live(source, end);
      this.trouble(begin, end);
      const inputs = this.days.get(begin) ?? [];
      this.days.delete(begin);
      yield inputs.filter(({ at }) => at < end).sort((a, b) => a.at - b.at);
    }
  }

  private add(input: Input): void {
    const { from } = this.options;
    const begin = from + Math.floor((input.at - from) / day) * day;
    const inputs = this.days.get(begin);
    if (inputs === undefined) this.days.set(begin, [input]);
    else inputs.push(input);
  }

  // -------------------------------------------------------------- sources

  private live(source: Source, until: number): void {
    const { random } = source;
    while (source.nextHeartbeat < until) {
      const at = source.nextHeartbeat;
      // Cron makes it half an hour or an hour.
      const next = (source.cron ? random.between(16, 44) : random.between(30, 60)) * minute;
      // One that is lost does no harm.
      const late = at + next + random.between(80, 120) * minute;
      const raise = source.cron ? Math.ceil(late / cronEvery) * cronEvery : late;
      this.send(source, at, [{ id: 'alive', clear: at, raise, summary: 'no heartbeat' }]);
      // Now and then it is down itself.
      source.nextHeartbeat = at + (random.chance(0.0006) ? random.between(2, 9) * hour : next);
      if (source.cron) source.nextHeartbeat = Math.ceil(source.nextHeartbeat / cronEvery) * cronEvery + 137;
      else source.nextHeartbeat += random.between(1, 999);
    }
    while (source.nextIncident < until) {
      this.incident(source, source.nextIncident);
      source.nextIncident += random.between(2 * hour, 500 * hour) + random.between(0, 999);
    }
  }

  private incident(source: Source, at: number): void {
    const { random } = source;
    const kind = random.next();
    if (random.chance(0.08)) this.storm(source, at);
    else if (kind < 0.35) this.disk(source, at);
    else if (kind < 0.5) this.flap(source, at);
    else if (kind < 0.65) this.hostDown(source, at);
    else if (kind < 0.77) this.planned(source, at);
    else if (kind < 0.87) this.full(source, at);
    else if (kind < 0.93) this.suppressed(source, at);
    else this.odd(source, at);
  }

  /** A check that says again and again that it is raised, until it is cleared. */
  private disk(source: Source, begin: number): void {
    const { random } = source;
    const id = `disk-${random.between(1, 3)}`;
    const end =
      begin + (random.chance(0.03) ? random.between(6, 30) * hour : random.between(3, 300) * minute);
    const every = random.between(1, 3) * checkEvery;
    const importance = random.pick([0, 0, 15, 50, 65, 90]);
    const first = Math.ceil(begin / checkEvery) * checkEvery + 137;
    for (let at = first; at < end; at += every) {
      // A burst: what goes on in a log, say.
      for (let left = random.between(8, 30); left > 0; left--) {
        const summary = random.chance(0.01) || at === first ? random.pick(summaries) : '';
        const raise = random.chance(0.5) ? begin : 0;
        this.send(source, at, [{ id, summary, importance, raise, subject: source.subject, detail: summary }]);
      }
    }
    this.clear(source, [id], end);
    this.people(source, [id], begin, end);
  }

  /** It says so until it surely was heard. */
  private clear(source: Source, ids: readonly string[], begin: number): void {
    const { random } = source;
    let at = begin;
    for (let times = 0; times < 4; times++) {
      this.send(
        source,
        at,
        ids.map((id) => ({ id, clear: at })),
      );
      // The last one comes when a station that was down is back.
      const wait = times < 2 ? random.between(20, 600) * second : random.between(2, 4) * hour;
      at += wait + random.between(0, 999);
    }
  }

  private flap(source: Source, begin: number): void {
    const { random } = source;
    const id = `link-${random.between(1, 2)}`;
    let at = begin;
    for (let left = random.between(3, 40); left > 0; left--) {
      this.send(source, at, [{ id, raise: at, summary: 'link flaps', subject: source.subject }]);
      at += random.between(1, random.chance(0.2) ? 900 : 70) * second + random.between(0, 999);
      this.send(source, at, [{ id, clear: at }]);
      at += random.between(1, random.chance(0.2) ? 400 : 60) * second + random.between(0, 999);
    }
    this.clear(source, [id], at);
    this.people(source, [id], begin, at);
  }

  /** The host is down, and so is what runs on it. */
  private hostDown(source: Source, begin: number): void {
    const { random } = source;
    const { subject } = source;
    const others = ['ping', 'http', 'ssh', 'link-1'].filter(() => random.chance(0.7));
    const reports = others.map((id): Report => ({ id, subject, importance: random.pick([0, 50, 55, 65]) }));
    const down: Report = { id: 'host-down', subject, summary: 'no answer' };
    if (random.chance(0.4))
      this.send(source, begin, random.chance(0.5) ? [...reports, down] : [down, ...reports]);
    else {
      this.send(source, begin + random.between(0, 90_000), [down]);
      for (const report of reports) this.send(source, begin + random.between(0, 90_000), [report]);
    }
    const end = begin + random.between(2, 300) * minute + random.between(0, 999);
    this.clear(source, ['host-down'], end);
    for (const id of others) {
      const from = Math.max(begin + minute, end - 2 * minute);
      this.clear(source, [id], from + random.between(0, random.chance(0.2) ? 3 * hour : 3 * minute));
    }
    this.people(source, ['host-down', ...others], begin, end);
  }

  /** Many alerts at once, and a provider that may fail just then. */
  private storm(source: Source, begin: number): void {
    const { random } = source;
    const ids = Array.from({ length: random.between(6, 30) }, (_, i) => `job-${i + 1}`);
    const long = random.between(5, 90) * minute;
    if (random.chance(0.5)) {
      const how = random.pick(outages);
      this.add({ at: begin, kind: 'outage', channel: random.pick(channels), how, for: long });
    }
    for (const at of [begin, begin + random.between(1, 50) * second]) {
      const some = ids.filter(() => random.chance(0.6));
      this.send(
        source,
        at,
        some.map((id) => ({ id, raise: at, summary: random.pick(summaries), subject: source.subject })),
      );
    }
    this.clear(source, ids, begin + long);
    this.people(source, ids, begin, begin + long);
  }

  /** It says beforehand when it will be cleared, or raised. */
  private planned(source: Source, begin: number): void {
    const { random } = source;
    const id = random.pick(['backup-a', 'backup-b', 'restic']);
    const long = random.between(5, 400) * minute;
    this.send(source, begin, [{ id, raise: begin, clear: begin + long, summary: random.pick(summaries) }]);
    if (random.chance(0.4)) {
      const at = begin + random.between(1, 200) * minute + random.between(0, 999);
      this.send(source, at, [{ id, clear: at + long }]);
    }
    if (random.chance(0.3)) {
      const at = begin + random.between(1, 300) * minute + random.between(0, 999);
      this.send(source, at, [{ id, raise: at + long, clear: at + 2 * long }]);
    }
    const end = begin + random.between(6, 30) * hour + random.between(0, 999);
    this.clear(source, [id], end);
    this.people(source, [id], begin, begin + long);
  }

  /** Full updates: what one does not list is cleared. */
  private full(source: Source, begin: number): void {
    const { random } = source;
    let at = begin;
    for (let left = random.between(2, 9); left >= 0; left--) {
      const ids = ['job-1', 'job-2', 'job-3', 'disk-1', 'noise'].filter(() => left > 0 && random.chance(0.5));
      this.send(
        source,
        at,
        ids.map((id) => ({ id, summary: random.pick(summaries) })),
        true,
      );
      at += random.between(1, 90) * minute + random.between(0, 999);
    }
    for (const later of [0, 20 * minute, 3 * hour]) this.send(source, at + later, [], true);
    this.people(source, ['job-1', 'job-2'], begin, at);
  }

  private suppressed(source: Source, begin: number): void {
    const { random } = source;
    const id = random.pick(['deploy', 'disk-2']);
    const suppress = begin + random.between(2, 150) * minute;
    const end = begin + random.between(1, 300) * minute + random.between(0, 999);
    this.send(source, begin, [{ id, raise: begin, suppress }]);
    if (random.chance(0.5)) this.send(source, begin + 30_000, [{ id, suppress: suppress + hour }]);
    this.send(source, end, [{ id, clear: end, suppress: random.chance(0.3) ? end + 20 * minute : 0 }]);
    this.clear(source, [id], end + minute);
    this.people(source, [id], begin, end);
  }

  /** Times that nobody sends on purpose. */
  private odd(source: Source, begin: number): void {
    const { random } = source;
    const around = (): number => begin + random.between(-90, 200) * minute;
    const id = random.pick(['odd-1', 'odd-2']);
    for (let left = random.between(1, 5); left > 0; left--) {
      const at = begin + random.between(0, 90) * minute + random.between(0, 999);
      const raise = random.chance(0.7) ? around() : 0;
      const clear = random.chance(0.7) ? around() : 0;
      const suppress = random.chance(0.2) ? around() : 0;
      this.send(source, at, [{ id, raise, clear, suppress, importance: random.pick([0, 10, 30]) }]);
    }
    const end = begin + 7 * hour + random.between(0, 999);
    this.clear(source, [id], end);
    this.people(source, [id], begin, end);
  }

  // -------------------------------------------------------------- the network

  private send(source: Source, at: number, reports: readonly Report[], replace = false): void {
    const { random, skew } = source;
    const wire = (time: number | undefined): number =>
      time === undefined || time === 0 ? 0 : Math.floor((time + skew) / second) * second;
    const says = random.chance(Math.abs(skew) > 5 * second ? 0.99 : 0.8);
    const update: SaidUpdate = {
      source: source.name,
      transmissionId: random.transmissionId(),
      transmissionTime: says ? wire(at) : 0,
      replace,
      alerts: reports.map((report) => ({
        id: report.id,
        subject: report.subject ?? '',
        summary: report.summary ?? '',
        detail: report.detail ?? '',
        importance: report.importance ?? 0,
        raise: wire(report.raise),
        clear: wire(report.clear),
        suppress: wire(report.suppress),
      })),
    };
    if (random.chance(0.03)) return;
    const delayed = random.chance(0.01) ? random.between(1, 90_000) : at % minute === 137 ? 0 : 20;
    const arrives = Math.floor(at) + delayed;
    this.add({ at: arrives, kind: 'datagram', update, copy: false });
    for (let left = random.chance(0.08) ? random.between(1, 3) : 0; left > 0; left--) {
      // Most copies come down another path at once, some much later.
      const later = random.chance(0.93) ? 0 : random.between(1, random.chance(0.5) ? 400 : 200_000);
      this.add({ at: arrives + later, kind: 'datagram', update, copy: true });
    }
  }

  // -------------------------------------------------------------- people

  private people(source: Source, ids: readonly string[], begin: number, end: number): void {
    const { random } = source;
    if (random.chance(0.45)) return;
    const alert = (): string => `${source.name} ${random.pick(ids)}`;
    let at = begin + random.between(10, random.chance(0.5) ? 600 : 7200) * second;
    for (let left = random.between(1, 4); left > 0; left--) {
      const by = random.pick(actors);
      this.add({ at: at + random.between(1, 999), kind: 'act', by, alert: alert(), act: this.act(random) });
      at += random.between(5, Math.max(10, (end - begin) / second)) * second;
    }
  }

  private act(random: Random): PersonsAct {
    const kind = random.next();
    const long = random.pick([null, 10 * minute, 45 * minute, 3 * hour, 30 * hour, 40 * day]);
    if (kind < 0.6) return { kind: 'acknowledge', for: long, note: random.chance(0.3) ? 'looking' : '' };
    if (kind < 0.75) return { kind: 'unacknowledge' };
    if (kind < 0.85) return { kind: 'clear' };
    if (kind < 0.93) return { kind: 'suppress', for: random.between(5, 200) * minute };
    return { kind: 'note', text: 'seen' };
  }

  // -------------------------------------------------------------- trouble

  /** What happens on a day about so often. */
  private times(perDay: number, begin: number, end: number, happens: (at: number) => void): void {
    const { random } = this;
    for (let at = begin; ; ) {
      at += Math.ceil(-Math.log(1 - random.next()) * (day / perDay));
      if (at >= end) return;
      happens(Math.floor(at / second) * second + random.between(1, 999));
    }
  }

  private trouble(begin: number, end: number): void {
    const { random } = this;
    this.times(0.25, begin, end, (at) => this.silence(at));
    this.times(1.2, begin, end, (at) => {
      const long = random.between(1, random.chance(0.4) ? 300 : 30) * minute;
      this.add({ at, kind: 'outage', channel: random.pick(channels), how: random.pick(outages), for: long });
    });
    this.times(0.2, begin, end, (at) =>
      this.add({ at, kind: 'reload', policy: random.between(0, policies.length - 1) }),
    );
    this.times(0.4, begin, end, (at) => {
      const alert = `mauve unreachable/${random.pick(['ann', 'bob', 'eve', 'fay'])}`;
      this.add({ at, kind: 'act', by: random.pick(actors), alert, act: this.act(random) });
    });
    const down = (): number =>
      random.chance(0.9) ? random.between(2, 90) * second : random.between(2, 150) * minute;
    this.times(0.35, begin, end, (at) =>
      this.add({
        at,
        kind: 'kill',
        write: random.between(1, 40),
        committed: random.chance(0.5),
        down: down(),
      }),
    );
    this.times(0.1, begin, end, (at) => this.add({ at, kind: 'stop', down: down() }));
    this.times(0.08, begin, end, (at) => {
      const by = random.between(2, 20) * minute + random.between(0, 59_999);
      // What is far off is set towards the truth: else heartbeats of senders that give no time of their own are late for good.
      const far = Math.abs(this.jumped) > 15 * minute;
      const ahead = far ? this.jumped < 0 : random.chance(0.5);
      this.jumped += ahead ? by : -by;
      this.add({ at, kind: 'jump', by: ahead ? by : -by });
    });
  }

  private silence(at: number): void {
    const { random } = this;
    const by = random.pick(actors);
    const name = `s${++this.silences}`;
    const source = random.pick(this.sources).name;
    const matches: readonly MatchSpec[] = [
      { source },
      { source: 'web-*' },
      { id: 'alive' },
      { summary: '/full/' },
    ];
    const long = random.between(10, 900) * minute;
    this.add({ at, kind: 'silence', by, name, match: random.pick(matches), for: long });
    if (random.chance(0.5)) {
      const ends = at + random.between(1, 900) * minute + random.between(1, 999);
      this.add({ at: ends, kind: 'end-silence', by: random.pick(actors), name });
    }
  }
}

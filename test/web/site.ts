/** A station with its web page in a test: everything real but the clock, reached over HTTP as a browser would. */

import { Buffer } from 'node:buffer';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Channel, HookAnswer, HookRequest } from '../../src/station/channels/channel.ts';
import type { AlertKey, Level, PersonId, RuleId } from '../../src/station/core/alert.ts';
import { type Condition, everyAlert } from '../../src/station/core/match.ts';
import { renderMessage } from '../../src/station/core/message.ts';
import type { Group, Hours, Person, Policy, Weekday } from '../../src/station/core/policy.ts';
import { openDeliver } from '../../src/station/deliver.ts';
import type { StationPort } from '../../src/station/door.ts';
import { type Links, openLinks } from '../../src/station/links.ts';
import { Meters } from '../../src/station/meters.ts';
import { hashPassword } from '../../src/station/password.ts';
import { openStation } from '../../src/station/station.ts';
import { StationView } from '../../src/station/station-view.ts';
import { openSqlite } from '../../src/station/store/sqlite.ts';
import { openReads } from '../../src/station/store/sqlite-reads.ts';
import type { Reads } from '../../src/station/store/store.ts';
import { type Clock, days, hours, instant, milliseconds, minutes, plus, seconds } from '../../src/time.ts';
import type { TrustProxy } from '../../src/web/context.ts';
import { sha256 } from '../../src/web/hash.ts';
import { openWeb } from '../../src/web/server.ts';
import { SimulatedClock } from '../kit/clock.ts';

export const start = instant(Date.UTC(2026, 10, 21, 2, 0, 0));
export const password = 'correct horse battery';

export type Said = {
  readonly source?: string;
  readonly id?: string;
  readonly subject?: string;
  readonly summary?: string;
  readonly detail?: string;
  readonly clear?: boolean;
  readonly heartbeat?: boolean;
};

export type SiteOptions = {
  readonly clock?: Clock;
  readonly baseUrl?: URL;
  readonly trustProxy?: TrustProxy;
  readonly log?: (message: string) => void;
  readonly warned?: (message: string) => void;
  /** What the channel `sms` answers to its provider; without, it takes no reports. */
  readonly hook?: (request: HookRequest) => Promise<HookAnswer>;
  /** In place of what the station says: for what is hard to bring about. */
  readonly instead?: Partial<StationPort>;
};

export type Site = {
  readonly base: string;
  readonly clock: Clock;
  readonly port: StationPort;
  readonly reads: Reads;
  readonly view: StationView;
  /** Makes the links of messages. */
  readonly links: Links;
  say(said: Said): Promise<AlertKey>;
  addLink(secret: string, user: string): Promise<void>;
  close(): Promise<void>;
};

const subjectLike = (regex: RegExp): Condition => ({
  kind: 'text',
  field: 'subject',
  tests: [{ kind: 'pattern', regex }],
});
const idIs = (text: string): Condition => ({ kind: 'text', field: 'id', tests: [{ kind: 'exact', text }] });

const group = (name: string, level: Level, subject: RegExp | null): Group => ({
  name,
  match: subject === null ? everyAlert : subjectLike(subject),
  level,
  acknowledgeFor: level === 'urgent' ? hours(2) : hours(1),
  hold: name === 'flapping links' ? minutes(2) : seconds(0),
  rules: [
    {
      id: `${name}/1` as RuleId,
      to: ['ann'],
      who: [{ kind: 'people', people: ['ann' as PersonId] }],
      every: minutes(15),
      during: { kind: 'always' },
      meaning: 'hourly',
    },
  ],
});

const byInbox = { kind: 'all-of', channels: ['inbox'] } as const;

const person = (id: string, name: string, timezone: string): Person => ({
  id: id as PersonId,
  name,
  addresses: {},
  channels: { low: byInbox, normal: byInbox, urgent: byInbox },
  timezone,
  limits: [],
  away: [],
});

const hoursNamed = (name: string, on: readonly Weekday[], from: number, to: number): Hours => ({
  ...{ name, timezone: 'Europe/Paris', days: on, except: null, only: null },
  ...{ from: from * 60, to: to * 60 },
});

const policy: Policy = {
  version: '1',
  timezone: 'Europe/Paris',
  people: new Map([
    ['ann' as PersonId, person('ann', 'Ann Archer', 'Europe/Paris')],
    ['bob' as PersonId, person('bob', 'Bob Baker', 'America/New_York')],
  ]),
  groups: [
    group('core routers', 'urgent', /^core-/),
    group('build machines', 'low', /^build/),
    group('flapping links', 'normal', /^link-/),
    group('default', 'normal', null),
  ],
  silences: [
    {
      id: 'sunday-backups',
      match: idIs('backup'),
      reason: 'full backups restart the databases',
      author: '',
      during: { kind: 'recurring', hours: hoursNamed('', [7], 2, 4) },
    },
  ],
  inhibits: [{ name: 'host-down', while: idIs('host-down'), mutes: idIs('ping'), same: ['subject'] }],
  hours: new Map([['working', hoursNamed('working', [1, 2, 3, 4, 5], 9, 17)]]),
  hosts: [],
  templates: new Map(),
  settings: {
    acknowledgeAtMost: days(15),
    initialSleep: seconds(0),
    holdAtMost: { low: hours(1), normal: hours(1), urgent: minutes(1) },
    digest: milliseconds(0),
    summary: { over: {}, every: minutes(15) },
    unreachableAfter: minutes(5),
  },
};

/** One hash for all tests: it takes a while on purpose. */
const hash = hashPassword(password);

/** Opens a station whose page listens on a free port of the loopback, with the users ann and bob and the token `script`. */
export async function openSite(options: SiteOptions = {}): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'mauve-web-'));
  const clock = options.clock ?? new SimulatedClock(start);
  const meters = new Meters(false);
  const quiet = (): void => undefined;
  const log = {
    debug: quiet,
    info: quiet,
    warn: (...all: unknown[]): void => options.warned?.(JSON.stringify(all)),
    error: (...all: unknown[]): void => (options.log ?? console.error)(JSON.stringify(all)),
  };
  const store = openSqlite({ folder });
  const reads = openReads({ folder });
  const station = openStation({ store, policy, clock, log, meters });
  const feeds = { problems: () => [] };
  const inbox: Channel = {
    name: 'inbox',
    concurrency: 4,
    timeout: seconds(30),
    send: async () => ({ kind: 'delivered', why: '' }),
    close: async () => undefined,
  };
  const channels = new Map([
    ['inbox', inbox],
    ['email', { ...inbox, name: 'email' }],
    ['sms', { ...inbox, name: 'sms', ...(options.hook === undefined ? {} : { hook: options.hook }) }],
  ]);
  const links = openLinks({ secret: Buffer.alloc(32, 7), clock, policy: () => station.policy() });
  const readLink = (linkToken: string) => links.read(linkToken);
  const view = new StationView({ station, store, reads, meters, feeds, channels, readLink });
  view.listening = true;
  const deliver = openDeliver({
    store,
    door: station,
    channels: new Map([['inbox', inbox]]),
    policy: () => station.policy(),
    baseUrl: 'http://mauve.example.net',
    render: renderMessage,
    ackLink: null,
    clock,
    log,
    meters,
  });
  station.onCommit((nudge) => nudge.owes && deliver.nudge());
  await store.accounts.addUser('ann', await hash, clock.now());
  await store.accounts.addUser('bob', null, clock.now());
  await store.accounts.addToken('script', sha256(token), clock.now());
  await station.start();
  const web = await openWeb({
    host: '127.0.0.1',
    port: 0,
    baseUrl: options.baseUrl ?? null,
    trustProxy: options.trustProxy ?? false,
    station: Object.assign(Object.create(view), options.instead),
    reads,
    clock,
    log,
  });
  let transmissions = 0n;
  return {
    base: `http://127.0.0.1:${web.address.port}`,
    clock,
    port: view,
    reads,
    view,
    links,
    async say(said) {
      transmissions += 1n;
      const now = BigInt(Math.floor(clock.now() / 1000));
      const alert = {
        id: said.id ?? 'disk',
        raiseTime: said.heartbeat === true ? now + 600n : 0n,
        clearTime: said.clear === true || said.heartbeat === true ? now : 0n,
        subject: said.subject ?? '',
        summary: said.summary ?? '',
        detail: said.detail ?? '',
        importance: 0,
        suppressUntil: 0n,
      };
      const update = {
        transmissionId: transmissions,
        source: said.source ?? 'db1',
        replace: false,
        alerts: [alert],
        signature: new Uint8Array(),
        transmissionTime: 0n,
      };
      await station.handle([{ kind: 'update', update, reception: clock.now() }]);
      const name = { source: update.source, id: alert.id };
      const [found] = (await store.transaction((tx) => tx.loadNamed([name]))).values();
      // Under another name where the station cleaned what it was sent.
      const [newest] = (await reads.alerts({ state: null, limit: 1, cursor: null }))?.alerts ?? [];
      const key = found?.key ?? newest?.key;
      if (key === undefined) throw new Error('the alert was not taken');
      return key;
    },
    async addLink(secret, user) {
      await store.accounts.addLoginLink(sha256(secret), user, plus(clock.now(), hours(1)));
    },
    async close() {
      await web.close();
      const ended = deliver.stop(seconds(0));
      if (clock instanceof SimulatedClock) await clock.advanceTo(clock.now());
      await ended;
      await station.stop();
      await reads.close();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const token = 'a-token-of-more-than-thirty-two-letters';

export type Got = { readonly status: number; readonly text: string; readonly headers: Headers };

/** A browser without scripts: keeps cookies, never follows a redirect by itself, reads forms off its last page. */
export class Visitor {
  readonly site: Site;
  readonly cookies = new Map<string, string>();
  setCookies: readonly string[] = [];
  page: Got = { status: 0, text: '', headers: new Headers() };

  constructor(site: Site) {
    this.site = site;
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Got> {
    return this.ask(path, { headers });
  }

  /** Posts a form with the token of the last page that had one. */
  async post(
    path: string,
    fields: Record<string, string | readonly string[]> = {},
    csrf = this.csrf(),
    headers: Record<string, string> = {},
  ): Promise<Got> {
    const body = new URLSearchParams({ _csrf: csrf });
    for (const [name, value] of Object.entries(fields)) {
      for (const each of typeof value === 'string' ? [value] : value) body.append(name, each);
    }
    return this.ask(path, { method: 'POST', body, headers });
  }

  csrf(): string {
    return /name="_csrf" value="(\w+)"/.exec(this.page.text)?.[1] ?? '';
  }

  async logIn(name = 'ann', word = password, next = ''): Promise<Got> {
    await this.get(`/login?next=${encodeURIComponent(next)}`);
    return this.post('/login', { name, password: word, next });
  }

  /** Goes where the last answer pointed. */
  async follow(): Promise<Got> {
    return this.get(this.page.headers.get('location') ?? '/');
  }

  private async ask(path: string, init: RequestInit): Promise<Got> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = new Headers(init.headers);
    if (cookie !== '') headers.set('cookie', cookie);
    const answer = await fetch(new URL(path, this.site.base), { ...init, headers, redirect: 'manual' });
    this.setCookies = answer.headers.getSetCookie();
    for (const set of this.setCookies) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      this.cookies.set(name, value);
    }
    const got = { status: answer.status, text: await answer.text(), headers: answer.headers };
    if (got.text.includes('_csrf') || got.status >= 300) this.page = got;
    return got;
  }
}

/** Waits in real time until `check` holds: for what crosses a socket. */
/** A site for one story. */
export async function at(
  options: SiteOptions,
  story: (site: Site, visitor: Visitor) => Promise<void>,
): Promise<void> {
  const site = await openSite(options);
  try {
    await story(site, new Visitor(site));
  } finally {
    await site.close();
  }
}

export async function eventually(check: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 250; tries++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`it never happened: ${what}`);
}

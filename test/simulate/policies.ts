/**
 * The policies that the simulated station lives by: written once as data, from
 * which both the YAML for the station and the naive model are made. Together
 * they use the whole language, in three time zones; the versions differ so that
 * a reload changes hours, intervals, groups, people and silences.
 */
import { stringify } from 'yaml';
import { Random } from './random.ts';
import { minuteLong } from './wall.ts';

export type Level = 'low' | 'normal' | 'urgent';
export type Plan = readonly string[] | { readonly first_of: readonly string[]; readonly wait: string };

export type HoursSpec = {
  readonly days?: string | readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly timezone?: string;
  readonly except?: 'holidays';
  readonly only?: 'holidays';
};

export type DuringSpec = {
  readonly hours?: string | HoursSpec;
  readonly unacknowledged?: string;
  readonly raised_for?: string;
  readonly no_one_in?: string;
  readonly not?: DuringSpec;
  readonly any?: readonly DuringSpec[];
};

export type NotifySpec = { readonly every?: string; readonly during?: DuringSpec };
export type RuleSpec = NotifySpec & { readonly name?: string; readonly to: string | readonly string[] };

type Texts = string | readonly string[];
export type MatchSpec = {
  readonly source?: Texts;
  readonly subject?: Texts;
  readonly id?: Texts;
  readonly summary?: Texts;
  readonly importance?: { readonly above?: number; readonly below?: number };
  readonly any?: readonly MatchSpec[];
  readonly not?: MatchSpec;
};

export type GroupSpec = {
  readonly name: string;
  readonly match?: MatchSpec;
  readonly level?: Level;
  readonly acknowledge_for?: string;
  readonly hold?: string;
  readonly notify: readonly RuleSpec[];
};

export type PersonSpec = {
  readonly email?: string;
  readonly sms?: string;
  readonly xmpp?: string;
  readonly timezone?: string;
  readonly channels?: { readonly [level in Level]?: Plan };
  readonly limits?: Readonly<Record<string, string>>;
  readonly away?: readonly string[];
  readonly notify?: NotifySpec;
};

export type PolicySpec = {
  readonly version: 1;
  readonly timezone: string;
  readonly people: Readonly<Record<string, PersonSpec>>;
  readonly lists: Readonly<
    Record<
      string,
      { readonly members?: readonly string[]; readonly rota?: string; readonly notify?: NotifySpec }
    >
  >;
  readonly hours: Readonly<Record<string, HoursSpec>>;
  readonly holidays: readonly string[];
  readonly silences: readonly {
    readonly name: string;
    readonly match: MatchSpec;
    readonly weekly: HoursSpec;
    readonly reason: string;
  }[];
  readonly inhibit: readonly {
    readonly name: string;
    readonly while: MatchSpec;
    readonly mutes: MatchSpec;
    readonly same: 'subject' | 'source' | 'id';
  }[];
  readonly groups: readonly GroupSpec[];
  readonly settings: {
    readonly acknowledge_at_most: string;
    readonly initial_sleep: string;
    readonly urgent_hold_at_most: string;
    readonly hold_at_most: string;
    readonly digest?: string;
    readonly summary?:
      | 'never'
      | { readonly over?: Readonly<Record<string, number>>; readonly every?: string };
    readonly unreachable_after?: string;
  };
};

/** A stretch of time for which a calendar names somebody; whole minutes. */
export type CalendarEntry = { readonly from: number; readonly until: number; readonly who: string };

/** The files that the policies name, and what is in them. */
export type Calendars = Readonly<Record<string, readonly CalendarEntry[]>>;

const day = 24 * 60 * minuteLong;

/** Who is on call, on holiday, and which days are holidays, for that long. */
export function calendars(seed: number, from: number, until: number): Calendars {
  const random = new Random(seed, 'calendars');
  const rota: CalendarEntry[] = [];
  const crew = ['fay', 'gus', 'hal'];
  for (let at = from - 2 * day, turn = 0; at < until; turn++) {
    const length = random.between(20, 70) * 60 * minuteLong;
    rota.push({ from: at, until: at + length, who: crew[turn % crew.length] ?? 'fay' });
    at += length + (random.chance(0.3) ? random.between(1, 10) * 45 * minuteLong : 0);
  }
  const leave = (who: string, gap: number): CalendarEntry[] => {
    const entries: CalendarEntry[] = [];
    for (let at = from + random.between(2, gap) * day; at < until; at += random.between(3, gap) * day) {
      const begin = at + random.between(0, 23 * 4) * 15 * minuteLong;
      const end = begin + random.between(2, 60) * 4 * 60 * minuteLong;
      entries.push({ from: begin, until: end, who });
      at = end;
    }
    return entries;
  };
  const holidays: CalendarEntry[] = [];
  for (let at = from; at < until; at += random.between(9, 40) * day) {
    holidays.push({ from: at, until: at + day, who: 'closed' });
  }
  return {
    'rota.ics': rota,
    'cid-leave.ics': leave('holiday', 20),
    'gus-leave.ics': leave('sick', 30),
    'closed.ics': holidays,
  };
}

const stamp = (at: number): string => `${new Date(at).toISOString().replace(/[-:]/g, '').slice(0, 15)}Z`;
const date = (at: number): string => stamp(at).slice(0, 8);

/** A calendar's file; days where the entries are holidays, moments otherwise. */
export function icsOf(name: string, entries: readonly CalendarEntry[]): string {
  const whole = name === 'closed.ics';
  const when = (key: string, at: number): string =>
    whole ? `${key};VALUE=DATE:${date(at)}` : `${key}:${stamp(at)}`;
  const events = entries.flatMap(({ from, until, who }, index) => [
    'BEGIN:VEVENT',
    `UID:${index}@${name}`,
    `DTSTAMP:${stamp(from)}`,
    when('DTSTART', from),
    when('DTEND', until),
    `SUMMARY:${who}`,
    'END:VEVENT',
  ]);
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//simulation//EN',
    ...events,
    'END:VCALENDAR',
    '',
  ];
  return lines.join('\r\n');
}

const first: PolicySpec = {
  version: 1,
  timezone: 'Europe/London',
  people: {
    ann: {
      sms: '+447700900101',
      email: 'ann@example.net',
      channels: { urgent: { first_of: ['sms', 'email'], wait: '60s' }, normal: ['email'], low: ['inbox'] },
    },
    bob: {
      xmpp: 'bob@example.net',
      email: 'bob@example.net',
      timezone: 'America/New_York',
      channels: { urgent: ['xmpp', 'email'], normal: ['email'], low: ['email'] },
      limits: { 5: '1m', 12: '1h' },
    },
    cid: { email: 'cid@example.net', limits: { 3: '30m' }, away: ['cid-leave.ics'] },
    dee: { email: 'dee@example.net', notify: { every: '2h', during: { hours: 'working' } } },
    eve: {
      sms: '+447700900105',
      xmpp: 'eve@example.net',
      channels: { urgent: { first_of: ['xmpp', 'sms', 'inbox'], wait: '2m' }, normal: ['sms'], low: [] },
      limits: { 2: '5m', 10: '8h' },
    },
    fay: {
      email: 'fay@example.net',
      sms: '+447700900106',
      channels: { urgent: ['sms'] },
      limits: { 6: '2m' },
    },
    gus: { email: 'gus@example.net', away: ['gus-leave.ics'] },
    hal: { email: 'hal@example.net', limits: { 4: '10m', 8: '3h' } },
    archie: { email: 'archie@example.net', timezone: 'Australia/Lord_Howe' },
  },
  lists: {
    ops: { members: ['ann', 'bob'] },
    'on-call': { rota: 'rota.ics' },
    night: { members: ['cid', 'dee'], notify: { every: '3h', during: { hours: 'night' } } },
    everyone: { members: ['ops', 'on-call', 'archie', 'eve'] },
  },
  hours: {
    working: { days: 'mon-fri', from: '09:30', to: '17:30', except: 'holidays' },
    night: { from: '22:00', to: '06:30', timezone: 'America/New_York' },
    'early-island': {
      days: ['mon', 'wed', 'sat-sun'],
      from: '01:15',
      to: '02:45',
      timezone: 'Australia/Lord_Howe',
    },
    'small-hours': { from: '01:30', to: '02:30' },
    closed: { only: 'holidays' },
  },
  holidays: ['closed.ics'],
  silences: [
    {
      name: 'sunday maintenance',
      match: { source: ['db*', 'backup-1'] },
      weekly: { days: 'sun', from: '01:00', to: '04:00' },
      reason: 'full backups restart the databases',
    },
    {
      name: 'reboots',
      match: { id: 'http', importance: { below: 60 } },
      weekly: { days: 'tue', from: '23:30', to: '00:45', timezone: 'America/New_York' },
      reason: 'web servers reboot',
    },
  ],
  inhibit: [
    {
      name: 'host down',
      while: { id: 'host-down' },
      mutes: { id: ['ping', 'http', 'ssh', 'alive'] },
      same: 'subject',
    },
    { name: 'core down', while: { id: 'ping', source: 'core-*' }, mutes: { id: 'link-*' }, same: 'source' },
  ],
  groups: [
    {
      name: 'core routers',
      match: { source: 'core-*' },
      level: 'urgent',
      acknowledge_for: '1h',
      notify: [
        { name: 'on call', to: 'on-call', every: '20m' },
        { name: 'boss', to: 'archie', every: '6h', during: { unacknowledged: '1h', hours: 'working' } },
        { name: 'all', to: 'everyone', every: '90m', during: { unacknowledged: '2h' } },
        { name: 'nobody on call', to: 'ops', every: '50m', during: { no_one_in: 'on-call' } },
      ],
    },
    {
      name: 'flapping links',
      match: { any: [{ summary: '/flap/i' }, { id: 'link-*' }], not: { importance: { below: 20 } } },
      level: 'low',
      hold: '2m',
      notify: [
        { to: ['ops', 'eve'], every: '4h', during: { hours: 'daytime' } },
        { name: 'island', to: 'archie', every: '45m', during: { hours: 'early-island' } },
      ],
    },
    {
      name: 'databases',
      match: { source: 'db*', importance: { above: 60 } },
      level: 'urgent',
      hold: '30s',
      acknowledge_for: '4h',
      notify: [
        { name: 'first', to: 'eve', every: '25m' },
        {
          name: 'second',
          to: ['hal', 'fay'],
          every: '1h',
          during: { raised_for: '50m', not: { hours: 'night' } },
        },
        { name: 'small hours', to: 'bob', every: '10m', during: { hours: 'small-hours' } },
      ],
    },
    {
      name: 'backups',
      match: { id: ['backup-*', 'restic'] },
      notify: [
        { to: ['night', 'dee'] },
        { name: 'out of hours', to: 'cid', every: '1d', during: { not: { hours: 'working' } } },
        { name: 'closed', to: 'gus', every: '5h', during: { hours: 'closed' } },
      ],
    },
    {
      name: 'unimportant',
      match: { importance: { below: 20 } },
      level: 'low',
      notify: [{ to: 'archie', during: { any: [{ hours: 'working' }, { raised_for: '6h' }] } }],
    },
    { name: 'told to nobody', match: { id: 'noise' }, notify: [] },
    {
      name: 'default',
      notify: [
        { name: 'ops', to: 'ops', every: '1h' },
        { name: 'late', to: ['archie', 'hal'], every: '12h', during: { raised_for: '1d' } },
      ],
    },
  ],
  settings: {
    acknowledge_at_most: '15d',
    initial_sleep: '5m',
    urgent_hold_at_most: '70s',
    hold_at_most: '6m',
    digest: '30s',
    summary: { over: { sms: 2, email: 4 } },
  },
};

const withRule = (group: GroupSpec, name: string, change: Partial<RuleSpec>): GroupSpec => ({
  ...group,
  notify: group.notify.map((rule) => (rule.name === name ? { ...rule, ...change } : rule)),
});

const { bob = {}, fay = {} } = first.people;
/** Rules that keep their names and change what they mean, one more rule, one less, groups in another order. */
const second: PolicySpec = {
  ...first,
  timezone: 'America/New_York',
  people: {
    ...first.people,
    bob: {
      ...bob,
      channels: { ...bob.channels, urgent: { first_of: ['xmpp', 'email'], wait: '20s' } },
      limits: { 4: '2m' },
    },
    fay: { ...fay, channels: { urgent: { first_of: ['sms', 'email', 'inbox'], wait: '40s' } } },
  },
  groups: first.groups.map((group) => {
    if (group.name === 'core routers') return withRule(group, 'on call', { every: '10m' });
    if (group.name === 'databases') {
      const changed = withRule(group, 'second', { every: '40m', during: { raised_for: '20m' } });
      return { ...changed, hold: '45s', notify: changed.notify.filter(({ name }) => name !== 'small hours') };
    }
    if (group.name === 'default') {
      return { ...group, notify: [...group.notify, { name: 'added', to: ['eve', 'ann'], every: '7h' }] };
    }
    return group;
  }),
  silences: first.silences.slice(0, 1),
  // The alerts of these two would silence each other.
  inhibit: [
    ...first.inhibit,
    { name: 'second disk', while: { id: 'disk-1' }, mutes: { id: 'disk-2' }, same: 'source' },
    { name: 'first disk', while: { id: 'disk-2' }, mutes: { id: 'disk-1' }, same: 'source' },
  ],
  // Each message by itself.
  settings: { ...first.settings, digest: '0s', summary: 'never' },
};

/** A group that takes alerts from others, fewer people, other zones. */
const third: PolicySpec = {
  ...first,
  timezone: 'Australia/Lord_Howe',
  groups: [
    {
      name: 'people who cannot be reached',
      match: { source: 'mauve' },
      level: 'urgent',
      hold: '1m',
      notify: [{ name: 'boss', to: ['archie', 'hal'], every: '3h' }],
    },
    {
      name: 'disks',
      match: { id: 'disk-*' },
      level: 'normal',
      acknowledge_for: '8h',
      notify: [{ name: 'ops', to: 'ops', every: '90m', during: { hours: 'daytime' } }],
    },
    ...first.groups.filter(({ name }) => name !== 'backups' && name !== 'disks'),
  ],
  inhibit: first.inhibit.slice(0, 1),
  settings: {
    ...first.settings,
    acknowledge_at_most: '2d',
    initial_sleep: '2m',
    digest: '45s',
    summary: { over: { sms: 1, email: 1, xmpp: 1 }, every: '25m' },
    unreachable_after: '3m',
  },
};

export const policies: readonly PolicySpec[] = [first, second, third];

export const yamlOf = (spec: PolicySpec): string => stringify(spec);

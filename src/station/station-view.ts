/**
 * The station as the web sees it: the door, the accounts, how it is, and what
 * it counts. Asked across the thread boundary, so it hands out data only.
 */
import { type Duration, type Instant, rfc3339 } from '../time.ts';
import type { Channel, HookAnswer, HookRequest } from './channels/channel.ts';
import type { AlertKey } from './core/alert.ts';
import type { Acknowledging, Forecast } from './core/forecast.ts';
import { hoursWords } from './core/words.ts';
import type { Deliver } from './deliver.ts';
import type { Event, Health, LinkRead, Outcome, PolicySummary, StationPort } from './door.ts';
import type { Meters } from './meters.ts';
import type { Feeds } from './policy/feeds.ts';
import type { Station } from './station.ts';
import type { Accounts, Reads, Store } from './store/store.ts';

export type ViewOptions = {
  readonly station: Station;
  readonly store: Store;
  readonly reads: Reads;
  readonly meters: Meters;
  readonly feeds: Pick<Feeds, 'problems'>;
  /** By name: those that the station file sets up, and the inbox. */
  readonly channels: ReadonlyMap<string, Channel>;
  readonly readLink: (token: string) => LinkRead;
};

export class StationView implements StationPort {
  readonly accounts: Accounts;
  /** Whether alerts can come in. */
  listening = false;
  /** Why the last reload of the policy was refused; null while the file and the policy in force agree. */
  policyRefused: string | null = null;
  /** Once there is one: it knows which channels do not work. */
  deliver: Pick<Deliver, 'problems'> | null = null;
  private readonly options: ViewOptions;

  constructor(options: ViewOptions) {
    this.options = options;
    this.accounts = options.store.accounts;
    const { meters, reads } = options;
    meters.gauge('mauve_alerts', 'Alerts known, by state.', 'state', async () => await reads.counts());
    meters.gauge(
      'mauve_outbox',
      'Messages in the outbox, by status.',
      'status',
      async () => await reads.outboxCounts(),
    );
    meters.gauge('mauve_ready', 'Whether the station takes and keeps alerts.', null, async () => {
      const { ready } = await this.health();
      return { ready: ready ? 1 : 0 };
    });
  }

  handle(events: readonly Event[]): Promise<readonly Outcome[]> {
    return this.options.station.handle(events);
  }

  async health(): Promise<Health> {
    const problems: string[] = [];
    const refused = this.options.station.problem();
    if (refused !== null) problems.push(refused);
    if (!this.listening) problems.push('alerts cannot come in: the station is starting or ending');
    const ready = problems.length === 0;
    if (this.policyRefused !== null) {
      problems.push(
        `the policy was refused when it was read again, the old one is in force: ${this.policyRefused}`,
      );
    }
    problems.push(...this.options.feeds.problems());
    problems.push(...(this.deliver?.problems() ?? []));
    const missing = this.missingChannels();
    if (missing.length > 0) {
      const [which, them, theirs] =
        missing.length === 1 ? ['channel', 'it', 'its'] : ['channels', 'them', 'their'];
      problems.push(
        `the policy names the ${which} ${missing.join(', ')}, but the station file does not set ${them} up: ${theirs} messages go to the inbox only`,
      );
    }
    return { ready, problems };
  }

  /** Channels that people of the policy are to be told by, and that nobody set up. */
  private missingChannels(): readonly string[] {
    const { channels, station } = this.options;
    const named = [...station.policy().people.values()].flatMap((person) =>
      Object.values(person.channels).flatMap(({ channels: names }) => names),
    );
    return [...new Set(named)].filter((channel) => !channels.has(channel)).sort();
  }

  async policy(): Promise<PolicySummary> {
    const policy = this.options.station.policy();
    return {
      people: [...policy.people.values()].map(({ id, name, timezone }) => ({ id, name, timezone })),
      acknowledgeFor: Object.fromEntries(policy.groups.map((group) => [group.name, group.acknowledgeFor])),
      acknowledgeAtMost: policy.settings.acknowledgeAtMost,
      timezone: policy.timezone,
      silences: policy.silences.map(({ id, reason, during }) => ({
        name: id,
        reason,
        when: during.kind === 'recurring' ? hoursWords(during.hours, policy.timezone) : onceWords(during),
      })),
    };
  }

  forecast(alert: AlertKey, length: Duration, acknowledge: Acknowledging | null): Promise<Forecast | null> {
    return this.options.station.forecast(alert, length, acknowledge);
  }

  async hook(channel: string, request: HookRequest): Promise<HookAnswer | null> {
    return (await this.options.channels.get(channel)?.hook?.(request)) ?? null;
  }

  async readLink(token: string): Promise<LinkRead> {
    return this.options.readLink(token);
  }

  metrics(): Promise<string> {
    return this.options.meters.registry.metrics();
  }

  onCommit(listener: () => void): void {
    this.options.station.onCommit((nudge) => {
      if (nudge.news || nudge.owes) listener();
    });
  }
}

const onceWords = ({ from, until }: { from: Instant; until: Instant }): string =>
  `${rfc3339(from)} to ${rfc3339(until)}`;

/**
 * The one door: everything that can happen to an alert is one of these events,
 * and `Door.handle` is the only way to make it happen. The web page, the JSON
 * API, the intake, the timer and the channels' receipts all come through here.
 */
import type { Duration, Instant } from '../time.ts';
import type { AlertUpdate } from '../wire/update.ts';
import type { HookAnswer, HookRequest, Report, ReportState } from './channels/channel.ts';
import type { Alert, AlertKey, PersonId } from './core/alert.ts';
import type { Acknowledging, Forecast } from './core/forecast.ts';
import type { Policy } from './core/policy.ts';
import type { Accounts, FoundName, MessageId, SilenceId } from './store/store.ts';

/** In characters, of the reason that a person gives for a silence; the rest is cut. */
export const silenceReasonMax = 1000;

/** Who acts: a person by their login name, or `token:NAME`. */
export type Actor = string;

/** What became of one message. */
export type Receipt =
  /** `by`: the channel by which it went, which is the inbox where its own is not set up. */
  | {
      readonly kind: 'delivered';
      readonly by: string;
      readonly title: string;
      readonly text: string;
      readonly why: string;
      readonly reference?: string;
    }
  /** The provider has it, and reports under `reference` what becomes of it. */
  | {
      readonly kind: 'accepted';
      readonly title: string;
      readonly text: string;
      readonly why: string;
      readonly reference: string;
    }
  | { readonly kind: 'retry'; readonly after: Duration; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string }
  /** The person's limit holds it back; it is not a try. */
  | { readonly kind: 'held-back'; readonly until: Instant; readonly why: string }
  /** Its provider is left alone for now; it is not a try. */
  | { readonly kind: 'waits'; readonly why: string }
  /** A summary takes its place; it is not a try. */
  | { readonly kind: 'gathered'; readonly until: Instant; readonly why: string }
  /**
   * It should have arrived by now. `started`: it is on its way all the same. `state`: what the provider that took it
   * says when asked; null where it says nothing.
   */
  | {
      readonly kind: 'overdue';
      readonly started: boolean;
      readonly state: ReportState | null;
      readonly why: string;
    };

export type Act =
  | {
      readonly kind: 'acknowledge';
      readonly alert: AlertKey;
      readonly by: Actor;
      readonly for: Duration | null;
      /** Named hours of the policy in which `for` is counted; every hour counts where it is absent. */
      readonly hours?: string;
      readonly note: string;
    }
  | { readonly kind: 'unacknowledge'; readonly alert: AlertKey; readonly by: Actor }
  | { readonly kind: 'suppress'; readonly alert: AlertKey; readonly by: Actor; readonly for: Duration }
  | { readonly kind: 'clear'; readonly alert: AlertKey; readonly by: Actor }
  | { readonly kind: 'note'; readonly alert: AlertKey; readonly by: Actor; readonly text: string };

export type Event =
  | { readonly kind: 'update'; readonly update: AlertUpdate; readonly reception: Instant }
  | (Act & { readonly at: Instant })
  | { readonly kind: 'tick'; readonly at: Instant }
  | { readonly kind: 'receipt'; readonly at: Instant; readonly message: MessageId; readonly receipt: Receipt }
  | { readonly kind: 'policy-loaded'; readonly at: Instant; readonly policy: Policy }
  | { readonly kind: 'started'; readonly at: Instant }
  /** A person silences what matches. `match` is as the policy's language writes it: see `parseMatch`. */
  | {
      readonly kind: 'silence';
      readonly at: Instant;
      readonly by: Actor;
      readonly match: unknown;
      readonly for: Duration;
      readonly reason: string;
    }
  | { readonly kind: 'end-silence'; readonly at: Instant; readonly by: Actor; readonly silence: SilenceId }
  /** A provider says by itself how far the messages have come that it took under this reference. */
  | {
      readonly kind: 'report';
      readonly at: Instant;
      readonly channel: string;
      readonly report: Report;
    }
  /** Somebody tries whether messages arrive: one is owed to this person on this channel. */
  | {
      readonly kind: 'test-message';
      readonly at: Instant;
      readonly by: Actor;
      readonly person: PersonId;
      readonly channel: string;
    }
  /** Addresses of hosts were looked up. */
  | { readonly kind: 'names'; readonly at: Instant; readonly found: readonly FoundName[] }
  /** The wall clock went back: what was set in its future is judged again. */
  | { readonly kind: 'clock-set-back'; readonly at: Instant };

/** Why an act was not done: each has words for people on the page and in the API. */
export type Refused =
  | 'no-such-alert'
  | 'not-raised'
  | 'not-acknowledged'
  | 'already-cleared'
  | 'no-such-hours'
  | 'no-such-silence'
  | 'silence-ended'
  | 'bad-match'
  | 'too-many-silences'
  | 'no-such-person'
  | 'no-such-channel'
  | 'unknown-message'
  | 'store-unavailable';

export type Outcome =
  /** `alert` as it is afterwards, where the event was about one. */
  | {
      readonly ok: true;
      readonly alert: Alert | null;
      readonly silence?: SilenceId;
      readonly message?: MessageId;
    }
  | { readonly ok: false; readonly why: Refused; readonly message: string };

export interface Door {
  /** Takes the events in order, in one transaction; resolves once they are committed. One outcome an event. */
  handle(events: readonly Event[]): Promise<readonly Outcome[]>;
}

/** How the station is, for /readyz and the page. Each problem is a sentence for a person. */
export type Health = { readonly ready: boolean; readonly problems: readonly string[] };

/** What a link in a message allows: that person to acknowledge that alert. */
export type LinkRead =
  | { readonly ok: true; readonly alert: AlertKey; readonly person: PersonId }
  | { readonly ok: false; readonly why: 'bad' }
  /** Ours, but no longer of use. */
  | { readonly ok: false; readonly why: 'expired' | 'no-such-person'; readonly alert: AlertKey };

/** The parts of the policy that a page shows. */
export type PolicySummary = {
  readonly people: readonly { readonly id: string; readonly name: string; readonly timezone: string }[];
  /** By group name: how long an acknowledgement lasts when nobody says. */
  readonly acknowledgeFor: Readonly<Record<string, Duration>>;
  readonly acknowledgeAtMost: Duration;
  readonly timezone: string;
  /** Those in the policy, which recur. */
  readonly silences: readonly {
    readonly name: string;
    readonly reason: string;
    /** `sun 02:00-04:00 Europe/London` */
    readonly when: string;
  }[];
};

/** The station as the web sees it, across the thread boundary. */
export interface StationPort extends Door {
  /** Writes to accounts; reads go through the web's own connection. */
  readonly accounts: Accounts;
  health(): Promise<Health>;
  policy(): Promise<PolicySummary>;
  /**
   * What will be told of an alert if nothing else happens. Null: there is no such alert.
   * @param acknowledge as if it were acknowledged now.
   */
  forecast(alert: AlertKey, length: Duration, acknowledge: Acknowledging | null): Promise<Forecast | null>;
  /** What a channel answers to a request of its provider; null: no such channel takes any. */
  hook(channel: string, request: HookRequest): Promise<HookAnswer | null>;
  /** What the token of a message's link stands for. */
  readLink(token: string): Promise<LinkRead>;
  /** The station thread's metrics in Prometheus' text format. */
  metrics(): Promise<string>;
  /** Calls `listener` after each commit, without data: what is new is read by sequence number. */
  onCommit(listener: () => void): void;
}

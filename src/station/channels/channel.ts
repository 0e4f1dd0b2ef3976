/**
 * What a channel is: something that takes one message to one address and says
 * what became of it. Channels never see the store, the policy or each other;
 * `deliver` calls them, and what they hear by themselves they tell by
 * `ChannelEvents`.
 */
import type { Logger } from '../../log.ts';
import type { Clock, Duration } from '../../time.ts';
import type { Message } from '../core/message.ts';

export type { Message };

export type SendResult =
  /** As far as the channel will ever know. `reference`: where it may yet hear that it was not, as by a bounce. */
  | { readonly kind: 'delivered'; readonly why: string; readonly reference?: string }
  /** The provider has it, and will report under `reference` what became of it. */
  | { readonly kind: 'accepted'; readonly why: string; readonly reference: string }
  /**
   * Worth another try: the provider is down, slow or asks to wait, so that no message would get through. `fault`: it
   * is about this message or this address only, others may get through.
   */
  | {
      readonly kind: 'retry';
      readonly why: string;
      readonly notBefore: Duration | null;
      readonly fault?: 'message';
    }
  /** No retry can help: the address is wrong, or the message was refused for good. */
  | { readonly kind: 'failed'; readonly why: string };

/** How far a message has come, as the provider says. `delivered`, `undelivered` and `failed` are its last word. */
export type ReportState = 'queued' | 'sent' | 'delivered' | 'undelivered' | 'failed';

export type Report = {
  /** As in the result of the send. */
  readonly reference: string;
  readonly state: ReportState;
  /** In words a person can act on. */
  readonly why: string;
};

/** What somebody wrote to the station. */
export type Heard = {
  /** The name of the channel. */
  readonly channel: string;
  /** The sender's address as a policy writes it; empty where the channel cannot vouch for it. */
  readonly from: string;
  /** The room in which it was said, as a policy writes its address; null where it was said to the station alone. */
  readonly room: string | null;
  readonly text: string;
};

/** What a channel tells the station by itself. */
export type ChannelEvents = {
  /** Resolves once it is on record; rejects where it could not be recorded, so that a provider can be asked to repeat it. */
  readonly report: (report: Report) => Promise<void>;
  /** @returns the answer; null where there is none to give. */
  readonly heard: (heard: Heard) => Promise<string | null>;
};

/** What every channel is opened with, beside its own options. */
export type ChannelEdges = { readonly clock: Clock; readonly log: Logger; readonly events: ChannelEvents };

/** A request of a provider to `/hooks/CHANNEL/PATH`, as it came: whether it is genuine, the channel says. */
export type HookRequest = {
  /** Behind `/hooks/CHANNEL/`. */
  readonly path: string;
  /** The fields of a form (`application/x-www-form-urlencoded`), each once. */
  readonly form: Readonly<Record<string, string>>;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
};
export type HookAnswer = { readonly status: number; readonly type: string; readonly body: string };

export interface Channel {
  readonly name: string;
  /** How many sends may be under way at once. */
  readonly concurrency: number;
  /** At most `count` sends begin within `per`; absent: the provider sets no pace. */
  readonly rate?: { readonly count: number; readonly per: Duration };
  /** A send that says nothing for so long counts as failed for now. */
  readonly timeout: Duration;
  /** Whether a text is short enough for this channel; absent: any is. What is too long is said in fewer words. */
  readonly fits?: (text: string) => boolean;
  /** Never rejects: what went wrong is in the result, in words a person can act on. */
  send(address: string, message: Message): Promise<SendResult>;
  /** What became of a message that was accepted; null where the provider cannot say now. Never rejects. */
  ask?(reference: string): Promise<Report | null>;
  /** Takes a request of the provider. Never rejects. */
  hook?(request: HookRequest): Promise<HookAnswer>;
  close(): Promise<void>;
}

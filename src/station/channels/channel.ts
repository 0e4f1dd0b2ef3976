/**
 * What a channel is: something that takes one message to one address and says
 * what became of it. Channels never see the store, the policy or each other;
 * `deliver` calls them.
 */
import type { Duration } from '../../time.ts';
import type { Message } from '../core/message.ts';

export type { Message };

export type SendResult =
  | { readonly kind: 'delivered'; readonly why: string }
  /** Worth another try: the provider is down, slow or asks to wait. */
  | { readonly kind: 'retry'; readonly why: string; readonly notBefore: Duration | null }
  /** No retry can help: the address is wrong, or the message was refused for good. */
  | { readonly kind: 'failed'; readonly why: string };

export interface Channel {
  readonly name: string;
  /** How many sends may be under way at once. */
  readonly concurrency: number;
  /** A send that says nothing for so long counts as failed for now. */
  readonly timeout: Duration;
  /** Never rejects: what went wrong is in the result, in words a person can act on. */
  send(address: string, message: Message): Promise<SendResult>;
  close(): Promise<void>;
}

/**
 * What stands at the other end of a channel in the fault matrix: takes messages
 * as the real thing does, remembers them, and fails as it is told.
 */
import type { Line } from './line.ts';

export const channels = ['email', 'sms', 'webhook', 'xmpp'] as const;
export type ChannelName = (typeof channels)[number];

export const faults = [
  'refused',
  'timeout',
  'slow',
  'accepted, then lost',
  'permanent',
  'rate-limited',
] as const;
export type Fault = (typeof faults)[number];

/** A message that came, as often as it came. */
export type Received = {
  /** By which its receiver can tell a second copy: Message-ID, Idempotency-Key, stanza id; null: there is none. */
  readonly id: string | null;
  readonly text: string;
};

export interface Peer {
  readonly channel: ChannelName;
  /** What the station file says under the channel's name, its timeout aside. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The channel's secret, as the station takes it from its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Under which the peer takes messages, as a policy writes it. */
  readonly address: string;
  readonly line: Line;
  /** Called when a message is all there and nothing has been said to it. */
  asked: () => void;
  /** The station keeps a connection, and resumes it where it left off. */
  readonly resumes: boolean;
  /** Called when the connection has just been lost, of a peer that resumes. */
  broke: () => void;
  /** How often it was asked to take a message. */
  attempts: number;
  readonly received: readonly Received[];
  /** How it treats messages from now on; null: well. That it takes no connections is for the line. */
  set(fault: Fault | null): void;
  close(): Promise<void>;
}

/** In milliseconds: longer than a message takes, and shorter than any timeout. */
export const slowness = 600;

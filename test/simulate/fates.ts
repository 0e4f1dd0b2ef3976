/** What becomes of a message at its provider, by chance: at once, and in what the provider says of it later. */
import type { ReportState, SendResult } from '../../src/station/channels/channel.ts';
import { seconds } from '../../src/time.ts';
import type { Outage } from './input.ts';

/** What a provider will say of a message that it took, and so many milliseconds after it did. */
export type Planned = {
  readonly words: readonly { readonly state: ReportState; readonly after: number }[];
  /** What it says when asked, beside what it has said by itself; false: it does not know. */
  readonly knows: ReportState | boolean;
};

export type Fate = {
  /** Whether the provider passed it on. */
  readonly accepted: boolean;
  readonly result: SendResult | null;
  readonly after: number;
  /** Null: it says no more. */
  readonly planned: Planned | null;
};

/** How long the station waits for an answer. */
export const timeout = seconds(20);

/** This provider takes messages, and says later what became of them. */
const takesOnly = 'sms';
/** This one may find out later that it could not deliver. */
const bounces = 'email';

const fine: SendResult = { kind: 'delivered', why: 'accepted' };
const taken: SendResult = { kind: 'accepted', why: 'queued', reference: '' };
const refusal: SendResult = { kind: 'retry', why: 'try again later', notBefore: null };
const greylisted: SendResult = { kind: 'retry', why: 'greylisted', notBefore: null, fault: 'message' };
const busy: SendResult = { kind: 'retry', why: 'too busy', notBefore: seconds(45) };
const rejection: SendResult = { kind: 'failed', why: 'no such number' };

/** @param chance a number below 1 for each purpose. */
export function fateOf(
  channel: string,
  healed: boolean,
  outage: Outage | null,
  chance: (what: string) => number,
): Fate {
  const passed = passedOn(channel, healed, chance);
  if (healed) return passed(0);
  if (outage === 'refuses') return refused(refusal);
  if (outage === 'hangs') return { accepted: false, result: null, after: 0, planned: null };
  if (outage === 'rejects') return refused(rejection);
  if (outage === 'is slow') return passed(12_345);
  const one = chance('send');
  if (one < 0.9) return passed(0);
  if (one < 0.93) return passed(1 + Math.floor(one * 15_000));
  if (one < 0.95) return refused(one < 0.935 ? greylisted : one < 0.94 ? refusal : busy);
  if (one < 0.96) return refused(rejection);
  if (one < 0.97) return { accepted: false, result: null, after: 0, planned: null };
  // Passed on, but the answer is lost, or comes too late: it will be sent again.
  if (one < 0.985) return { ...passed(0), result: null };
  return passed(timeout + 10_000);
}

const refused = (result: SendResult): Fate => ({ accepted: false, result, after: 0, planned: null });

function passedOn(channel: string, healed: boolean, chance: (what: string) => number) {
  return (after: number): Fate => {
    const planned = plannedFor(channel, healed, chance('word'), chance('when'), after);
    return { accepted: true, result: channel === takesOnly ? taken : fine, after, planned };
  };
}

function plannedFor(
  channel: string,
  healed: boolean,
  word: number,
  when: number,
  after: number,
): Planned | null {
  const within = (least: number, most: number): number => Math.floor(1000 * (least + when * (most - least)));
  const says = (state: ReportState, at: number): Planned => ({ words: [{ state, after: at }], knows: true });
  if (channel === bounces) return !healed && word < 0.01 ? says('failed', within(2, 3000)) : null;
  if (channel !== takesOnly) return null;
  if (healed) return says('delivered', 1000);
  if (word < 0.5) return says('delivered', within(1, 20));
  if (word < 0.6) {
    const [sent, delivered] = [within(0, 2), within(3, 50)];
    const queued = { state: 'queued', after: Math.floor(sent / 2) } as const;
    return {
      words: [queued, { state: 'sent', after: sent }, ...says('delivered', delivered).words],
      knows: true,
    };
  }
  // Sooner than the answer to the send, where that takes its time.
  if (word < 0.7) return says('delivered', Math.max(0, after - within(0, 1)));
  if (word < 0.75) return says('undelivered', Math.max(0, after - within(0, 1)));
  if (word < 0.8) return says('delivered', within(50, 1000));
  if (word < 0.86) return says('undelivered', within(1, 150));
  if (word < 0.88) return says('failed', within(1, 500));
  if (word < 0.92) return { words: [{ state: 'sent', after: within(1, 9) }], knows: 'sent' };
  if (word < 0.95) return { words: [], knows: 'delivered' };
  if (word < 0.97) return { words: [], knows: 'undelivered' };
  if (word < 0.985) return { words: [], knows: 'queued' };
  return { words: [], knows: false };
}

/** What it says when it is asked so long after it took the message; null: it cannot say. */
export function lastWord({ words, knows }: Planned, after: number): ReportState | null {
  if (typeof knows === 'string') return knows;
  if (!knows) return null;
  return words.findLast((word) => word.after <= after)?.state ?? 'queued';
}

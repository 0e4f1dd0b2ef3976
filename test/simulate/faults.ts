/**
 * Faults planted into the real parts from outside, to prove that the simulation
 * sees them: each spoils one thing that the station relies on, now and then or
 * always, and must be found.
 */
import type { Channel, Report } from '../../src/station/channels/channel.ts';
import type { renderMessage } from '../../src/station/core/message.ts';
import type { MessageId, Transaction } from '../../src/station/store/store.ts';
import { type Clock, minutes, plus } from '../../src/time.ts';
import { personOf } from './own.ts';
import type { PolicySpec } from './policies.ts';
import { chanceOf } from './random.ts';

type Render = typeof renderMessage;

/** Where a fault may reach in. Nothing of the station knows of it. */
export type Fault = {
  /** In words: what is wrong. */
  readonly about: string;
  /** Changes the transaction's own methods. */
  readonly transaction?: (tx: Transaction) => void;
  readonly channels?: (channels: ReadonlyMap<string, Channel>) => ReadonlyMap<string, Channel>;
  readonly clock?: (clock: Clock) => Clock;
  readonly render?: (render: Render) => Render;
  /** What the station hears of what a provider says by itself; null: nothing. */
  readonly report?: (report: Report) => Report | null;
  /** What the station is given instead of the policy that the model knows. */
  readonly policy?: (spec: PolicySpec) => PolicySpec;
};

/** True once in so many times, and always the same for the same thing, so that a shortened run meets it too. */
const onceIn = (times: number, ...about: readonly (string | number)[]): boolean =>
  chanceOf(...about) < 1 / times;

function eachChannel(change: (channel: Channel) => Channel['send']) {
  return (channels: ReadonlyMap<string, Channel>): ReadonlyMap<string, Channel> =>
    new Map([...channels].map(([name, channel]) => [name, { ...channel, send: change(channel) }]));
}

const withoutSummer: Readonly<Record<string, string>> = {
  'Europe/London': 'Etc/UTC',
  'America/New_York': 'Etc/GMT+5',
};

/** By the name after `--plant`; made anew for each run, so that each run counts from the start. */
export const plants: Readonly<Record<string, () => Fault>> = {
  'lost-message': () => ({
    about: 'the outbox loses one message in forty',
    transaction: (tx) => {
      const { enqueue } = tx;
      tx.enqueue = (messages, at) =>
        enqueue.call(
          tx,
          messages.filter(({ person, channel, dueAt }) => !onceIn(40, person, channel, dueAt)),
          at,
        );
    },
  }),
  'no-summer-time': () => ({
    about: 'the hours of the policy are not moved when clocks are',
    policy: (spec) => ({ ...spec, timezone: withoutSummer[spec.timezone] ?? spec.timezone }),
  }),
  'sent-twice': () => ({
    about: 'delivery sends one message in thirty twice',
    channels: eachChannel((channel) => async (address, message) => {
      if (onceIn(30, address, message.title)) await channel.send(address, message);
      return await channel.send(address, message);
    }),
  }),
  'no-memory': () => ({
    about: 'copies of a transmission are taken for new',
    transaction: (tx) => {
      const { takeTransmissions } = tx;
      tx.takeTransmissions = async (names, at) =>
        (await takeTransmissions.call(tx, names, at)).map(() => true);
    },
  }),
  'minute-late': () => ({
    about: 'one rule reminds every 61 minutes instead of every hour',
    policy: (spec) => ({
      ...spec,
      groups: spec.groups.map((group) => ({
        ...group,
        notify: group.notify.map((rule) => (rule.every === '1h' ? { ...rule, every: '61m' } : rule)),
      })),
    }),
  }),
  'history-gap': () => ({
    about: 'the history loses one clear in twenty-five',
    transaction: (tx) => {
      const { appendHistory } = tx;
      tx.appendHistory = (entries) =>
        appendHistory.call(
          tx,
          entries.filter(({ change, at }) => change.kind !== 'cleared' || !onceIn(25, at)),
        );
    },
  }),
  'no-limits': () => ({
    about: 'limits do not see what was sent',
    transaction: (tx) => {
      tx.sentTo = async () => [];
    },
  }),
  'dead-letters': () => ({
    about: 'one message in fifty is said to be delivered and never reaches the provider',
    channels: eachChannel((channel) => async (address, message) => {
      if (onceIn(50, address, message.title)) return { kind: 'delivered', why: 'accepted' };
      return await channel.send(address, message);
    }),
  }),
  'late-timers': () => ({
    about: 'timers wake the station two minutes late',
    clock: (clock) => ({
      ...clock,
      now: () => clock.now(),
      wake: (at, run) => clock.wake(plus(at, minutes(2)), run),
    }),
  }),
  'digest-drops-last': () => ({
    about: 'a message that says several things leaves out the last one',
    render: (render) => (say, context) => {
      const { kind, messages = [] } = { messages: undefined, ...say };
      const less = { ...say, messages: messages.slice(0, -1) } as typeof say;
      return render(kind === 'one' || messages.length < 2 ? say : less, context);
    },
  }),
  'digest-counts-each': () => ({
    about: 'a message that says several things counts as several towards the limit',
    transaction: (tx) => {
      const { take } = tx;
      tx.take = (ids, now, end, sentIn) => take.call(tx, ids, now, end, sentIn === 'digest' ? null : sentIn);
    },
  }),
  'report-ignored': () => ({
    about: 'that a message could not be delivered is not heeded',
    report: (report) => (report.state === 'undelivered' ? null : report),
  }),
  'never-moves-on': () => ({
    about: 'the next channel does not take over when one is late',
    transaction: (tx) => {
      const { loadWatched } = tx;
      tx.loadWatched = async (now, limit, again) =>
        (await loadWatched.call(tx, now, limit, again)).filter(({ hasNext }) => !hasNext);
    },
  }),
  'told-of-oneself': () => ({
    about: 'people who cannot be reached are told of that themselves',
    transaction: (tx) => {
      const { enqueue } = tx;
      tx.enqueue = (messages, at) => {
        const theirs = messages.flatMap((message) => {
          const person = personOf(message.facts.source, message.facts.alertId) as
            | typeof message.person
            | null;
          return person === null ? [] : [{ ...message, person, key: `${message.key}/${person}` }];
        });
        return enqueue.call(tx, [...messages, ...theirs.slice(0, 1)], at);
      };
    },
  }),
  'nobody-told': () => ({
    about: 'nobody is told when nothing reaches a person',
    transaction: (tx) => {
      const { loadFates } = tx;
      const arrived = { id: 0 as MessageId, channel: 'sms', status: 'delivered', hopeful: true } as const;
      tx.loadFates = async (key) => [
        ...(await loadFates.call(tx, key)),
        { ...arrived, sent: false, why: '' },
      ];
    },
  }),
  'eager-summaries': () => ({
    about: 'summaries take the place of reminders however few alerts stand',
    transaction: (tx) => {
      tx.countOpenOf = async (_, most) => most;
    },
  }),
  'never-left-alone': () => ({
    about: 'a provider that is down is asked with every message',
    channels: eachChannel((channel) => async (address, message) => {
      const result = await channel.send(address, message);
      return result.kind === 'retry' ? { ...result, fault: 'message' as const } : result;
    }),
  }),
};

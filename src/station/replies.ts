/**
 * People who answer a message: `ack 12 2h on my way`, by text message or chat.
 * Who writes is known by the address alone, which must be that person's own in
 * the policy; what they ask is done through the one door, as if they had
 * clicked. Whoever is not in the policy gets no answer, so that nobody learns
 * that there is a station, and no machine talks to it for ever.
 */
import { LRUCache } from 'lru-cache';
import type { Logger } from '../log.ts';
import {
  type Clock,
  type Duration,
  days,
  type Instant,
  milliseconds,
  minutes,
  plus,
  since,
} from '../time.ts';
import type { Heard } from './channels/channel.ts';
import type { Alert } from './core/alert.ts';
import type { Forecast } from './core/forecast.ts';
import { type Pace, type Spent, spend } from './core/pace.ts';
import type { Person } from './core/policy.ts';
import { parseReply, type Reply, type Which } from './core/reply.ts';
import type { Act, Outcome } from './door.ts';
import { meantBy, openOf } from './reply-alerts.ts';
import {
  type Acknowledged,
  acknowledgedWords,
  answerMax,
  called,
  fitted,
  helpWords,
  lookAhead,
  type Next,
  namedMax,
  nextOf,
  nextWords,
  openWords,
  type Spoken,
  shortened,
  standsWords,
  type Telling,
} from './reply-answers.ts';
import { speakersOf } from './reply-speakers.ts';
import type { Station } from './station.ts';
import { StoreError } from './store/errors.ts';
import type { Store } from './store/store.ts';

const listMax = 50;
/** Further ahead nobody is looked for. */
const aheadMost = days(31);

/** Of one person. A telephone that answers by itself must not keep the station talking. */
export const repliesPace: Pace = { count: 30, per: minutes(1) };
export const questionsPace: Pace = { count: 5, per: minutes(10) };
/** Of strangers, all together: how often the log says so. */
const strangersPace: Pace = { count: 1, per: minutes(1) };
const remembered = 10_000;
/** In characters, of a stranger's address in the log. */
const addressShown = 100;

export type RepliesOptions = {
  readonly station: Pick<Station, 'handle' | 'forecast' | 'policy'>;
  readonly store: Pick<Store, 'transaction'>;
  readonly clock: Clock;
  readonly log: Logger;
};

export interface Replies {
  /** Does what was asked. @returns the answer; null where there is none to give. Never rejects. */
  heard(heard: Heard): Promise<string | null>;
}

export function openReplies(options: RepliesOptions): Replies {
  return new StationReplies(options);
}

/** Who asks, and how they are answered. */
type Asking = Telling & { readonly heard: Heard };

const nothingRecorded = 'Nothing was recorded: the station cannot write just now. Please try again.';
const notKnown =
  'Something failed here: it is not known whether that was recorded. Please look, or try again.';
const tooManyOwners =
  'More than one person has this address in the policy: I cannot tell who you are. Nothing was done.';
const nameless = 'I cannot tell who you are here: write to me directly.';

class StationReplies implements Replies {
  private readonly options: RepliesOptions;
  private readonly spent = new LRUCache<string, Spent>({ max: remembered });

  constructor(options: RepliesOptions) {
    this.options = options;
  }

  async heard(heard: Heard): Promise<string | null> {
    try {
      return await this.answer(heard);
    } catch (error) {
      if (error instanceof StoreError) return nothingRecorded;
      this.options.log.error({ err: error, channel: heard.channel }, 'a reply could not be answered');
      return notKnown;
    }
  }

  private async answer(heard: Heard): Promise<string | null> {
    const policy = this.options.station.policy();
    const speakers = speakersOf(policy, heard);
    const [person] = speakers;
    const now = this.options.clock.now();
    const hours = [...policy.hours.keys()];
    const timezone = person?.timezone ?? policy.timezone;
    const reply = parseReply(heard.text, { now, timezone, hours, room: heard.room !== null });
    if (person === undefined) return this.stranger(heard, reply);
    if (reply.kind === 'chatter') return null;
    const mayAnswer = this.may(`reply ${person.id}`, repliesPace);
    if (!mayAnswer) return null;
    if (speakers.length > 1) return this.question(person, tooManyOwners);
    if (reply.kind === 'ask') return this.question(person, `Nothing done. ${reply.why}`);
    const most = mostFor(heard, reply);
    return await this.perform(reply, { now, person, policy, most, heard });
  }

  private stranger(heard: Heard, reply: Reply): string | null {
    const { log } = this.options;
    const from = heard.from.slice(0, addressShown);
    if (heard.room !== null && heard.from === '') {
      const meant = reply.kind !== 'chatter' && this.may(`room ${heard.room}`, questionsPace);
      return meant ? nameless : null;
    }
    if (reply.kind !== 'chatter' && this.may('strangers', strangersPace)) {
      log.warn(
        { channel: heard.channel, from },
        'somebody wrote whose address is not in the policy: nothing was done',
      );
    }
    return null;
  }

  /** A question is asked only so often: what answers it may be a machine. */
  private question(person: Person, text: string): string | null {
    return this.may(`question ${person.id}`, questionsPace) ? shortened(text, answerMax.sms) : null;
  }

  private may(what: string, pace: Pace): boolean {
    const { spent, until } = spend(this.spent.get(what), pace, this.options.clock.now());
    this.spent.set(what, spent);
    if (until !== null && spent.count === pace.count + 1 && what !== 'strangers') {
      this.options.log.warn({ what }, 'so much was written that it is not answered for a while');
    }
    return until === null;
  }

  private perform(
    reply: Exclude<Reply, { kind: 'ask' | 'chatter' }>,
    asking: Asking,
  ): Promise<string | null> {
    switch (reply.kind) {
      case 'acknowledge':
        return this.acknowledge(reply, asking);
      case 'unacknowledge':
      case 'clear':
        return this.onEach(reply.kind, reply.codes, asking);
      case 'note':
        return this.note(reply.code, reply.text, asking);
      case 'who':
        return this.who(reply.code, asking);
      case 'list':
        return this.list(asking);
      case 'help':
        return Promise.resolve(helpWords);
      default:
        return reply satisfies never;
    }
  }

  // -------------------------------------------------------------- acts

  private async acknowledge(
    reply: Extract<Reply, { kind: 'acknowledge' }>,
    asking: Asking,
  ): Promise<string | null> {
    const { person, now } = asking;
    const meant = await meantBy(this.options.store, reply.which, asking);
    if (typeof meant === 'string') return this.question(person, meant);
    if (reply.loose !== null && !knows(meant.found, reply.loose, asking)) {
      const why = `Is ${reply.loose} an alert or a time? You were told of no alert ${reply.loose}: write ${reply.loose}m, or #${reply.loose}.`;
      return this.question(person, `Nothing done. ${why}`);
    }
    const { length, note } = reply;
    const lasting = { for: null, ...length, note };
    const outcomes = await this.act(
      meant.found.map(({ alert }) => ({ kind: 'acknowledge', alert: alert.key, by: person.id, ...lasting })),
      now,
    );
    if (outcomes === null) return nothingRecorded;
    const { done, refused } = sorted(meant.found, outcomes);
    const other = refused.find(({ why }) => why !== 'not-raised' && why !== 'no-such-alert');
    if (other !== undefined) return `Nothing done. ${other.message}`;
    const acknowledged: Acknowledged = {
      done,
      before: meant.found,
      cleared: refused.map(({ spoken }) => spoken),
      asked: length === null || length.hours !== undefined ? null : length.for,
      next: await this.nextAfter(done, asking),
      remaining: Math.max(0, meant.total - meant.found.length),
    };
    return acknowledgedWords(acknowledged, asking);
  }

  private async onEach(
    kind: 'unacknowledge' | 'clear',
    codes: readonly number[],
    asking: Asking,
  ): Promise<string | null> {
    const { person, now } = asking;
    const meant = await meantBy(this.options.store, { kind: 'codes', codes }, asking);
    if (typeof meant === 'string') return this.question(person, meant);
    const acts = meant.found.map(({ alert }): Act => ({ kind, alert: alert.key, by: person.id }));
    const outcomes = await this.act(acts, now);
    if (outcomes === null) return nothingRecorded;
    const { done, refused } = sorted(meant.found, outcomes);
    const next = kind === 'clear' ? undefined : await this.nextAfter(done, asking);
    return fitted(asking.most, (size) => {
      const names = (all: readonly Spoken[]): string => all.map((each) => called(each, size)).join('; ');
      const many = done.length > 1;
      const did =
        kind === 'clear'
          ? `Cleared ${names(done)} by hand. If still reported, ${many ? 'they are' : 'it is'} raised again.`
          : `Taken back: ${names(done)} ${many ? 'are' : 'is'} raised again.${nextWords(next, asking, many)}`;
      const state = kind === 'clear' ? 'cleared already' : 'not acknowledged';
      const not = `${names(refused.map(({ spoken }) => spoken))} ${refused.length > 1 ? 'are' : 'is'} ${state}.`;
      if (done.length === 0) return `Nothing done: ${not}`;
      return refused.length === 0 ? did : `${did} But ${not}`;
    });
  }

  private async note(code: number, text: string, asking: Asking): Promise<string | null> {
    const meant = await meantBy(this.options.store, { kind: 'codes', codes: [code] }, asking);
    if (typeof meant === 'string') return this.question(asking.person, meant);
    const acts = meant.found.map(
      ({ alert }): Act => ({ kind: 'note', alert: alert.key, by: asking.person.id, text }),
    );
    const outcomes = await this.act(acts, asking.now);
    if (outcomes === null) return nothingRecorded;
    const { done, refused } = sorted(meant.found, outcomes);
    const [spoken] = done;
    if (spoken === undefined) return `Nothing done. ${refused[0]?.message ?? ''}`;
    return fitted(asking.most, (size) => `Noted on ${called(spoken, size)}.`);
  }

  /** Null: nothing was recorded. */
  private async act(acts: readonly Act[], at: Instant): Promise<readonly Outcome[] | null> {
    if (acts.length === 0) return [];
    const outcomes = await this.options.station.handle(acts.map((act) => ({ ...act, at })));
    return outcomes.some((outcome) => !outcome.ok && outcome.why === 'store-unavailable') ? null : outcomes;
  }

  // -------------------------------------------------------------- answers

  private async who(code: number | null, asking: Asking): Promise<string | null> {
    const which: Which = code === null ? { kind: 'only' } : { kind: 'codes', codes: [code] };
    const meant = await meantBy(this.options.store, which, asking, 'who');
    if (typeof meant === 'string') return this.question(asking.person, meant);
    const [spoken] = meant.found;
    if (spoken === undefined) return null;
    return standsWords(spoken, await this.nextAfter(meant.found, asking), asking);
  }

  private async list(asking: Asking): Promise<string> {
    const { open, total } = await openOf(this.options.store, asking.person, listMax);
    return openWords(open, total, asking);
  }

  /** Who will be told next of these; undefined where there are too many of them, or it cannot be said just now. */
  private async nextAfter(alerts: readonly Spoken[], { now }: Asking): Promise<Next | null | undefined> {
    const standing = alerts.filter(({ alert }) => alert.phase.kind !== 'cleared');
    if (standing.length === 0 || standing.length > namedMax) return undefined;
    try {
      let cut = false;
      for (const ahead of lookAhead) {
        const forecasts = await Promise.all(standing.map(({ alert }) => this.forecast(alert, now, ahead)));
        const next = nextOf(forecasts);
        if (next !== null) return next;
        cut = forecasts.some((forecast) => forecast.cut);
      }
      // One that was cut does not say that nobody comes after it.
      if (cut) return undefined;
      return null;
    } catch (error) {
      // What was asked is done: that much the answer can say.
      if (!(error instanceof StoreError))
        this.options.log.error({ err: error }, 'who hears next could not be worked out');
      return undefined;
    }
  }

  private async forecast({ key, phase }: Alert, now: Instant, ahead: Duration): Promise<Forecast> {
    const from = phase.kind === 'acknowledged' ? phase.until : now;
    const length = Math.min(since(now, plus(from, ahead)), aheadMost);
    const found = await this.options.station.forecast(key, milliseconds(length), null);
    return found ?? { group: '', level: 'normal', from: now, until: now, entries: [], cut: false };
  }
}

const knows = (found: readonly Spoken[], code: number, { person }: Telling): boolean =>
  found.some((each) => each.code === code && each.alert.told.includes(person.id));

type Sorted = {
  readonly done: readonly Spoken[];
  readonly refused: readonly { readonly spoken: Spoken; readonly why: string; readonly message: string }[];
};

/** What was done, as it is afterwards, and what was not and why. */
function sorted(found: readonly Spoken[], outcomes: readonly Outcome[]): Sorted {
  const pairs = found.map((spoken, index) => ({ spoken, outcome: outcomes[index] }));
  return {
    done: pairs.flatMap(({ spoken, outcome }) =>
      outcome?.ok === true ? [{ ...spoken, alert: outcome.alert ?? spoken.alert }] : [],
    ),
    refused: pairs.flatMap(({ spoken, outcome }) =>
      outcome?.ok === false ? [{ spoken, why: outcome.why, message: outcome.message }] : [],
    ),
  };
}

function mostFor({ channel }: Heard, reply: Reply): number {
  if (channel === 'xmpp') return answerMax.xmpp;
  return reply.kind === 'list' ? answerMax.listBySms : answerMax.sms;
}

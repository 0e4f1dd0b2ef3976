/**
 * What people write to the station, by chat or in a room: who said it, as far
 * as the server vouches for it, and where the answer goes.
 *
 * It hears no machines (errors, headlines, other stations), nothing of itself,
 * nothing that a room repeats from before, and nobody who writes without an
 * end: two programs that answer each other must come to rest.
 */
import { randomUUID } from 'node:crypto';
import type { Element, Xml } from '@xmpp/client';
import { LRUCache } from 'lru-cache';
import type { Logger } from '../../log.ts';
import { type Clock, formatDuration, type Instant, instant, minutes, plus, since } from '../../time.ts';
import { bareJid, resourceOf } from '../core/xmpp-address.ts';
import type { ChannelEvents, Heard } from './channel.ts';
import type { Rooms } from './xmpp-rooms.ts';
import { answerId, cutHeard, ours, shortened } from './xmpp-text.ts';

export type HearLine = {
  readonly xml: Xml;
  /** The station's own, bare. */
  readonly own: string;
  send(stanza: Element): Promise<boolean>;
};

/** From one sender within a minute. */
export const heardPerMinute = 20;
const sendersMax = 1000;
/** At once, from all. */
const underWayMax = 50;
/** What was written so long ago may no longer be meant. */
export const staleAfter = minutes(10);
const delayed = 'urn:xmpp:delay';
const hints = 'urn:xmpp:hints';
const refusal = 'That could not be done now. Try again, or use the page.';

type Said = Heard & {
  /** Where the answer goes, and how it begins. */
  readonly answer: { readonly to: string; readonly type: 'chat' | 'groupchat'; readonly start: string };
  readonly thread: string | null;
  readonly at: Instant | null;
};

export class Hearing {
  private readonly line: HearLine;
  private readonly rooms: Rooms;
  private readonly events: ChannelEvents;
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly counts = new LRUCache<string, { readonly until: Instant; count: number }>({
    max: sendersMax,
  });
  private underWay = 0;

  constructor(
    line: HearLine,
    rooms: Rooms,
    edges: { readonly events: ChannelEvents; readonly clock: Clock; readonly log: Logger },
  ) {
    this.line = line;
    this.rooms = rooms;
    this.events = edges.events;
    this.clock = edges.clock;
    this.log = edges.log;
  }

  message(stanza: Element): void {
    const said = stanza.attrs.type === 'groupchat' ? this.inRoom(stanza) : this.inChat(stanza);
    if (said === null || !this.mayWrite(stanza.attrs.from ?? '')) return;
    void this.hear(said);
  }

  private inChat(stanza: Element): Said | null {
    const { from = '', id = '', type = 'normal' } = stanza.attrs;
    const text = stanza.getChildText('body');
    const bare = bareJid(from);
    if (text === null || (type !== 'chat' && type !== 'normal') || ours(id)) return null;
    if (bare === this.line.own || !bare.includes('@')) return null;
    // A private message within a room: the room may say whose.
    const sender = this.rooms.has(bare) ? this.rooms.realJid(bare, resourceOf(from)) : bare;
    return {
      channel: 'xmpp',
      from: sender,
      room: null,
      text: cutHeard(text),
      answer: { to: from, type: 'chat', start: '' },
      thread: stanza.getChildText('thread'),
      at: writtenAt(stanza.getChild('delay', delayed)),
    };
  }

  private inRoom(stanza: Element): Said | null {
    const { from = '', id = '' } = stanza.attrs;
    const room = bareJid(from);
    const nick = resourceOf(from);
    const own = this.rooms.nickIn(room);
    const text = stanza.getChildText('body');
    if (own === null || text === null || nick === '' || nick === own || ours(id)) return null;
    const delay = stanza.getChild('delay', delayed);
    // What a room repeats, it says so itself; what our server kept during a short cut, that says.
    if (delay !== undefined && bareJid(delay.attrs.from ?? '') !== this.line.own) return null;
    const asked = addressed(text, own);
    if (asked === null) return null;
    return {
      channel: 'xmpp',
      from: this.rooms.realJid(room, nick),
      room,
      text: cutHeard(asked),
      answer: { to: room, type: 'groupchat', start: `${nick}: ` },
      thread: null,
      at: writtenAt(delay),
    };
  }

  private async hear({ answer, thread, at, ...heard }: Said): Promise<void> {
    if (this.underWay >= underWayMax) {
      this.log.warn({ from: heard.from }, 'too much is said at once: not heard');
      return;
    }
    this.underWay += 1;
    try {
      const age = at === null ? null : since(at, this.clock.now());
      const stale = age !== null && age > staleAfter;
      const said = stale
        ? `This reached me only now, ${formatDuration(minutes(Math.floor(age / minutes(1))))} after you wrote it, so I did nothing. Say it again if it still holds.`
        : await this.events.heard(heard);
      if (said !== null && said !== '') await this.say(answer, said, thread);
    } catch (error) {
      this.log.warn({ error, from: heard.from }, 'what was said on XMPP could not be taken');
      await this.say(answer, refusal, thread);
    } finally {
      this.underWay -= 1;
    }
  }

  private async say({ to, type, start }: Said['answer'], text: string, thread: string | null): Promise<void> {
    const { xml } = this.line;
    const id = answerId(randomUUID());
    const stanza = xml(
      'message',
      { to, type, id },
      xml('body', {}, shortened(`${start}${text}`, '')),
      thread === null ? null : xml('thread', {}, thread),
      xml('store', { xmlns: hints }),
    );
    if (!(await this.line.send(stanza))) this.log.warn({ to: bareJid(to) }, 'an answer on XMPP got lost');
  }

  private mayWrite(from: string): boolean {
    const sender = this.rooms.has(bareJid(from)) ? from : bareJid(from);
    const now = this.clock.now();
    const count = this.counts.get(sender);
    if (count === undefined || now >= count.until || plus(now, minutes(1)) < count.until) {
      this.counts.set(sender, { until: plus(now, minutes(1)), count: 1 });
      return true;
    }
    count.count += 1;
    if (count.count === heardPerMinute + 1) {
      this.log.warn({ from: sender }, `more than ${heardPerMinute} messages in a minute: not heard`);
    }
    return count.count <= heardPerMinute;
  }
}

function writtenAt(delay: Element | undefined): Instant | null {
  const at = Date.parse(delay?.attrs.stamp ?? '');
  return Number.isFinite(at) ? instant(at) : null;
}

/** @returns what is said to `nick`: `mauve: ack 12`, `mauve, ack 12`, `@mauve ack 12`; null where it is not addressed. */
export function addressed(text: string, nick: string): string | null {
  const line = text.trimStart();
  const at = line.startsWith('@') ? 1 : 0;
  if (line.slice(at, at + nick.length).toLowerCase() !== nick.toLowerCase()) return null;
  const rest = line.slice(at + nick.length);
  const pattern = at === 1 ? /^[:,]?(?:\s+|$)/ : /^[:,](?:\s*)/;
  const separator = pattern.exec(rest);
  return separator === null ? null : rest.slice(separator[0].length).trim();
}

/**
 * Rooms (XEP-0045): enters one when it is first needed, again after each new
 * connection, and knows who is in it, by their real address where the room
 * tells that.
 *
 * A room that nobody made is not made here: a mistyped name would swallow
 * every message.
 */
import type { Element, Xml } from '@xmpp/client';
import type { Logger } from '../../log.ts';
import type { Clock, Duration } from '../../time.ts';
import { bareJid, resourceOf } from '../core/xmpp-address.ts';
import { bounceOf, bounceWords, spoken } from './xmpp-trouble.ts';

/** What rooms need of the connection. */
export type RoomLine = { readonly xml: Xml; send(stanza: Element): Promise<boolean> };

export type Entered =
  | { readonly ok: true }
  /** `passing`: another try may work. */
  | { readonly ok: false; readonly why: string; readonly passing: boolean };

type Room = {
  readonly jid: string;
  nick: string;
  tries: number;
  state: 'out' | 'entering' | 'in';
  /** We were in it, and nobody put us out: it is entered again without being asked. */
  wanted: boolean;
  /** Why we are out. */
  fault: Extract<Entered, { ok: false }> | null;
  /** The real address by nick, empty where the room hides it. */
  readonly occupants: Map<string, string>;
  readonly waiters: Set<() => void>;
};

const muc = 'http://jabber.org/protocol/muc';
const mucUser = 'http://jabber.org/protocol/muc#user';
/** With a digit at the end after the first. */
const nicksMax = 9;
const occupantsMax = 5000;

/** XEP-0045, 15.6. */
const status = { self: '110', created: '201', banned: '301', renamed: '303', kicked: '307' } as const;
const affiliation = ['321', '322'];
const shutDown = '332';

export type RoomEdges = {
  readonly clock: Clock;
  readonly log: Logger;
  /** Between tries to enter a room again that was lost through nobody's will. */
  readonly again: Duration;
};

export class Rooms {
  private readonly rooms = new Map<string, Room>();
  private readonly line: RoomLine;
  private readonly nick: string;
  private readonly edges: RoomEdges;
  /** We are in it no more. */
  private readonly thrownOut: (room: string, why: string) => void;

  constructor(
    line: RoomLine,
    nick: string,
    edges: RoomEdges,
    thrownOut: (room: string, why: string) => void,
  ) {
    this.line = line;
    this.nick = nick;
    this.edges = edges;
    this.thrownOut = thrownOut;
  }

  has(jid: string): boolean {
    return this.rooms.has(jid);
  }

  /** Ours in that room; null where we are not in it. */
  nickIn(jid: string): string | null {
    const room = this.rooms.get(jid);
    return room?.state === 'in' ? room.nick : null;
  }

  /** The bare address behind a nick; empty where the room hides it. */
  realJid(jid: string, nick: string): string {
    return this.rooms.get(jid)?.occupants.get(nick) ?? '';
  }

  /** How many are in it beside us. */
  others(jid: string): number {
    return Math.max(0, (this.rooms.get(jid)?.occupants.size ?? 0) - 1);
  }

  /** @returns null where `signal` came first. */
  async enter(jid: string, signal: AbortSignal): Promise<Entered | null> {
    const room = this.rooms.get(jid) ?? this.known(jid);
    if (room.state === 'out') this.ask(room);
    while (room.state === 'entering' && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          room.waiters.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        room.waiters.add(wake);
        signal.addEventListener('abort', wake);
      });
    }
    if (room.state === 'in') return { ok: true };
    return signal.aborted ? null : room.fault;
  }

  private known(jid: string): Room {
    const { nick } = this;
    const occupants = new Map<string, string>();
    const waiters = new Set<() => void>();
    const room: Room = { jid, nick, tries: 0, state: 'out', wanted: false, fault: null, occupants, waiters };
    this.rooms.set(jid, room);
    return room;
  }

  /** What happened in it before is nobody's business. */
  private ask(room: Room): void {
    const { xml } = this.line;
    room.state = 'entering';
    room.fault = null;
    room.occupants.clear();
    const history = xml('history', { maxstanzas: '0' });
    const presence = xml('presence', { to: `${room.jid}/${room.nick}` }, xml('x', { xmlns: muc }, history));
    void this.line.send(presence).then((sent) => {
      if (!sent && room.state === 'entering') this.out(room, 'the connection broke', true, room.wanted);
    });
  }

  /** A new session: the rooms know nothing of us. */
  enterAllAgain(): void {
    for (const room of this.rooms.values()) {
      const wanted = room.wanted || room.state === 'entering';
      room.state = 'out';
      room.nick = this.nick;
      room.tries = 0;
      if (wanted) this.ask(room);
    }
  }

  /** It turned out that the room does not have us in it. */
  forget(jid: string): void {
    const room = this.rooms.get(jid);
    if (room?.state === 'in') room.state = 'out';
  }

  /** @returns whether it was about a room. */
  presence(stanza: Element): boolean {
    const from = stanza.attrs.from ?? '';
    const room = this.rooms.get(bareJid(from));
    if (room === undefined) return false;
    const nick = resourceOf(from);
    const about = stanza.getChild('x', mucUser);
    const codes = (about?.getChildren('status') ?? []).map((one) => one.attrs.code ?? '');
    const self = codes.includes(status.self) || nick === room.nick;
    if (stanza.attrs.type === 'error') this.refused(room, stanza);
    else if (stanza.attrs.type === 'unavailable') {
      room.occupants.delete(nick);
      if (self && !codes.includes(status.renamed)) this.left(room, about, codes);
    } else if (stanza.attrs.type === undefined) {
      const real = about?.getChild('item')?.attrs.jid;
      if (room.occupants.size < occupantsMax) {
        room.occupants.set(nick, real === undefined ? '' : bareJid(real));
      }
      if (self) this.entered(room, nick, codes);
    }
    return true;
  }

  private entered(room: Room, nick: string, codes: readonly string[]): void {
    room.nick = nick;
    if (room.state !== 'entering') return;
    if (codes.includes(status.created)) {
      void this.line.send(this.line.xml('presence', { to: `${room.jid}/${nick}`, type: 'unavailable' }));
      this.out(room, 'there is no such room: make it, or go into it, first', false, false);
      return;
    }
    room.state = 'in';
    room.wanted = true;
    this.edges.log.info({ room: room.jid, nick }, 'entered the room');
    wake(room);
  }

  private refused(room: Room, stanza: Element): void {
    if (room.state !== 'entering') return;
    const bounce = bounceOf(stanza);
    if (bounce.condition === 'conflict' && room.tries < nicksMax) {
      room.tries += 1;
      room.nick = `${this.nick}${room.tries + 1}`;
      this.ask(room);
      return;
    }
    const passing = bounce.passing || bounce.condition === 'conflict';
    const words = bounceWords(room.jid, bounce, true).slice(`${room.jid}: `.length);
    this.out(room, words, passing, passing && room.wanted);
  }

  private left(room: Room, about: Element | undefined, codes: readonly string[]): void {
    if (room.state === 'out') return;
    const { why, passing, wanted } = leavingWords(about, codes);
    this.out(room, why, passing, wanted);
  }

  private out(room: Room, why: string, passing: boolean, wanted: boolean): void {
    const wasIn = room.state === 'in';
    room.state = 'out';
    room.wanted = wanted;
    room.fault = { ok: false, why: `${room.jid}: ${why}`, passing };
    this.edges.log.warn({ room: room.jid, why }, 'not in the room');
    wake(room);
    if (wasIn) this.thrownOut(room.jid, room.fault.why);
    if (!wanted) return;
    this.edges.clock.after(this.edges.again, () => {
      if (room.wanted && room.state === 'out') this.ask(room);
    });
  }
}

type Leaving = { readonly why: string; readonly passing: boolean; readonly wanted: boolean };

/** Whoever puts the station out means it: it comes back only with something to say. */
function leavingWords(about: Element | undefined, codes: readonly string[]): Leaving {
  const item = about?.getChild('item');
  const by = item?.getChild('actor')?.attrs.nick;
  const reason = spoken(item?.getChildText('reason') ?? '');
  const more = `${by === undefined ? '' : ` by ${spoken(by)}`}${reason === '' ? '' : `: ${reason}`}`;
  const put = (why: string, passing: boolean): Leaving => ({ why, passing, wanted: false });
  if (codes.includes(status.banned)) return put(`the station was banned from it${more}`, false);
  if (codes.includes(status.kicked)) return put(`the station was put out of it${more}`, true);
  if (about?.getChild('destroy') !== undefined) return put('it was closed for good', false);
  if (codes.some((code) => affiliation.includes(code))) {
    return put(`it is for its members only now, and the station is none${more}`, false);
  }
  const down = codes.includes(shutDown);
  return { why: down ? 'its server is shutting down' : 'it lost the station', passing: true, wanted: true };
}

function wake(room: Room): void {
  for (const one of [...room.waiters]) one();
}

/**
 * XMPP: one lasting connection of the station's own account, over which
 * messages go to people and into rooms, and people answer.
 *
 * A message to a person counts as delivered once the station's own server has
 * acknowledged it (XEP-0198); one into a room once the room has sent it round,
 * us included. A refusal that comes later is reported. A message is sent at
 * least once: where the connection is lost and cannot be resumed before the
 * acknowledgement, it goes again with the same id, by which clients can tell.
 * The password never gets into a result, a log or an error.
 *
 * Receipts of people's clients (XEP-0184) are not asked for: many clients never
 * send one, so that their absence would mean nothing.
 */
import type { Element } from '@xmpp/client';
import type { Logger } from '../../log.ts';
import { type Clock, type Duration, formatDuration, milliseconds, seconds } from '../../time.ts';
import { bareJid, readXmppAddress, resourceOf, type XmppAddress } from '../core/xmpp-address.ts';
import type { Channel, ChannelEdges, Message, SendResult } from './channel.ts';
import type { LookUp, Server } from './xmpp-connect.ts';
import { type FlightEnd, Flights } from './xmpp-flights.ts';
import { Hearing } from './xmpp-hear.ts';
import { Presences } from './xmpp-presence.ts';
import { Rooms } from './xmpp-rooms.ts';
import { farewellMax, Session, type SessionTimes, sessionTimes } from './xmpp-session.ts';
import { fits, shortened, stanzaId, wasSentTo } from './xmpp-text.ts';
import { bounceOf, bounceWords } from './xmpp-trouble.ts';

export type XmppOptions = Omit<Server, 'domain'> & {
  /** The station's own account, bare: mauve@example.net. */
  readonly jid: string;
  /** A function, so that printing the options cannot print it. */
  readonly password: () => string;
  /** What tells this connection from others of the account. */
  readonly resource: string;
  /** What the station is called in rooms; with a digit where that is taken. */
  readonly nick: string;
  /** Of one message, from the first try to its acknowledgement. */
  readonly timeout: Duration;
  /** Messages under way at once. */
  readonly concurrency: number;
};

export type XmppTimes = SessionTimes & {
  /** What news of who is online gets to come in. */
  readonly presence: Duration;
  /** Between tries to enter a room again whose server went away. */
  readonly roomAgain: Duration;
};

export const xmppTimes: XmppTimes = {
  ...sessionTimes,
  presence: seconds(2),
  roomAgain: seconds(30),
};

/** So that the channel's own limit is what ends a slow send, and says why. */
const timeoutMargin = seconds(10);
/** What messages on their way get at the station's end; with the goodbye that makes three seconds. */
const closeGrace = seconds(2);
/** A message that ends the connection must not do so for ever. */
const attemptsMax = 2;
const hints = 'urn:xmpp:hints';

export function openXmpp(options: XmppOptions, edges: ChannelEdges, tune: Partial<XmppTune> = {}): Channel {
  return new Xmpp(options, edges, { times: xmppTimes, ...tune });
}

/** For tests. */
export type XmppTune = { readonly times: XmppTimes; readonly lookup?: LookUp };

class Xmpp implements Channel {
  readonly name = 'xmpp';
  readonly concurrency: number;
  readonly timeout: Duration;
  readonly fits = fits;
  private readonly options: XmppOptions;
  private readonly edges: ChannelEdges;
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly own: string;
  private readonly session: Session;
  private readonly flights = new Flights();
  private readonly rooms: Rooms;
  private readonly presences: Presences;
  private readonly hearing: Hearing;
  private readonly underWay = new Map<Promise<SendResult>, AbortController>();
  private closed = false;

  constructor(options: XmppOptions, edges: ChannelEdges, tune: XmppTune) {
    this.options = options;
    this.edges = edges;
    this.clock = edges.clock;
    this.log = edges.log;
    this.concurrency = options.concurrency;
    this.timeout = milliseconds(options.timeout + timeoutMargin);
    this.own = options.jid.toLowerCase();
    this.session = this.sessionOf(tune);
    const around = { clock: edges.clock, log: edges.log, again: tune.times.roomAgain };
    this.rooms = new Rooms(this.session, options.nick, around, (room, why) =>
      this.flights.settleAll({ kind: 'out', why }, room),
    );
    this.presences = new Presences(this.session, edges.clock, tune.times.presence);
    this.hearing = new Hearing(this.line(), this.rooms, edges);
    this.session.start();
  }

  private sessionOf({ times, lookup }: XmppTune): Session {
    const { service, tls, ca, password, resource } = this.options;
    const [local = '', domain = ''] = this.own.split('@');
    const { clock, log } = this.edges;
    return new Session(
      { server: { domain, service, tls, ca }, account: { local, domain, resource, password } },
      { clock, log, times, ...(lookup === undefined ? {} : { lookup }) },
      {
        online: (how) => this.online(how),
        stanza: (stanza) => this.took(stanza),
        acknowledged: ({ attrs }) => this.flights.acknowledged(attrs.id ?? ''),
      },
    );
  }

  private line(): ConstructorParameters<typeof Hearing>[0] {
    const { session, own } = this;
    return {
      own,
      // An answer may wait for the connection, too.
      send: async (stanza) => {
        const late = new AbortController();
        const cancel = this.clock.after(this.options.timeout, () => late.abort());
        const online = await session.whenOnline(late.signal);
        cancel();
        return online && (await session.send(stanza));
      },
      get xml() {
        return session.xml;
      },
    };
  }

  private online(how: 'new' | 'resumed'): void {
    if (how === 'resumed') return;
    // Nobody can say any more what became of these.
    this.flights.settleAll({ kind: 'lost' });
    this.presences.begin();
    this.rooms.enterAllAgain();
  }

  // -------------------------------------------------------------- sending

  send(address: string, message: Message): Promise<SendResult> {
    const abort = new AbortController();
    const late = this.clock.after(this.options.timeout, () => abort.abort());
    const sent = this.sendNow(address, message, abort.signal)
      .catch((error: unknown): SendResult => {
        this.log.error({ error }, 'a message could not be sent by XMPP');
        return retryThis('the station could not make an XMPP message of it');
      })
      .finally(() => {
        late();
        this.underWay.delete(sent);
      });
    this.underWay.set(sent, abort);
    return sent;
  }

  private async sendNow(written: string, message: Message, signal: AbortSignal): Promise<SendResult> {
    if (this.closed) return retryAll(endingWords);
    const address = readXmppAddress(written);
    if (address === null) return { kind: 'failed', why: `"${written}" is no XMPP address` };
    const id = stanzaId(`${message.link}\n${message.idempotencyKey}`, address.jid);
    if (address.kind === 'person') this.presences.mayBeSeenBy(address.jid);
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const arrived = (): boolean => this.flights.hasArrived(id);
      if (!arrived() && !(await this.session.whenOnline(signal))) {
        return retryAll(this.closed ? endingWords : this.session.trouble);
      }
      // What is on its way already needs no leave any more.
      const free = arrived() || this.flights.get(id) !== null;
      const barred = free ? null : await this.barred(address, signal);
      if (barred !== null) return barred;
      // The receipt of an earlier try may have come with the connection.
      if (arrived()) return this.arrived(address, id);
      const end = await this.fly(address, id, message, signal);
      if (end === 'again') this.rooms.forget(address.jid);
      else if (end === null) return this.tooLate(address, id);
      else if (end.kind !== 'lost') return this.result(address, id, end);
    }
    return retryThis(`the connection broke before the server took the message for ${address.jid}`);
  }

  /** @returns why nothing can be sent there now; null where it can. */
  private async barred(address: XmppAddress, signal: AbortSignal): Promise<SendResult | null> {
    const { jid } = address;
    if (address.kind === 'room') {
      const entered = await this.rooms.enter(jid, signal);
      if (entered === null)
        return this.closed ? retryAll(endingWords) : retryThis(`${jid} did not let the station in in time`);
      if (entered.ok) return null;
      return entered.passing ? retryThis(entered.why) : { kind: 'failed', why: entered.why };
    }
    if (!address.onlyOnline) return null;
    const seen = await this.presences.look(jid, signal);
    if (seen === 'online') return null;
    if (this.closed) return retryAll(endingWords);
    if (!this.session.online) return retryAll(this.session.trouble);
    const hidden = ', as far as the station can see: they have yet to let it see that, which it asked for';
    return { kind: 'failed', why: `${jid} is not online${seen === 'hidden' ? hidden : ''}` };
  }

  /** @returns what became of it; null at `signal`; `again` where the room turned out not to have us. */
  private async fly(
    { kind, jid }: XmppAddress,
    id: string,
    message: Message,
    signal: AbortSignal,
  ): Promise<FlightEnd | 'again' | null> {
    const before = this.flights.get(id);
    const flight = before ?? this.flights.begin(id, jid, kind === 'room' ? 'reflection' : 'acknowledgement');
    if (before === null) {
      if (!(await this.session.send(this.stanza(kind, jid, id, message))))
        this.flights.settle(id, { kind: 'lost' });
      await this.session.confirm();
    }
    const end = await Promise.race([flight.end, whenAborted(signal)]);
    const gone = end?.kind === 'bounced' && kind === 'room' && end.bounce.condition === 'not-acceptable';
    return gone ? 'again' : end;
  }

  private stanza(kind: XmppAddress['kind'], to: string, id: string, message: Message): Element {
    const { xml } = this.session;
    return xml(
      'message',
      { to, id, type: kind === 'room' ? 'groupchat' : 'chat' },
      xml('body', {}, shortened(message.text, message.link)),
      xml('origin-id', { xmlns: 'urn:xmpp:sid:0', id }),
      xml('store', { xmlns: hints }),
    );
  }

  private result(address: XmppAddress, id: string, end: Exclude<FlightEnd, { kind: 'lost' }>): SendResult {
    if (end.kind === 'arrived') return this.arrived(address, id);
    if (end.kind === 'out') return retryThis(end.why);
    const why = bounceWords(address.jid, end.bounce, address.kind === 'room');
    return end.bounce.passing ? retryThis(why) : { kind: 'failed', why };
  }

  private arrived({ kind, jid }: XmppAddress, reference: string): SendResult {
    const others = this.rooms.others(jid);
    const there =
      others === 0 ? 'nobody else is in it' : `${others} ${others === 1 ? 'other is' : 'others are'} in it`;
    const server = this.own.slice(this.own.indexOf('@') + 1);
    const why = kind === 'room' ? `${jid} has it; ${there}` : `${server} took it for ${jid}`;
    return { kind: 'delivered', why, reference };
  }

  private tooLate({ jid }: XmppAddress, id: string): SendResult {
    if (this.closed) return retryAll(endingWords);
    if (!this.session.online) return retryAll(this.session.trouble);
    const within = formatDuration(this.options.timeout);
    if (this.flights.get(id)?.acknowledged === true) {
      return retryThis(`${jid} did not show the message within ${within}`);
    }
    const why = `the server did not acknowledge the message for ${jid} within ${within}`;
    this.session.suspect(why);
    return retryAll(why);
  }

  // -------------------------------------------------------------- what comes in

  private took(stanza: Element): void {
    const { name, attrs } = stanza;
    // What we say goodbye to answers, too.
    if (this.closed && name !== 'message') return;
    if (name === 'presence') {
      if (!this.rooms.presence(stanza)) this.presences.presence(stanza);
    } else if (name === 'iq') {
      if (attrs.type === 'set') this.presences.push(stanza, this.own);
    } else if (attrs.type === 'error') this.bounced(stanza);
    else if (!this.isReflection(stanza)) this.hearing.message(stanza);
  }

  /** Our own words, as the room sends them to all who are in it. */
  private isReflection(stanza: Element): boolean {
    const { type, from = '', id = '' } = stanza.attrs;
    const room = bareJid(from);
    if (type !== 'groupchat' || resourceOf(from) !== this.rooms.nickIn(room)) return false;
    const origin = stanza.getChild('origin-id', 'urn:xmpp:sid:0')?.attrs.id ?? '';
    for (const one of [id, origin]) {
      if (this.flights.get(one)?.to === room) this.flights.settle(one, { kind: 'arrived' });
    }
    return true;
  }

  /** Comes from the address itself, whoever says it in its name: anybody else could have made it up. */
  private bounced(stanza: Element): void {
    const { id = '', from = '' } = stanza.attrs;
    const to = bareJid(from);
    if (!wasSentTo(id, to)) return;
    const bounce = bounceOf(stanza);
    if (this.flights.get(id) !== null) {
      this.flights.settle(id, { kind: 'bounced', bounce });
      return;
    }
    this.flights.forget(id);
    const why = bounceWords(to, bounce, this.rooms.has(to));
    this.edges.events
      .report({ reference: id, state: 'failed', why })
      .catch((error: unknown) => this.log.warn({ error, why }, 'a refusal could not be recorded'));
  }

  // -------------------------------------------------------------- the end

  async close(): Promise<void> {
    const waiting = this.underWay.size > 0;
    this.closed = true;
    if (waiting) {
      const late = this.clock.after(closeGrace, () => this.abortAll());
      if (!this.session.online) this.abortAll();
      await Promise.allSettled(this.underWay.keys());
      late();
    }
    await this.session.close((xml) => xml('presence', { type: 'unavailable' }));
  }

  private abortAll(): void {
    for (const abort of this.underWay.values()) abort.abort();
  }
}

/** Of the whole ending. */
export const xmppCloseMax = milliseconds(closeGrace + farewellMax);

const endingWords = 'the station is ending';

/** No message would get through. */
const retryAll = (why: string): SendResult => ({ kind: 'retry', why, notBefore: null });
/** It is about this message or this address. */
const retryThis = (why: string): SendResult => ({ kind: 'retry', why, notBefore: null, fault: 'message' });

const whenAborted = (signal: AbortSignal): Promise<null> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });

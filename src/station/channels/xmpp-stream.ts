/**
 * One stream to the server, from the login to its end: @xmpp/client, with its
 * stream management (XEP-0198) put right. Each connection gets a new client of
 * the library, whose listeners of an old stream would otherwise meet the next
 * one; what is needed to resume goes over by `Memory`.
 *
 * What the library gets wrong, and what is done about it:
 * - It counts what came in too late and incompletely (no replies to iq, and
 *   what comes right behind `<enabled/>` is forgotten), so that servers end the
 *   stream or say things twice. The count is ours, and it cannot write it.
 * - It says `online` before stream management is on: `ready` waits for that.
 * - It asks for acknowledgements only once nothing was sent for a while: `confirm`
 *   asks at once.
 * - It passes over what `<failed h=…/>` says was handled.
 * - SCRAM holds up everything for more than half a second: inside verified TLS, PLAIN
 *   is as good.
 */
import type { Client, Element, StreamManagement, Transport, Xml } from '@xmpp/client';
import type { ReadyTube } from './xmpp-connect.ts';
import { streamTrouble, type Trouble } from './xmpp-trouble.ts';

export type Library = typeof import('@xmpp/client');

/** What a new stream needs to go on where an old one was cut. */
export type Memory = {
  readonly id: string;
  readonly jid: string;
  readonly inbound: number;
  readonly outbound: number;
  readonly queue: StreamManagement['outbound_q'];
};

export type Account = {
  readonly local: string;
  readonly domain: string;
  readonly resource: string;
  readonly password: () => string;
};

export type StreamEvents = {
  /** A message, presence or iq came in. */
  readonly stanza: (stanza: Element) => void;
  /** The server has it, for good. */
  readonly acknowledged: (stanza: Element) => void;
  /** Anything at all came in. */
  readonly alive: () => void;
  /** Once, at the end. */
  readonly ended: (trouble: Trouble) => void;
};

const sm = 'urn:xmpp:sm:3';
const streams = 'http://etherx.jabber.org/streams';
const ping = 'urn:xmpp:ping';
const service = 'xmpp://ready';
/** In milliseconds, as the library counts them: its own waits for the server's part of opening a stream. */
const openMax = 15_000;
const closeMax = 1_000;

export class Stream {
  /** Resolves once stanzas can be sent; never rejects, and never resolves where the stream ends before. */
  readonly ready: Promise<'resumed' | 'new'>;
  private readonly xml: Xml;
  private readonly client: Client;
  private readonly tube: ReadyTube;
  private readonly account: Account;
  private readonly place: string;
  private readonly events: StreamEvents;
  private inbound = 0;
  private fullJid = '';
  private managed = false;
  private resuming: boolean;
  private over = false;
  private settleReady: (how: 'resumed' | 'new') => void = () => undefined;
  /** Where the server has no stream management: what is confirmed by the answer to a ping, by its id. */
  private readonly pings = new Map<string, readonly Element[]>();
  private unconfirmed: Element[] = [];
  private pingCount = 0;

  constructor(
    library: Library,
    at: { readonly tube: ReadyTube; readonly place: string },
    account: Account,
    memory: Memory | null,
    events: StreamEvents,
  ) {
    this.xml = library.xml;
    this.tube = at.tube;
    this.place = at.place;
    this.account = account;
    this.events = events;
    this.resuming = memory !== null;
    this.ready = new Promise((resolve) => {
      this.settleReady = resolve;
    });
    this.client = this.clientOver(library);
    this.takeOverCounting(memory);
    this.listen();
  }

  private clientOver(library: Library): Client {
    const { account, tube } = this;
    const client = library.client({
      service,
      domain: account.domain,
      resource: account.resource,
      username: account.local,
      timeout: openMax,
      credentials: async (authenticate, mechanisms) => {
        const order = tube.secure ? ['PLAIN', 'SCRAM-SHA-1'] : ['SCRAM-SHA-1', 'PLAIN'];
        const mechanism = order.find((name) => mechanisms.includes(name)) ?? mechanisms[0] ?? '';
        await authenticate({ username: account.local, password: account.password() }, mechanism);
      },
    });
    client.reconnect.stop();
    const base = client.transports.find((one) => one.prototype.socketParameters(service) !== undefined);
    if (base === undefined) throw new Error('@xmpp/client has no transport for xmpp://');
    client.transports.splice(0, client.transports.length, transportOver(base, tube));
    // A change of the roster wants an answer; who sees it is the listener to all stanzas.
    client.iqCallee.set('jabber:iq:roster', 'query', () => ({}));
    return client;
  }

  private takeOverCounting(memory: Memory | null): void {
    const { streamManagement } = this.client;
    this.inbound = memory?.inbound ?? 0;
    this.fullJid = memory?.jid ?? '';
    Object.defineProperty(streamManagement, 'inbound', { get: () => this.inbound, set: () => undefined });
    // Whether the server still lives is for the session to judge, which has a clock.
    streamManagement.timeout = 0;
    streamManagement.requestAckInterval = 0;
    if (memory === null) return;
    streamManagement.id = memory.id;
    streamManagement.outbound = memory.outbound;
    streamManagement.outbound_q = memory.queue;
  }

  private listen(): void {
    const { client, tube } = this;
    client.on('error', (error: unknown) => this.troubled(error));
    tube.on('trouble', (error: unknown) => this.troubled(error));
    client.on('disconnect', () => this.troubled(Object.assign(new Error('closed'), { closed: true })));
    client.on('online', (jid: { toString(): string }) => {
      this.fullJid = jid.toString();
      if (!this.managed) this.settleReady('new');
    });
    client.streamManagement.on('ack', (stanza: Element) => this.events.acknowledged(stanza));
    client.streamManagement.on('resumed', () => this.settleReady('resumed'));
    // Before the library's own listener: see the head of this file.
    client.prependListener('element', (element: Element) => this.before(element));
    client.on('element', (element: Element) => this.after(element));
  }

  private before(element: Element): void {
    this.tube.stanzaEnded();
    this.events.alive();
    if (element.is('features', streams)) {
      // SASL 2 would bring another way of doing all this, which no server of ours could prove.
      element.children = element.children.filter(
        (child) => typeof child === 'string' || child.name !== 'authentication',
      );
      this.managed = element.getChild('sm', sm) !== undefined;
    } else if (element.is('failed', sm) && this.resuming) this.lateWord(element);
    else if (isStanza(element)) this.inbound += 1;
  }

  private after(element: Element): void {
    if (element.is('enabled', sm)) {
      this.inbound = 0;
      this.settleReady('new');
    } else if (element.is('failed', sm)) {
      if (this.resuming) this.resuming = false;
      else {
        this.managed = false;
        this.settleReady('new');
      }
    } else if (isStanza(element)) {
      if (!this.isPong(element)) this.events.stanza(element);
    }
  }

  /** The old stream is gone, but the server still knows how much of it was handled. */
  private lateWord(failed: Element): void {
    const { streamManagement } = this.client;
    const handled = Number(failed.attrs.h ?? Number.NaN);
    while (streamManagement.outbound < handled) {
      const entry = streamManagement.outbound_q.shift();
      if (entry === undefined) break;
      streamManagement.outbound += 1;
      this.events.acknowledged(entry.stanza);
    }
  }

  /** Logs in and opens or resumes the session; what comes of it, `ready` and `ended` tell. */
  async begin(): Promise<void> {
    try {
      await this.client.connect(service);
      await this.client.open({ domain: this.account.domain, lang: 'en' });
    } catch (error) {
      this.troubled(error);
    }
  }

  private troubled(error: unknown): void {
    const closed = error instanceof Error && 'closed' in error;
    const trouble: Trouble = closed
      ? { kind: 'network', why: `${this.place} closed the connection` }
      : streamTrouble(
          this.place,
          `${this.account.local}@${this.account.domain}`,
          error,
          this.account.password(),
        );
    this.end(trouble);
  }

  /** Ends it at once, without a word to the server. */
  end(trouble: Trouble): void {
    if (this.over) return;
    this.over = true;
    this.events.ended(trouble);
    this.tube.destroy();
    // Whatever the library still waits for, with timers that would keep the process from ending.
    this.client.emit('error', new Error('the stream has ended'));
  }

  /** Ends it as the protocol has it. Resolves when the server has ended it too, or at `signal`. Never rejects. */
  async close(): Promise<void> {
    if (this.over) return;
    this.over = true;
    this.client.timeout = closeMax;
    await this.client.stop().catch(() => undefined);
    this.tube.destroy();
  }

  get jid(): string {
    return this.fullJid;
  }

  /** Null where the server cannot resume it. Only after its end. */
  memory(): Memory | null {
    const { id, outbound, outbound_q: queue } = this.client.streamManagement;
    return id === '' ? null : { id, jid: this.fullJid, inbound: this.inbound, outbound, queue: [...queue] };
  }

  /** @returns whether the stanza is on its way; whether it arrives is told by `acknowledged`. */
  async send(stanza: Element): Promise<boolean> {
    if (this.over) return false;
    try {
      await this.client.send(stanza);
      if (!this.managed && stanza.name === 'message') this.unconfirmed.push(stanza);
      return true;
    } catch {
      return false;
    }
  }

  /** Asks the server to say how much it has; it answers in the order in which it was sent. */
  async confirm(): Promise<void> {
    if (this.managed) {
      await this.send(this.xml('r', { xmlns: sm }));
      return;
    }
    this.pingCount += 1;
    const id = `mauve-ping-${this.pingCount}`;
    this.pings.set(id, this.unconfirmed);
    this.unconfirmed = [];
    const { domain } = this.account;
    await this.send(this.xml('iq', { type: 'get', id, to: domain }, this.xml('ping', { xmlns: ping })));
  }

  /** Whatever the server says to a ping, it says it after what was sent before. */
  private isPong({ name, attrs }: Element): boolean {
    const confirmed = name === 'iq' && attrs.type !== 'get' ? this.pings.get(attrs.id ?? '') : undefined;
    if (confirmed === undefined) return false;
    this.pings.delete(attrs.id ?? '');
    for (const stanza of confirmed) this.events.acknowledged(stanza);
    return true;
  }
}

const isStanza = ({ name }: Element): boolean => name === 'iq' || name === 'message' || name === 'presence';

/** The library's own transport, over a socket that is connected already. */
function transportOver(base: Transport, tube: ReadyTube): Transport {
  // It is called with `new`, and what such a function returns is what that gives.
  function Socket(): ReadyTube {
    return tube;
  }
  return {
    prototype: Object.assign(Object.create(base.prototype), { socketParameters: () => ({}), Socket }),
  };
}

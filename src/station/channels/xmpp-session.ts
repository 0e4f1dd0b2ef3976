/**
 * The station's lasting connection: connects in the background, again and
 * again where it must, resumes what was cut, notices a server that fell
 * silent, and says in words why there is no connection now.
 *
 * It never rejects and never ends the process; who wants to send waits for
 * `online` as long as they like.
 */
import type { Element, Xml } from '@xmpp/client';
import type { Logger } from '../../log.ts';
import {
  type Cancel,
  type Clock,
  type Duration,
  type Instant,
  milliseconds,
  minutes,
  plus,
  seconds,
} from '../../time.ts';
import { connectTo, type LookUp, type Server } from './xmpp-connect.ts';
import { type Account, type Library, type Memory, Stream } from './xmpp-stream.ts';
import type { Trouble } from './xmpp-trouble.ts';

export type SessionEvents = {
  /** Ready to send. `new`: the server knows nothing of an earlier one, rooms and presence included. */
  readonly online: (how: 'new' | 'resumed') => void;
  readonly stanza: (stanza: Element) => void;
  readonly acknowledged: (stanza: Element) => void;
};

export type SessionTimes = {
  /** The first wait before another try; it doubles. */
  readonly waitLeast: Duration;
  readonly waitMost: Duration;
  /** After a refused login: more tries at once get an account locked. */
  readonly waitLogin: Duration;
  /** From the connection to the end of the login. */
  readonly login: Duration;
  /** A server that said nothing for so long is asked; if it says nothing for as long again, it is gone. */
  readonly quiet: Duration;
};

export const sessionTimes: SessionTimes = {
  waitLeast: seconds(1),
  waitMost: minutes(1),
  waitLogin: minutes(2),
  login: seconds(20),
  quiet: seconds(30),
};
/** Somebody has a message to send: the next try is no further away than this. */
const waitUrgent = seconds(5);
/** What the server gets to end the stream. */
export const farewellMax = seconds(1);
const iqMax = seconds(20);
const earlyMax = 10_000;

export type SessionOptions = { readonly server: Server; readonly account: Account };
export type SessionEdges = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly times: SessionTimes;
  readonly lookup?: LookUp;
};

export class Session {
  private readonly options: SessionOptions;
  private readonly edges: SessionEdges;
  private readonly events: SessionEvents;
  private library: Library | null = null;
  private stream: Stream | null = null;
  private memory: Memory | null = null;
  private isOnline = false;
  private closed = false;
  private readonly closing = new AbortController();
  private failures = 0;
  private lastTrouble: Trouble | null = null;
  private loggedTrouble = '';
  private alive = true;
  private waiters = new Set<() => void>();
  /** What came in between the server's word and ours that the stream is there: nothing could be answered yet. */
  private early: Element[] = [];
  private readonly iqs = new Map<string, (answer: Element | null) => void>();
  private iqCount = 0;
  private endWatch: Cancel = () => undefined;
  /** The next try, while none is under way. */
  private next: { readonly cancel: Cancel; readonly at: Instant; readonly canHurry: boolean } | null = null;

  constructor(options: SessionOptions, edges: SessionEdges, events: SessionEvents) {
    this.options = options;
    this.edges = edges;
    this.events = events;
  }

  /** Begins in the background. */
  start(): void {
    this.connect().catch((error: unknown) => this.lost({ kind: 'server', why: `could not begin: ${error}` }));
  }

  get online(): boolean {
    return this.isOnline;
  }

  /** Why there is no connection, as far as is known. */
  get trouble(): string {
    return this.lastTrouble?.why ?? `no connection to the server of ${this.options.server.domain} yet`;
  }

  /** With a resource, once online. */
  get jid(): string {
    return this.stream?.jid ?? '';
  }

  /** The library's maker of stanzas. Only once online. */
  get xml(): Xml {
    if (this.library === null) throw new Error('there is no stanza before the first connection');
    return this.library.xml;
  }

  /** @returns false where `signal` came first. */
  async whenOnline(signal: AbortSignal): Promise<boolean> {
    if (!this.isOnline) this.hurry();
    while (!this.isOnline && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.waiters.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.waiters.add(wake);
        signal.addEventListener('abort', wake);
      });
    }
    return this.isOnline && !signal.aborted;
  }

  /** @returns whether it is on its way. */
  async send(stanza: Element): Promise<boolean> {
    return this.isOnline && this.stream !== null && (await this.stream.send(stanza));
  }

  /** Asks the server to acknowledge what was sent so far. */
  async confirm(): Promise<void> {
    await this.stream?.confirm();
  }

  /** @returns the answer, which may be an error; null where none came. */
  async request(to: string | undefined, type: 'get' | 'set', child: Element): Promise<Element | null> {
    if (!this.isOnline) return null;
    this.iqCount += 1;
    const id = `mauve-iq-${this.iqCount}`;
    const answer = new Promise<Element | null>((resolve) => {
      const late = this.edges.clock.after(iqMax, () => this.iqs.get(id)?.(null));
      this.iqs.set(id, (found) => {
        late();
        this.iqs.delete(id);
        resolve(found);
      });
    });
    if (!(await this.send(this.xml('iq', { type, id, ...(to === undefined ? {} : { to }) }, child)))) {
      this.iqs.get(id)?.(null);
    }
    return await answer;
  }

  /** The server let a message wait too long: whether the connection still holds is found out with a new one. */
  suspect(why: string): void {
    this.stream?.end({ kind: 'network', why });
  }

  /** Says goodbye, which takes at most `farewellMax`. */
  async close(last: (xml: Xml) => Element): Promise<void> {
    this.closed = true;
    this.closing.abort();
    this.next?.cancel();
    this.endWatch();
    const { stream } = this;
    if (stream === null) return;
    if (!this.isOnline) return stream.end({ kind: 'server', why: 'the station is ending' });
    await stream.send(last(this.xml));
    this.isOnline = false;
    await new Promise<void>((resolve) => {
      const late = this.edges.clock.after(farewellMax, resolve);
      void stream.close().then(() => {
        late();
        resolve();
      });
    });
    stream.end({ kind: 'server', why: 'the station is ending' });
  }

  // -------------------------------------------------------------- connecting

  private async connect(): Promise<void> {
    this.next = null;
    this.library ??= await import('@xmpp/client');
    if (this.closed) return;
    const { clock, lookup } = this.edges;
    const { library } = this;
    const connected = await connectTo(this.options.server, {
      clock,
      xml: library.xml,
      signal: this.closing.signal,
      ...(lookup === undefined ? {} : { lookup }),
    });
    if (!connected.ok) return this.lost(connected.trouble);
    if (this.closed) return connected.tube.destroy();
    this.logIn(library, connected);
  }

  private logIn(library: Library, connected: ConstructorParameters<typeof Stream>[1]): void {
    const { clock, times } = this.edges;
    const late = clock.after(times.login, () =>
      stream.end({ kind: 'network', why: `${connected.place} did not finish the login in time` }),
    );
    const stream: Stream = new Stream(library, connected, this.options.account, this.memory, {
      stanza: (stanza) => this.took(stanza),
      acknowledged: (stanza) => this.events.acknowledged(stanza),
      alive: () => {
        this.alive = true;
      },
      ended: (trouble) => {
        late();
        this.memory = stream.memory() ?? this.memory;
        this.lost(trouble);
      },
    });
    this.stream = stream;
    void stream.ready.then((how) => {
      late();
      if (this.stream === stream && !this.closed) this.nowOnline(how);
    });
    void stream.begin();
  }

  private nowOnline(how: 'new' | 'resumed'): void {
    this.isOnline = true;
    this.failures = 0;
    this.lastTrouble = null;
    this.loggedTrouble = '';
    // Whatever the old session left is settled now; what this one leaves, its own end tells.
    this.memory = null;
    this.edges.log.info({ jid: this.jid, how }, 'connected to XMPP');
    this.watch();
    this.events.online(how);
    for (const stanza of this.early.splice(0)) this.handle(stanza);
    for (const wake of [...this.waiters]) wake();
  }

  /** Asks a server that has fallen silent, and gives it up where it does not answer. */
  private watch(): void {
    this.endWatch();
    this.alive = true;
    let asked = false;
    const look = (): void => {
      if (!this.alive && asked) {
        this.suspect('the server has fallen silent');
        return;
      }
      asked = !this.alive;
      if (asked) void this.confirm();
      this.alive = false;
      this.endWatch = this.edges.clock.after(this.edges.times.quiet, look);
    };
    this.endWatch = this.edges.clock.after(this.edges.times.quiet, look);
  }

  private took(stanza: Element): void {
    const { name, attrs } = stanza;
    if (name === 'iq' && (attrs.type === 'result' || attrs.type === 'error')) {
      this.iqs.get(attrs.id ?? '')?.(stanza);
      return;
    }
    if (this.isOnline) this.handle(stanza);
    else if (this.early.length < earlyMax) this.early.push(stanza);
  }

  private handle(stanza: Element): void {
    try {
      this.events.stanza(stanza);
    } catch (error) {
      // One stanza that nobody reckoned with costs itself, not the connection.
      this.edges.log.error({ error, stanza: stanza.name }, 'a stanza could not be handled');
    }
  }

  private lost(trouble: Trouble): void {
    this.isOnline = false;
    this.stream = null;
    this.endWatch();
    for (const answer of [...this.iqs.values()]) answer(null);
    if (this.closed) return;
    this.lastTrouble = trouble;
    if (trouble.why !== this.loggedTrouble)
      this.edges.log.warn({ why: trouble.why }, 'no connection to XMPP');
    this.loggedTrouble = trouble.why;
    this.failures += 1;
    const { waitLeast, waitMost, waitLogin } = this.edges.times;
    const grown = Math.min(waitMost, waitLeast * 2 ** Math.min(this.failures - 1, growthsMax));
    const wait = trouble.kind === 'login' ? waitLogin : trouble.kind === 'taken' ? waitMost : grown;
    const canHurry = trouble.kind !== 'login' && trouble.kind !== 'taken';
    this.tryIn(milliseconds(wait * (1 - jitter / 2 + Math.random() * jitter)), canHurry);
  }

  private tryIn(wait: Duration, canHurry: boolean): void {
    const { clock } = this.edges;
    this.next?.cancel();
    this.next = { cancel: clock.after(wait, () => this.start()), at: plus(clock.now(), wait), canHurry };
  }

  /** Somebody has something to send. */
  private hurry(): void {
    const { clock, times } = this.edges;
    const soon = milliseconds(Math.min(waitUrgent, times.waitLeast * 5));
    if (this.next?.canHurry === true && this.next.at > plus(clock.now(), soon)) this.tryIn(soon, true);
  }
}

/** Of a wait: it is half of this longer or shorter, so that stations do not all come back at once. */
const jitter = 0.5;
/** After so many the wait has grown as far as it will. */
const growthsMax = 10;

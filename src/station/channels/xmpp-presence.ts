/**
 * Who is online: keeps the presence of people with that of each of their
 * clients, asks those to be seen whom that matters for, and lets see only those
 * whom the station was asked to write to.
 */
import type { Element, Xml } from '@xmpp/client';
import type { Clock, Duration } from '../../time.ts';
import { bareJid, resourceOf } from '../core/xmpp-address.ts';

export type PresenceLine = {
  readonly xml: Xml;
  readonly online: boolean;
  send(stanza: Element): Promise<boolean>;
  request(to: string | undefined, type: 'get' | 'set', child: Element): Promise<Element | null>;
};

export type Seen =
  | 'online'
  | 'offline'
  /** They have not let the station see whether they are online. */
  | 'hidden';

const roster = 'jabber:iq:roster';
/** Accounts whose presence is kept, and clients of one account. */
const accountsMax = 10_000;
const clientsMax = 50;

export class Presences {
  private readonly line: PresenceLine;
  private readonly clock: Clock;
  /** What presence gets to come in after a new session, or after a request to be shown it. */
  private readonly grace: Duration;
  /** The priority of each client, by account. */
  private readonly clients = new Map<string, Map<string, number>>();
  /** Whom the roster says that we may see. */
  private readonly seen = new Set<string>();
  private readonly asked = new Set<string>();
  /** Whom we write to, and so may see us. */
  private readonly known = new Set<string>();
  private readonly requests = new Set<string>();
  private readonly watchers = new Set<() => void>();
  private rosterRead: Promise<void> = Promise.resolve();
  private settling = false;
  private sessions = 0;

  constructor(line: PresenceLine, clock: Clock, grace: Duration) {
    this.line = line;
    this.clock = clock;
    this.grace = grace;
  }

  /** A new session: says that we are here, and learns anew who is. */
  begin(): void {
    const { xml } = this.line;
    this.clients.clear();
    this.asked.clear();
    this.requests.clear();
    this.sessions += 1;
    const session = this.sessions;
    this.settling = true;
    this.rosterRead = this.line
      .request(undefined, 'get', xml('query', { xmlns: roster }))
      .then((answer) => this.took(answer?.getChild('query', roster)));
    void this.line.send(xml('presence', {}, xml('status', {}, 'alerts')));
    this.clock.after(this.grace, () => {
      if (session === this.sessions) this.settling = false;
    });
  }

  /** The station writes to this account, so it may be seen by it. */
  mayBeSeenBy(jid: string): void {
    if (this.known.size < accountsMax) this.known.add(jid);
    if (this.requests.delete(jid)) this.approve(jid);
  }

  /** Whether somebody can be reached now; waits for no longer than twice `grace`, and not beyond `signal`. */
  async look(jid: string, signal: AbortSignal): Promise<Seen> {
    if (this.isOnline(jid)) return 'online';
    await this.waitFor(this.rosterRead, signal);
    let waiting = this.settling;
    if (!this.seen.has(jid) && !this.asked.has(jid)) {
      this.asked.add(jid);
      waiting = await this.line.send(this.line.xml('presence', { to: jid, type: 'subscribe' }));
    }
    const news = new AbortController();
    if (waiting) {
      const look = (): void => {
        if (this.isOnline(jid)) news.abort();
      };
      this.watchers.add(look);
      await this.waitFor(aborted(news.signal), signal);
      this.watchers.delete(look);
    }
    if (this.isOnline(jid)) return 'online';
    return this.seen.has(jid) ? 'offline' : 'hidden';
  }

  private async waitFor(what: Promise<void>, signal: AbortSignal): Promise<void> {
    const late = new AbortController();
    const cancel = this.clock.after(this.grace, () => late.abort());
    await Promise.race([what, aborted(AbortSignal.any([signal, late.signal]))]);
    cancel();
  }

  /** A client of negative priority takes no messages that are for the account. */
  isOnline(jid: string): boolean {
    return [...(this.clients.get(jid)?.values() ?? [])].some((priority) => priority >= 0);
  }

  presence(stanza: Element): void {
    const { from = '', type } = stanza.attrs;
    const jid = bareJid(from);
    if (type === 'subscribe') {
      if (this.known.has(jid)) this.approve(jid);
      else if (this.requests.size < accountsMax) this.requests.add(jid);
    } else if (type === undefined) this.here(jid, resourceOf(from), stanza);
    else if (type === 'unavailable' || type === 'error') {
      const clients = this.clients.get(jid);
      if (resourceOf(from) === '') clients?.clear();
      else clients?.delete(resourceOf(from));
      if (clients?.size === 0) this.clients.delete(jid);
    }
    this.changed();
  }

  private here(jid: string, resource: string, stanza: Element): void {
    const clients = this.clients.get(jid) ?? new Map<string, number>();
    const priority = Number(stanza.getChildText('priority') ?? '0');
    if (clients.size < clientsMax) clients.set(resource, Number.isInteger(priority) ? priority : 0);
    if (this.clients.size < accountsMax) this.clients.set(jid, clients);
  }

  private approve(jid: string): void {
    void this.line.send(this.line.xml('presence', { to: jid, type: 'subscribed' }));
  }

  /** The roster, or a change of it: only our own server may say that. */
  push(stanza: Element, own: string): void {
    const { from } = stanza.attrs;
    if (from === undefined || from.toLowerCase() === own) this.took(stanza.getChild('query', roster));
    this.changed();
  }

  private took(query: Element | undefined): void {
    for (const { attrs } of query?.getChildren('item') ?? []) {
      const jid = bareJid(attrs.jid ?? '');
      if (attrs.subscription !== 'to' && attrs.subscription !== 'both') this.seen.delete(jid);
      else if (this.seen.size < accountsMax) this.seen.add(jid);
    }
  }

  private changed(): void {
    for (const look of [...this.watchers]) look();
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

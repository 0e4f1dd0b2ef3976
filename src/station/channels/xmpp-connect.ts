/**
 * From the address of a server to a socket on which XMPP can begin: looks up
 * SRV records, connects, and encrypts, with TLS from the first byte or by
 * STARTTLS.
 *
 * @xmpp/client could do all of that, but takes no CA of one's own, checks the
 * certificate of `xmpps://` against the host instead of the domain, says of a
 * failed connection only that it failed, decodes each packet of a character's
 * bytes by itself, and lets its own mistakes over broken XML end the process.
 * So it is given a socket that is ready, and never sees an unencrypted one
 * where TLS is required.
 */
import { resolveSrv } from 'node:dns/promises';
import { EventEmitter } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { type ConnectionOptions, checkServerIdentity, connect as connectTls } from 'node:tls';
import type { Element, Tube, Xml } from '@xmpp/client';
import { type Clock, seconds } from '../../time.ts';
import { orderSrv, type SrvRecord } from '../../wire/destination.ts';
import { formatAddress } from '../address.ts';
import { networkTrouble, streamTrouble, type Trouble } from './xmpp-trouble.ts';

/** required: TLS and a certificate that holds; off: none. */
export const xmppTls = ['required', 'off'] as const;
export type XmppTls = (typeof xmppTls)[number];

export type Place = { readonly host: string; readonly port: number; readonly directTls: boolean };

export type Server = {
  /** Of the station's own address. */
  readonly domain: string;
  /** Where its server is; null: where DNS says. */
  readonly service: Place | null;
  readonly tls: XmppTls;
  /** Certificates (PEM) to trust instead of the well-known ones. */
  readonly ca: string | null;
};

export type Connected =
  | { readonly ok: true; readonly tube: ReadyTube; readonly place: string }
  | { readonly ok: false; readonly trouble: Trouble };

export const usualPort = 5222;
/** Of one address among several. */
export const attemptMax = seconds(10);
const placesMax = 8;
/** In characters: what a server may send without a stanza coming to an end. */
const stanzaMax = 4 * 1024 * 1024;
const streams = 'http://etherx.jabber.org/streams';
const startTls = 'urn:ietf:params:xml:ns:xmpp-tls';

/** As `resolveSrv` of node:dns. */
export type LookUp = (name: string) => Promise<readonly SrvRecord[]>;

export type ConnectEdges = {
  readonly clock: Clock;
  readonly xml: Xml;
  /** Ends the attempt under way. */
  readonly signal: AbortSignal;
  readonly lookup?: LookUp;
};

/** Tries all places at which the server may be. Never rejects. */
export async function connectTo(server: Server, edges: ConnectEdges): Promise<Connected> {
  const places = await placesOf(server, edges.lookup ?? resolveSrv);
  let trouble: Trouble = { kind: 'network', why: `DNS says that ${server.domain} has no XMPP server` };
  for (const place of places) {
    if (edges.signal.aborted) break;
    const tried = await attempt(server, place, edges);
    if (tried.ok) return tried;
    trouble = tried.trouble;
  }
  return { ok: false, trouble };
}

/** RFC 6120, 3.2, and XEP-0368. Exported for tests. */
export async function placesOf(server: Server, lookup: LookUp): Promise<readonly Place[]> {
  if (server.service !== null) return [server.service];
  const itself: Place = { host: server.domain, port: usualPort, directTls: false };
  if (isIP(server.domain) !== 0) return [itself];
  const kinds = server.tls === 'off' ? [false] : [true, false];
  const direct = new Set<SrvRecord>();
  const found = await Promise.all(
    kinds.map(async (directTls) => {
      const name = `_xmpp${directTls ? 's' : ''}-client._tcp.${server.domain}`;
      // Where DNS is down, the hosts file may still know the domain.
      const records: readonly SrvRecord[] = await lookup(name).catch(() => []);
      if (directTls) for (const record of records) direct.add(record);
      return records;
    }),
  );
  if (found.flat().length === 0) return [itself];
  return orderSrv(found.flat(), Math.random)
    .slice(0, placesMax)
    .map((record) => ({ host: record.name, port: record.port, directTls: direct.has(record) }));
}

async function attempt(server: Server, place: Place, edges: ConnectEdges): Promise<Connected> {
  const name = formatAddress(place);
  const underWay = new Set<Socket>();
  const end = (code: string): void => {
    for (const socket of underWay) socket.destroy(Object.assign(new Error('given up'), { code }));
  };
  const inTime = edges.clock.after(attemptMax, () => end('ETIMEDOUT'));
  const aborted = (): void => end('ETIMEDOUT');
  edges.signal.addEventListener('abort', aborted);
  try {
    const { host, port } = place;
    const plain = connectTcp({ host, port, autoSelectFamily: true, keepAlive: true, noDelay: true });
    underWay.add(plain);
    await happens(plain, 'connect');
    if (server.tls === 'off') return { ok: true, place: name, tube: new ReadyTube(plain, false) };
    if (!place.directTls) {
      const refused = await askForTls(plain, server, name, edges.xml);
      if (refused !== null) {
        plain.destroy();
        return { ok: false, trouble: refused };
      }
    }
    const secure = connectTls(tlsOptions(plain, server, place));
    underWay.add(secure);
    await happens(secure, 'secureConnect');
    return { ok: true, place: name, tube: new ReadyTube(secure, true) };
  } catch (error) {
    end('ECONNRESET');
    return { ok: false, trouble: networkTrouble(name, namesOf(server), error) };
  } finally {
    inTime();
    edges.signal.removeEventListener('abort', aborted);
  }
}

/** RFC 6120, 13.7.2.1: the domain of the account, or the host if an administrator named that. */
const namesOf = ({ domain, service }: Server): readonly string[] =>
  service === null || service.host === domain ? [domain] : [domain, service.host];

function tlsOptions(socket: Socket, server: Server, { directTls }: Place): ConnectionOptions {
  return {
    socket,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(server.ca === null ? {} : { ca: server.ca }),
    ...(isIP(server.domain) === 0 ? { servername: server.domain } : {}),
    ...(directTls ? { ALPNProtocols: ['xmpp-client'] } : {}),
    checkServerIdentity: (_, certificate) => {
      const wrong = namesOf(server).map((name) => checkServerIdentity(name, certificate));
      return wrong.includes(undefined) ? undefined : wrong[0];
    },
  };
}

function happens(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null): void => {
      socket.off(event, good).off('close', closed).off('error', done);
      // What comes after belongs to whoever has the socket then, or to nobody.
      socket.on('error', () => undefined);
      if (error === null) resolve();
      else reject(error);
    };
    const good = (): void => done(null);
    const closed = (): void => done(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    socket.on(event, good).on('close', closed).on('error', done);
  });
}

/** @returns why there will be no TLS; null where it can begin. */
function askForTls(socket: Socket, server: Server, place: string, xml: Xml): Promise<Trouble | null> {
  return new Promise((resolve, reject) => {
    const parser = new xml.Parser();
    const read = (data: string): void => {
      try {
        parser.write(data);
      } catch (error) {
        lost(error instanceof Error ? error : new Error('this is no XML'));
      }
    };
    const decoder = new StringDecoder('utf8');
    const onData = (bytes: Buffer): void => read(decoder.write(bytes));
    const settle = (): void => {
      socket.off('data', onData).off('error', lost).off('close', closed).pause();
      parser.removeAllListeners().on('error', () => undefined);
    };
    const lost = (error: Error): void => {
      settle();
      reject(error);
    };
    const closed = (): void => lost(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    const answer = (trouble: Trouble | null): void => {
      settle();
      resolve(trouble);
    };
    parser.on('error', lost);
    parser.on('element', (element: Element) => {
      if (element.is('features', streams)) {
        if (element.getChild('starttls', startTls) === undefined) answer(noTls(place));
        else socket.write(`<starttls xmlns='${startTls}'/>`);
      } else if (element.is('proceed', startTls)) answer(null);
      else if (element.is('error', streams)) answer(refusal(place, server, element));
      else if (element.is('failure', startTls)) answer(noTls(place));
    });
    socket.on('data', onData).on('error', lost).on('close', closed);
    const to = xml('x', { to: server.domain }).toString().slice('<x '.length, -'/>'.length);
    socket.write(
      `<?xml version='1.0'?><stream:stream ${to} version='1.0' xmlns='jabber:client' xmlns:stream='${streams}'>`,
    );
  });
}

const noTls = (place: string): Trouble => ({
  kind: 'network',
  why: `${place} offers no TLS, and the station does not log in without`,
});

function refusal(place: string, { domain }: Server, element: Element): Trouble {
  const condition = element.getChildElements()[0]?.name ?? 'undefined-condition';
  return streamTrouble(place, domain, Object.assign(new Error(condition), { condition }), '');
}

/** A connected socket as @xmpp/client wants one. */
export class ReadyTube extends EventEmitter implements Tube {
  readonly secure: boolean;
  private readonly socket: Socket;
  private readonly decoder = new StringDecoder('utf8');
  private sinceStanza = 0;

  constructor(socket: Socket, secure: boolean) {
    super();
    this.secure = secure;
    this.socket = socket;
  }

  connect(): void {
    this.socket.on('data', (bytes) => this.take(this.decoder.write(bytes)));
    this.socket.on('error', (error) => this.emit('trouble', error));
    this.socket.on('close', () => this.emit('close', false));
    if (this.socket.destroyed) process.nextTick(() => this.emit('close', false));
    else process.nextTick(() => this.emit('connect'));
  }

  private take(text: string): void {
    this.sinceStanza += text.length;
    try {
      if (this.sinceStanza > stanzaMax) throw new Error('the server sent a stanza without an end');
      this.emit('data', text);
    } catch (error) {
      this.broken(error instanceof Error ? error : new Error('the server sent broken XML'));
    }
  }

  private broken(error: Error): void {
    this.emit('trouble', error);
    this.socket.destroy();
  }

  /** A stanza came to its end. */
  stanzaEnded(): void {
    this.sinceStanza = 0;
  }

  /**
   * Done as soon as the socket has it, not when the network has: the library counts what it sent from here, and must
   * have counted it before the answer comes. What is lost on the way, the end of the connection tells.
   */
  write(text: string, done: (error?: Error | null) => void): void {
    if (this.socket.destroyed || this.socket.writableEnded) {
      done(Object.assign(new Error('the connection is gone'), { code: 'EPIPE' }));
      return;
    }
    this.socket.write(text);
    done();
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

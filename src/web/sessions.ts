/**
 * Who is looking: sessions of people, in the store so that a restart logs
 * nobody out. A session is written when somebody logs in, out, and at most once
 * in `touchEvery` while in use. A visitor who has not logged in has none: the
 * station keeps nothing at all of strangers, so that they cannot fill anything.
 *
 * Only the hash of a session's id is stored: who reads the database cannot log in.
 */
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import session, { type SessionData, Store } from 'express-session';
import { LRUCache } from 'lru-cache';
import type { Logger } from '../log.ts';
import type { Accounts, Reads } from '../station/store/store.ts';
import { type Clock, days, type Instant, minutes, plus, since } from '../time.ts';
import type { Web } from './context.ts';
import { csrfTokenOf } from './csrf.ts';
import { sha256 } from './hash.ts';

declare module 'express-session' {
  interface SessionData {
    user?: string;
    /** When it began by a login link: for a while it may set a password without knowing the old one. */
    byLinkAt?: Instant;
  }
}

/** A session ends after so long without use. */
export const sessionLives = days(30);
const touchEvery = minutes(10);
/** Sessions of which it is remembered when they were last written: more are only written more often. */
const touchedMax = 10_000;

type Callback = (error?: unknown) => void;

/** Sessions that `logIn` has written: the end of the same answer need not do it again. */
const written = new WeakSet<object>();

class SessionStore extends Store {
  private readonly writes: Accounts;
  private readonly reads: Reads['accounts'];
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly touched = new LRUCache<string, Instant>({ max: touchedMax });

  constructor(web: Web) {
    super();
    this.writes = web.station.accounts;
    this.reads = web.reads.accounts;
    this.clock = web.clock;
    this.log = web.log;
  }

  override get(id: string, callback: (error: unknown, data?: SessionData | null) => void): void {
    this.reads.loadSession(sha256(id), this.clock.now()).then(
      (data) => callback(null, data === null ? null : readSession(data)),
      (error: unknown) => callback(error),
    );
  }

  override set(id: string, data: SessionData, callback?: Callback): void {
    settle(written.has(data) ? Promise.resolve() : this.keep(sha256(id), data), callback);
  }

  override touch(id: string, _data: SessionData, callback?: Callback): void {
    const extended = this.extend(sha256(id)).catch((error: unknown) => {
      // A store that cannot write must not spoil a page that only reads.
      this.log.warn({ error: String(error) }, 'a session could not be extended');
    });
    settle(extended, callback);
  }

  override destroy(id: string, callback?: Callback): void {
    settle(this.writes.removeSession(sha256(id)), callback);
  }

  private async keep(hash: string, data: SessionData): Promise<void> {
    const now = this.clock.now();
    if (data.user === undefined) return;
    this.touched.set(hash, now);
    await this.writes.saveSession(hash, data.user, JSON.stringify(data), plus(now, sessionLives));
  }

  /** Writes what is stored, not what the request holds: that may be older. */
  private async extend(hash: string): Promise<void> {
    const now = this.clock.now();
    const last = this.touched.get(hash);
    if (last !== undefined && since(last, now) < touchEvery) return;
    this.touched.set(hash, now);
    const stored = await this.reads.loadSession(hash, now);
    const user = stored === null ? undefined : readSession(stored)?.user;
    if (stored === null || user === undefined) return;
    await this.writes.saveSession(hash, user, stored, plus(now, sessionLives));
  }
}

function readSession(data: string): SessionData | null {
  try {
    return JSON.parse(data) as SessionData;
  } catch {
    return null;
  }
}

function settle(work: Promise<void>, callback: Callback | undefined): void {
  work.then(
    () => callback?.(),
    (error: unknown) => callback?.(error),
  );
}

/**
 * The name of the session's cookie. Browsers give a host's cookies to all its ports, so the port is part of the
 * name: two stations on one host would log each other out.
 */
export function cookieName({ baseUrl, port }: Web, secure: boolean): string {
  // The port that people type; 443 and 80 are none in an address.
  const typed = baseUrl?.port ?? '';
  if (secure) return typed === '' ? '__Host-mauve' : `__Host-mauve-${typed}`;
  return `mauve-${baseUrl === null ? port : typed || httpPort}`;
}

const httpPort = 80;

/**
 * Gives each request its session. Over https the cookie is Secure and bound to
 * this very host (`__Host-`); over plain http, as on loopback, it cannot be.
 */
export function sessions(web: Web): RequestHandler {
  const secureOutside = web.baseUrl?.protocol === 'https:';
  const handler = (secure: boolean): RequestHandler =>
    session({
      name: cookieName(web, secure),
      // The id alone is the secret: 192 random bits. A signature adds nothing, and a key that
      // changed with a restart would log everybody out.
      secret: 'mauve',
      // One each: express-session makes a store's new sessions by the handler that had it last.
      store: new SessionStore(web),
      resave: false,
      saveUninitialized: false,
      rolling: true,
      cookie: { httpOnly: true, sameSite: 'lax', secure, path: '/', maxAge: sessionLives },
    });
  const secured = handler(true);
  const plain = handler(false);
  return (request, response, next) => {
    // What people type decides, not the last hop behind a proxy.
    if (secureOutside) Object.defineProperty(request, 'secure', { value: true });
    (request.secure ? secured : plain)(request, response, next);
  };
}

/** Who is logged in, by this request. */
const viewers = new WeakMap<Request, string>();
export const viewerOf = (request: Request): string | null => viewers.get(request) ?? null;

/** Looks up whom the session names: somebody who was removed is nobody. */
export function viewer(web: Web): RequestHandler {
  return async (request: Request, _response: Response, next: NextFunction) => {
    const name = request.session?.user;
    if (name !== undefined && (await web.reads.accounts.findUser(name)) !== null) viewers.set(request, name);
    next();
  };
}

/**
 * Makes this browser that person's, under a new session id, so that one planted before is worthless. Resolves once it
 * is kept; where it cannot be, it rejects, and nobody is logged in.
 * @param byLinkAt when a login link brought them; null: a password did.
 */
export async function logIn(request: Request, user: string, byLinkAt: Instant | null): Promise<void> {
  try {
    await called((done) => request.session.regenerate(done));
    request.session.user = user;
    if (byLinkAt !== null) request.session.byLinkAt = byLinkAt;
    // Now, not with the first page: one write instead of two.
    csrfTokenOf(request);
    await called((done) => request.session.save(done));
    written.add(request.session);
  } catch (error) {
    // Otherwise the end of the answer would try again, and give the browser a cookie for nothing.
    Reflect.deleteProperty(request, 'session');
    throw error;
  }
  viewers.set(request, user);
}

export function logOut(request: Request): Promise<void> {
  viewers.delete(request);
  return called((done) => request.session.destroy(done));
}

function called(work: (done: Callback) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    work((error) => (error === undefined || error === null ? resolve() : reject(error)));
  });
}

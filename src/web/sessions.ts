/**
 * Who is looking: sessions of people, in the store so that a restart logs
 * nobody out. A session is written when somebody logs in, out, and at most once
 * in `touchEvery` while in use; a visitor who has not logged in costs no write
 * at all (a bounded place in memory holds the form's token).
 *
 * Only the hash of a session's id is stored: who reads the database cannot log in.
 */
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import session, { type SessionData, Store } from 'express-session';
import { LRUCache } from 'lru-cache';
import type { Accounts, Reads } from '../station/store/store.ts';
import { type Clock, days, type Instant, minutes, plus, since } from '../time.ts';
import type { Web } from './context.ts';
import { csrfTokenOf } from './csrf.ts';
import { sha256 } from './hash.ts';

declare module 'express-session' {
  interface SessionData {
    user?: string;
    /** Came by a login link: may set a password without knowing the old one. */
    byLink?: boolean;
  }
}

/** A session ends after so long without use. */
export const sessionLives = days(30);
const touchEvery = minutes(10);
/** Visitors with a login form open. */
const visitorsMax = 10_000;
const visitorLives = minutes(60);

type Callback = (error?: unknown) => void;

class SessionStore extends Store {
  private readonly writes: Accounts;
  private readonly reads: Reads['accounts'];
  private readonly clock: Clock;
  private readonly visitors = new LRUCache<string, { data: string; until: Instant }>({ max: visitorsMax });
  private readonly touched = new LRUCache<string, Instant>({ max: visitorsMax });

  constructor(writes: Accounts, reads: Reads['accounts'], clock: Clock) {
    super();
    this.writes = writes;
    this.reads = reads;
    this.clock = clock;
  }

  override get(id: string, callback: (error: unknown, data?: SessionData | null) => void): void {
    this.stored(sha256(id)).then(
      (data) => callback(null, data === null ? null : readSession(data)),
      (error: unknown) => callback(error),
    );
  }

  override set(id: string, data: SessionData, callback?: Callback): void {
    settle(this.keep(sha256(id), data), callback);
  }

  override touch(id: string, _data: SessionData, callback?: Callback): void {
    settle(this.extend(sha256(id)), callback);
  }

  override destroy(id: string, callback?: Callback): void {
    const hash = sha256(id);
    if (this.visitors.delete(hash)) settle(Promise.resolve(), callback);
    else settle(this.writes.removeSession(hash), callback);
  }

  private async stored(hash: string): Promise<string | null> {
    const visitor = this.visitors.get(hash);
    if (visitor !== undefined) return visitor.until > this.clock.now() ? visitor.data : null;
    return this.reads.loadSession(hash, this.clock.now());
  }

  private async keep(hash: string, data: SessionData): Promise<void> {
    const now = this.clock.now();
    if (data.user === undefined) {
      this.visitors.set(hash, { data: JSON.stringify(data), until: plus(now, visitorLives) });
      return;
    }
    this.touched.set(hash, now);
    await this.writes.saveSession(hash, data.user, JSON.stringify(data), plus(now, sessionLives));
  }

  /** Writes what is stored, not what the request holds: that may be older. */
  private async extend(hash: string): Promise<void> {
    const now = this.clock.now();
    if (this.visitors.has(hash)) return;
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
 * Gives each request its session. Over https the cookie is Secure and bound to
 * this very host (`__Host-`); over plain http, as on loopback, it cannot be.
 */
export function sessions(web: Web): RequestHandler {
  const secureOutside = web.baseUrl?.protocol === 'https:';
  const handler = (secure: boolean): RequestHandler =>
    session({
      name: secure ? '__Host-mauve' : 'mauve',
      // The id alone is the secret: 192 random bits. A signature adds nothing, and a key that
      // changed with a restart would log everybody out.
      secret: 'mauve',
      // One each: express-session makes a store's new sessions by the handler that had it last.
      store: new SessionStore(web.station.accounts, web.reads.accounts, web.clock),
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

/** Makes this browser that person's, under a new session id, so that one planted before is worthless. */
export function logIn(request: Request, user: string, byLink = false): Promise<void> {
  return new Promise((resolve, reject) => {
    request.session.regenerate((error: unknown) => {
      if (error !== undefined && error !== null) return reject(error);
      request.session.user = user;
      if (byLink) request.session.byLink = true;
      // Now, not with the first page: one write instead of two.
      csrfTokenOf(request);
      viewers.set(request, user);
      resolve();
    });
  });
}

export function logOut(request: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    viewers.delete(request);
    request.session.destroy((error: unknown) =>
      error === undefined || error === null ? resolve() : reject(error),
    );
  });
}

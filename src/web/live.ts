/**
 * Live pages: server-sent events that say which alerts changed, never what they
 * are: the page looks again by itself, so that there is one way of showing things.
 *
 * A commit's nudge carries no data. One reader reads the history after the last
 * sequence number it sent, once for all clients; the number is the event's id, so
 * a client that comes back says what it has seen. The beat lets a page know that
 * it is still connected, whether the station takes alerts, and what it should have
 * seen by now; it ends the stream of whoever has logged out.
 */
import { type Channel, createChannel, createEventBuffer, createSession, type Session } from 'better-sse';
import type { Request, Response } from 'express';
import type { AlertKey } from '../station/core/alert.ts';
import { type Cancel, type Instant, milliseconds, plus, seconds } from '../time.ts';
import type { Web } from './context.ts';
import { parameter } from './forms.ts';
import { healthOf, markOf } from './frame.ts';
import { sha256 } from './hash.ts';

export const beatEvery = seconds(15);
/** Commits that follow each other faster are told together. */
const tellEvery = milliseconds(200);
/** Entries told as a list of alerts; beyond it, a client is told to look at everything again. */
const entriesMax = 1000;
export const clientsMax = 500;
export const clientsPerUserMax = 20;
/** In bytes waiting for a client that does not read: it is cut off, and comes back. */
const backlogMax = 256 * 1024;

type Follower = { readonly user: string; readonly session: string; readonly response: Response };
type LiveSession = Session<Follower>;
/** What each page is told every `beatEvery`, and when it begins to follow. */
type Beat = {
  readonly now: Instant;
  readonly seq: number;
  readonly ready: boolean;
  /** The mark of the problems that a page should show. */
  readonly problems: string;
};
type News = { readonly alerts: readonly AlertKey[] | 'all' };

export interface Live {
  /** Answers a request for /events by whoever is logged in. */
  follow(request: Request, response: Response, user: string): Promise<void>;
  close(): void;
}

export async function openLive(web: Web): Promise<Live> {
  const live = new LiveNews(web, await web.reads.lastSeq());
  web.station.onCommit(() => live.nudge());
  return live;
}

class LiveNews implements Live {
  private readonly web: Web;
  private readonly channel: Channel<Record<string, unknown>, Follower> = createChannel();
  /** How many streams each user holds, and all together. */
  private readonly following = new Map<string, number>();
  private followers = 0;
  private seq: number;
  private lastTold = 0 as Instant;
  private reading = false;
  private again = false;
  private closed = false;
  private cancelTell: Cancel | null = null;
  private cancelBeat: Cancel;

  constructor(web: Web, seq: number) {
    this.web = web;
    this.seq = seq;
    this.cancelBeat = this.armBeat();
    const count = (): void => web.meters.liveClients.set(this.channel.sessionCount);
    this.channel.on('session-registered', count);
    this.channel.on('session-deregistered', count);
  }

  async follow(request: Request, response: Response, user: string): Promise<void> {
    if (request.method === 'HEAD') {
      response.type('text/event-stream').end();
      return;
    }
    if (response.closed) return;
    if (this.closed || !this.admit(response, user)) {
      response.status(503).set('Retry-After', '30').type('text');
      response.send('Too many pages follow live already: this one goes on without.\n');
      return;
    }
    const seen = request.get('last-event-id') ?? parameter(request, 'after') ?? '';
    const state: Follower = { user, session: sha256(request.sessionID), response };
    const session = await createSession<Follower>(request, response, { keepAlive: null, state });
    this.channel.register(session);
    if (/^\d{1,15}$/.test(seen)) await this.catchUp(session, Number(seen));
    this.beat(session, await this.beatNow());
  }

  /** Takes a place until the answer ends; counted at once, so that calls side by side do not slip past. */
  private admit(response: Response, user: string): boolean {
    const own = this.following.get(user) ?? 0;
    if (this.followers >= clientsMax || own >= clientsPerUserMax) return false;
    this.followers += 1;
    this.following.set(user, own + 1);
    response.once('close', () => {
      this.followers -= 1;
      const left = (this.following.get(user) ?? 1) - 1;
      if (left > 0) this.following.set(user, left);
      else this.following.delete(user);
    });
    return true;
  }

  /** A commit happened: tell now, or together with the next ones. */
  nudge(): void {
    if (this.closed || this.cancelTell !== null) return;
    if (this.reading) {
      this.again = true;
      return;
    }
    const now = this.web.clock.now();
    const due = plus(this.lastTold, tellEvery);
    if (due <= now || this.lastTold > now) void this.tell();
    else this.cancelTell = this.web.clock.wake(due, () => this.tell());
  }

  close(): void {
    this.closed = true;
    this.cancelBeat();
    this.cancelTell?.();
    for (const session of this.channel.activeSessions) session.state.response.end();
  }

  private async tell(): Promise<void> {
    this.cancelTell = null;
    this.reading = true;
    this.lastTold = this.web.clock.now();
    try {
      const { news, seq } = await this.newsAfter(this.seq);
      if (seq > this.seq) {
        this.seq = seq;
        for (const session of this.channel.activeSessions) this.push(session, news, seq);
      }
    } catch (error) {
      this.web.log.warn({ error: String(error) }, 'live pages could not be told of a change');
    }
    this.reading = false;
    if (this.again) {
      this.again = false;
      this.nudge();
    }
  }

  private async newsAfter(seq: number): Promise<{ news: News; seq: number }> {
    const entries = await this.web.reads.historyAfter(seq, entriesMax);
    const last = entries.at(-1);
    if (last === undefined) return { news: { alerts: [] }, seq };
    if (entries.length === entriesMax)
      return { news: { alerts: 'all' }, seq: await this.web.reads.lastSeq() };
    return { news: { alerts: [...new Set(entries.map(({ alert }) => alert))] }, seq: last.seq };
  }

  /** Tells a client what it missed, however long it was away. */
  private async catchUp(session: LiveSession, seen: number): Promise<void> {
    if (seen > this.seq) {
      // A number from the future is from another database.
      this.push(session, { alerts: 'all' }, this.seq);
      return;
    }
    const { news, seq } = await this.newsAfter(seen);
    if (seq > seen) this.push(session, news, seq);
  }

  private push(session: LiveSession, news: News, seq: number): void {
    if (this.drops(session)) return;
    session.push(news, 'change', String(seq));
  }

  private armBeat(): Cancel {
    return this.web.clock.wake(plus(this.web.clock.now(), beatEvery), () => {
      this.beatAll().catch((error: unknown) =>
        this.web.log.warn({ error: String(error) }, 'no beat for live pages'),
      );
      if (!this.closed) this.cancelBeat = this.armBeat();
    });
  }

  private async beatAll(): Promise<void> {
    const beat = await this.beatNow();
    for (const session of this.channel.activeSessions) {
      const { state } = session;
      const stored = await this.web.reads.accounts.loadSession(state.session, this.web.clock.now());
      if (stored === null) state.response.end();
      else this.beat(session, beat);
    }
  }

  private async beatNow(): Promise<Beat> {
    const health = await healthOf(this.web);
    return { now: this.web.clock.now(), seq: this.seq, ready: health.ready, problems: markOf(health) };
  }

  /** An event of its own, for a page cannot see comments; without an id, so that the last one seen stays. */
  private beat(session: LiveSession, beat: Beat): void {
    if (this.drops(session)) return;
    void session.batch(createEventBuffer().event('beat').data(beat).dispatch());
  }

  private drops(session: LiveSession): boolean {
    if (!session.isConnected) return true;
    if (session.state.response.writableLength <= backlogMax) return false;
    session.state.response.destroy();
    return true;
  }
}

/** Gathers what every page shows around itself. */
import type { Request, Response } from 'express';
import type { Health, PolicySummary } from '../station/door.ts';
import { hours, seconds } from '../time.ts';
import type { Web } from './context.ts';
import { csrfTokenOf } from './csrf.ts';
import { sha256 } from './hash.ts';
import { type Frame, framed, type Page } from './pages/layout.ts';
import { errorPage } from './pages/login.ts';
import type { Html, View } from './pages/words.ts';
import { viewerOf } from './sessions.ts';
import { within } from './wait.ts';

/** How long a page waits for the station's thread before it is shown without. */
export const stationWait = seconds(2);

/** The header by which the page's own script says that nobody clicked. */
export const liveHeader = 'x-mauve-live';

const silent: Health = { ready: false, problems: ['The station does not answer: what you see may be old.'] };
const noPolicy: PolicySummary = {
  people: [],
  acknowledgeFor: {},
  acknowledgeAtMost: hours(1),
  timezone: 'UTC',
  silences: [],
};

export const healthOf = (web: Web): Promise<Health> =>
  within(
    web.clock,
    stationWait,
    web.station.health().catch(() => silent),
    silent,
  );

const markLength = 12;
/** Tells one set of problems from another. */
export const markOf = (health: Health): string => sha256(JSON.stringify(health)).slice(0, markLength);

export const policyOf = (web: Web): Promise<PolicySummary> =>
  within(
    web.clock,
    stationWait,
    web.station.policy().catch(() => noPolicy),
    noPolicy,
  );

/** The frame of a page for whoever is logged in. Read before the page's own content, so that `seq` is not ahead of it. */
export async function frameOf(web: Web, request: Request): Promise<Frame> {
  const [seq, counts, health, policy] = await Promise.all([
    web.reads.lastSeq(),
    web.reads.counts(),
    healthOf(web),
    policyOf(web),
  ]);
  return {
    now: web.clock.now(),
    timezone: timezoneOf(policy, viewerOf(request)),
    user: viewerOf(request) ?? '',
    csrf: csrfTokenOf(request),
    raised: counts.raised,
    problems: health.problems,
    problemsMark: markOf(health),
    ready: health.ready,
    // The script's own look must not swallow what the person has yet to see.
    flash: request.get(liveHeader) === undefined ? web.flashes.take(request.sessionID) : null,
    seq,
    asset: web.assets.address,
  };
}

/** The zone of whoever reads, where the policy knows them; else its own. */
const timezoneOf = (policy: PolicySummary, viewer: string | null): string =>
  policy.people.find(({ id }) => id === viewer)?.timezone ?? policy.timezone;

/** From when and where whoever asks sees times. */
export async function viewOf(web: Web, request: Request): Promise<View> {
  const policy = await policyOf(web);
  return { now: web.clock.now(), timezone: timezoneOf(policy, viewerOf(request)) };
}

export async function sendPage(response: Response, frame: Frame, page: Page, status = 200): Promise<void> {
  await sendHtml(response, framed(frame, page), status);
}

export async function sendHtml(response: Response, page: Html, status = 200): Promise<void> {
  response.status(status).type('html').set('Cache-Control', 'no-store');
  response.send(String(await page));
}

/** An act that nobody can be sure of: never shown as if it were done. */
export function sendUnavailable(web: Web, response: Response, message: string, back: string): Promise<void> {
  const title = 'This was NOT recorded';
  response.set('Retry-After', '5');
  return sendHtml(response, errorPage(web.assets.address, title, message, back), 503);
}

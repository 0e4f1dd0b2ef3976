/**
 * The links of messages: an alert's page for whoever has the link, with one big
 * button. The token in the address is all that they need, so it stands in no
 * log, and no other site learns it.
 *
 * Looking never acknowledges: mail scanners follow links and run scripts. Only
 * the form does, and once is as good as twice.
 */
import { type Request, type RequestHandler, type Response, Router } from 'express';
import { type Alert, type PersonId, raisedAt } from '../station/core/alert.ts';
import type { Pace } from '../station/core/pace.ts';
import type { LinkRead, Outcome, PolicySummary } from '../station/door.ts';
import { type Duration, days, hours, minutes } from '../time.ts';
import { performOne } from './acts.ts';
import type { Web } from './context.ts';
import { field, formBody } from './forms.ts';
import { policyOf, sendHtml, stationWait } from './frame.ts';
import { type Length, parseLength } from './length.ts';
import { openPace, retryAfter } from './pace.ts';
import { linkPage, linkProblemPage } from './pages/link.ts';
import { within } from './wait.ts';

/** Of one network. Nobody guesses a token; whoever tries for long is not even read. */
export const badLinksPace: Pace = { count: 120, per: minutes(1) };
/** Shorter than any token of ours is, or longer. */
const tokenShape = /^[\w-]{24,64}$/;
/** What an acknowledgement lasts in a group that the policy no longer has. */
const acknowledgeForDefault = hours(1);
/** Besides what the group says. */
const lengthsOffered: readonly Duration[] = [minutes(30), hours(1), hours(2), hours(4), hours(8), days(1)];

/** A link that still works. */
type Link = { readonly token: string; readonly alert: Alert; readonly person: PersonId };

export function linkRoutes(web: Web): Router {
  const router = Router();
  const bad = openPace(web.clock, badLinksPace);
  const open =
    (use: (request: Request, response: Response, link: Link) => Promise<void>): RequestHandler =>
    async (request, response) => {
      const address = request.ip ?? '';
      const wait = bad.wait(address);
      if (wait !== null) {
        response.set('Retry-After', retryAfter(wait));
        return sendProblem(web, response, 'too-many', null);
      }
      const token = String(request.params.token);
      const read = await readLink(web, token);
      if (read === null) return sendProblem(web, response, 'no-answer', null);
      if (!read.ok) {
        if (read.why === 'bad') bad.take(address);
        return sendProblem(web, response, read.why, read.why === 'bad' ? null : read.alert);
      }
      const alert = await web.reads.alert(read.alert);
      if (alert === null) return sendProblem(web, response, 'no-alert', null);
      await use(request, response, { token, alert, person: read.person });
    };
  router
    .route('/a/:token')
    .all(secretAddress)
    .get(open((_request, response, link) => show(web, response, link, null)))
    .post(
      formBody,
      open((request, response, link) => acknowledge(web, request, response, link)),
    )
    .all((_request, response) => {
      response
        .status(405)
        .set('Allow', 'GET, HEAD, POST')
        .type('text')
        .send('GET and POST are for this address.\n');
    });
  return router;
}

const secretAddress: RequestHandler = (_request, response, next) => {
  response.set({
    'Referrer-Policy': 'no-referrer',
    'X-Robots-Tag': 'noindex, nofollow',
    'Cache-Control': 'no-store',
  });
  next();
};

/** Null: the station did not answer. */
async function readLink(web: Web, token: string): Promise<LinkRead | null> {
  if (!tokenShape.test(token)) return { ok: false, why: 'bad' };
  const read = web.station.readLink(token).catch((error: unknown) => {
    web.log.error({ error: String(error) }, 'a link could not be read');
    return null;
  });
  return await within(web.clock, stationWait, read, null);
}

/** Why there is nothing to acknowledge. */
export type LinkProblem =
  | 'bad'
  | 'expired'
  | 'no-such-person'
  | 'no-alert'
  | 'too-many'
  | 'no-answer'
  | 'not-recorded';

const statuses: Readonly<Record<LinkProblem, number>> = {
  bad: 404,
  expired: 410,
  'no-such-person': 403,
  'no-alert': 404,
  'too-many': 429,
  'no-answer': 503,
  'not-recorded': 503,
};

function sendProblem(
  web: Web,
  response: Response,
  problem: LinkProblem,
  alert: number | null,
): Promise<void> {
  return sendHtml(response, linkProblemPage(web.assets.address, problem, { alert }), statuses[problem]);
}

async function show(web: Web, response: Response, link: Link, problem: string | null): Promise<void> {
  const { alert, token, person } = link;
  const [policy, codes] = await Promise.all([policyOf(web), web.reads.codes([alert.key])]);
  const who = policy.people.find(({ id }) => id === person);
  const usual = usualFor(policy, alert);
  const most = policy.acknowledgeAtMost;
  const page = linkPage(web.assets.address, {
    alert,
    code: codes.get(alert.key) ?? null,
    person: who?.name ?? person,
    by: byWords(alert, person, policy),
    view: { now: web.clock.now(), timezone: who?.timezone ?? policy.timezone },
    address: `/a/${token}`,
    usual,
    others: lengthsOffered.filter((length) => length !== usual && length <= most),
    problem,
  });
  await sendHtml(response, page, problem === null ? 200 : 400);
}

function byWords({ phase }: Alert, reader: PersonId, policy: PolicySummary): string {
  if (phase.kind !== 'acknowledged') return '';
  if (phase.by === reader) return 'you';
  return policy.people.find(({ id }) => id === phase.by)?.name ?? phase.by;
}

const usualFor = (policy: PolicySummary, { group }: Alert): Duration =>
  (group === null ? undefined : policy.acknowledgeFor[group]) ?? acknowledgeForDefault;

async function acknowledge(web: Web, request: Request, response: Response, link: Link): Promise<void> {
  const length = readFor(field(request, 'for'));
  if (length === 'bad') return show(web, response, link, 'How long? Choose one of the lengths offered.');
  const { alert, token, person } = link;
  // Acknowledged already: a second tap, or somebody else's, moves nothing.
  if (alert.phase.kind === 'raised') {
    const outcome = await once(web, link, () =>
      performOne(web, { kind: 'acknowledge', alert: alert.key, by: person, for: null, ...length, note: '' }),
    );
    if (!outcome.ok && outcome.why === 'store-unavailable') {
      const back = { alert: alert.key, again: `/a/${token}` };
      response.set('Retry-After', '5');
      return sendHtml(response, linkProblemPage(web.assets.address, 'not-recorded', back), 503);
    }
  }
  response.redirect(303, `/a/${token}`);
}

/** Two taps at the same moment are one, for as long as the alert is raised this time. */
const once = (web: Web, { token, alert }: Link, work: () => Promise<Outcome>): Promise<Outcome> =>
  web.once.run(`link ${token} ${alert.episode} ${raisedAt(alert)}`, work);

const readFor = (text: string): Length | null | 'bad' => (text === '' ? null : (parseLength(text) ?? 'bad'));

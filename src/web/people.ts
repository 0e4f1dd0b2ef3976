/** Logging in and out, the login link, one's own account, one's own messages. */
import { type Request, type Response, Router } from 'express';
import type { AlertKey, PersonId } from '../station/core/alert.ts';
import { hashPassword, passwordProblem, verifyPassword } from '../station/password.ts';
import type { MessageId } from '../station/store/store.ts';
import { formatDuration, seconds } from '../time.ts';
import type { Web } from './context.ts';
import { csrfProtection, csrfTokenOf, isCsrfError } from './csrf.ts';
import { field, formBody, parameter, readKey, safeNext } from './forms.ts';
import { frameOf, policyOf, sendHtml, sendPage } from './frame.ts';
import { sha256 } from './hash.ts';
import { accountPage } from './pages/account.ts';
import { inboxPage } from './pages/inbox.ts';
import { loginPage, usedLinkPage } from './pages/login.ts';
import { logIn, logOut, viewerOf } from './sessions.ts';
import { hashesAtOnceMax, openThrottle, type Throttle } from './throttle.ts';

const messagesShown = 50;
/** In characters: longer is no name, and no key for the throttle's memory either. */
const nameMax = 256;

/** What is open to strangers: the login form and the login link. */
export function loginRoutes(web: Web): Router {
  const router = Router();
  const throttle = openThrottle(web.clock);
  const hashing = { now: 0 };
  router.get('/login', async (request, response) => {
    const next = safeNext(parameter(request, 'next'));
    if (viewerOf(request) !== null) return response.redirect(303, next);
    await showLogin(web, request, response, { next, name: '', problem: null, status: 200 });
  });
  router.post('/login', formBody, (request, response, done) => {
    csrfProtection(request, response, (error: unknown) => {
      attempt(web, throttle, hashing, request, response, error).catch(done);
    });
  });
  router.head('/welcome/:token', (_request, response) => {
    // What only looks ahead must not use the link up.
    response.status(200).end();
  });
  router.get('/welcome/:token', (request, response) => welcome(web, request, response));
  return router;
}

type Shown = { next: string; name: string; problem: string | null; status: number };

function showLogin(web: Web, request: Request, response: Response, shown: Shown): Promise<void> {
  const form = { asset: web.assets.address, csrf: csrfTokenOf(request), ...shown };
  return sendHtml(response, loginPage(form), shown.status);
}

async function attempt(
  web: Web,
  throttle: Throttle,
  hashing: { now: number },
  request: Request,
  response: Response,
  csrfError: unknown,
): Promise<void> {
  if (csrfError !== undefined && !isCsrfError(csrfError)) throw csrfError;
  const name = field(request, 'name').trim().slice(0, nameMax);
  const next = safeNext(field(request, 'next'));
  const again = (status: number, problem: string): Promise<void> =>
    showLogin(web, request, response, { next, name, problem, status });
  if (csrfError !== undefined) return again(403, 'The form was too old. Please try again.');
  const address = request.ip ?? '';
  const wait = throttle.wait(name, address);
  if (wait !== null) {
    web.meters.loginFailures.inc({ why: 'slowed' });
    const whole = seconds(Math.ceil(wait / 1000));
    response.set('Retry-After', String(whole / 1000));
    return again(429, `Too many failed logins. Try again in ${formatDuration(whole)}.`);
  }
  if (hashing.now >= hashesAtOnceMax) {
    web.meters.loginFailures.inc({ why: 'busy' });
    return again(503, 'Too many people log in at once. Please try again in a moment.');
  }
  // Counted before it is judged, so that attempts side by side do not slip past.
  throttle.failed(name, address);
  hashing.now += 1;
  const user = await web.reads.accounts.findUser(name);
  const right = await verifyPassword(field(request, 'password'), user?.passwordHash ?? null).finally(() => {
    hashing.now -= 1;
  });
  if (user === null || !right) {
    web.meters.loginFailures.inc({ why: 'wrong' });
    web.log.warn({ user: name, address }, 'a login failed');
    return again(401, 'That name and password do not go together.');
  }
  throttle.succeeded(name, address);
  await logIn(request, user.name);
  response.redirect(303, next);
}

async function welcome(web: Web, request: Request, response: Response): Promise<void> {
  response.set('Referrer-Policy', 'no-referrer');
  const user = await web.station.accounts.useLoginLink(sha256(String(request.params.token)), web.clock.now());
  if (user === null) {
    if (viewerOf(request) !== null) return response.redirect(303, '/');
    web.meters.loginFailures.inc({ why: 'link' });
    return sendHtml(response, usedLinkPage(web.assets.address), 410);
  }
  await logIn(request, user, true);
  const known = await web.reads.accounts.findUser(user);
  if (known?.passwordHash === null) {
    const text = `Welcome, ${user}. Set a password on your own page (${user}, above): this link worked only once.`;
    web.flashes.put(request.sessionID, { kind: 'done', text });
  }
  response.redirect(303, '/');
}

/** What only those who are logged in see of themselves. */
export function accountRoutes(web: Web): Router {
  const router = Router();
  router.post('/logout', formBody, async (request, response) => {
    await logOut(request);
    response.redirect(303, '/login');
  });
  router.get('/account', (request, response) => showAccount(web, request, response, null));
  router.post('/account/password', formBody, (request, response) => changePassword(web, request, response));
  router.get('/inbox', (request, response) => showInbox(web, request, response));
  return router;
}

async function showAccount(
  web: Web,
  request: Request,
  response: Response,
  problem: string | null,
): Promise<void> {
  const frame = await frameOf(web, request);
  const [user, policy] = await Promise.all([web.reads.accounts.findUser(frame.user), policyOf(web)]);
  const hasPassword = user?.passwordHash != null;
  const person = policy.people.find(({ id }) => id === frame.user)?.name ?? null;
  const mayChooseFreely = !hasPassword || request.session.byLink === true;
  const view = { hasPassword, person, problem, mayChooseFreely };
  await sendPage(response, frame, accountPage(frame, view), problem === null ? 200 : 400);
}

async function changePassword(web: Web, request: Request, response: Response): Promise<void> {
  const name = viewerOf(request) ?? '';
  const user = await web.reads.accounts.findUser(name);
  const refuse = (problem: string): Promise<void> => showAccount(web, request, response, problem);
  const chosen = field(request, 'new');
  if (chosen !== field(request, 'again')) return refuse('The two new passwords are not the same.');
  const problem = passwordProblem(chosen);
  if (problem !== null) return refuse(problem);
  const known = user?.passwordHash ?? null;
  if (known !== null && request.session.byLink !== true) {
    if (!(await verifyPassword(field(request, 'old'), known)))
      return refuse('The present password is wrong.');
  }
  if (!(await web.station.accounts.setPassword(name, await hashPassword(chosen)))) {
    return refuse('Your account was removed meanwhile.');
  }
  // The change ended all sessions of this person, this one too.
  await logIn(request, name);
  web.flashes.put(request.sessionID, { kind: 'done', text: 'Your new password is set.' });
  response.redirect(303, '/account');
}

async function showInbox(web: Web, request: Request, response: Response): Promise<void> {
  const frame = await frameOf(web, request);
  const all = parameter(request, 'all') !== null;
  const before = readKey(parameter(request, 'before'));
  const found = await web.reads.inbox({
    person: all ? null : (frame.user as PersonId),
    limit: messagesShown + 1,
    before: before === null ? null : (Number(before) as MessageId),
  });
  const messages = found.slice(0, messagesShown);
  const keys = [...new Set(messages.map(({ alert }) => alert))];
  const alerts = await Promise.all(keys.map(async (key) => [key, await web.reads.alert(key)] as const));
  const known = new Map<AlertKey, NonNullable<(typeof alerts)[number][1]>>();
  for (const [key, alert] of alerts) if (alert !== null) known.set(key, alert);
  const last = found.length > messagesShown ? (messages.at(-1)?.id ?? null) : null;
  await sendPage(response, frame, inboxPage(frame, { all, messages, alerts: known, before: last }));
}

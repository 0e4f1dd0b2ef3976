/** Logging in and out, the login link, one's own account, one's own messages. */
import { type Request, type Response, Router } from 'express';
import type { AlertKey, PersonId } from '../station/core/alert.ts';
import { passwordProblem } from '../station/password.ts';
import type { MessageId } from '../station/store/store.ts';
import { type Instant, minutes, since } from '../time.ts';
import type { Web } from './context.ts';
import { field, formBody, parameter, readKey, safeNext } from './forms.ts';
import { frameOf, healthOf, policyOf, sendHtml, sendPage } from './frame.ts';
import { sha256 } from './hash.ts';
import { isOwnLoginForm, loginFormToken } from './login-form.ts';
import { accountPage } from './pages/account.ts';
import { inboxPage } from './pages/inbox.ts';
import { errorPage, loginPage, usedLinkPage } from './pages/login.ts';
import { busyWords, type Passwords, refusalOf } from './passwords.ts';
import { logIn, logOut, viewerOf } from './sessions.ts';

const messagesShown = 50;
/** In characters: longer is no name, and no key for the throttle's memory either. */
const nameMax = 256;
/** So long after a login link a new password asks for no old one: that is what the link is for. */
const freeChoiceLasts = minutes(15);

/** What is open to strangers: the login form and the login link. */
export function loginRoutes(web: Web, passwords: Passwords): Router {
  const router = Router();
  router.get('/login', async (request, response) => {
    const next = safeNext(parameter(request, 'next'));
    if (viewerOf(request) !== null) return response.redirect(303, next);
    await showLogin(web, request, response, { next, name: '', problem: null, status: 200 });
  });
  router.post('/login', formBody, (request, response) => attempt(web, passwords, request, response));
  router.head('/welcome/:token', (_request, response) => {
    // What only looks ahead must not use the link up.
    response.status(200).end();
  });
  router.get('/welcome/:token', (request, response) => welcome(web, request, response));
  return router;
}

type Shown = { next: string; name: string; problem: string | null; status: number };

async function showLogin(web: Web, request: Request, response: Response, shown: Shown): Promise<void> {
  const { problems } = await healthOf(web);
  const csrf = loginFormToken(web, request, response);
  await sendHtml(response, loginPage({ asset: web.assets.address, csrf, problems, ...shown }), shown.status);
}

async function attempt(web: Web, passwords: Passwords, request: Request, response: Response): Promise<void> {
  const name = field(request, 'name').trim().slice(0, nameMax);
  const next = safeNext(field(request, 'next'));
  const again = (status: number, problem: string): Promise<void> =>
    showLogin(web, request, response, { next, name, problem, status });
  if (!isOwnLoginForm(web, request)) return again(403, 'The form was too old. Please try again.');
  const judgement = await passwords.judge(name, request.ip ?? '', field(request, 'password'));
  if (judgement.kind !== 'right') {
    const { status, problem, retryAfter } = refusalOf(judgement);
    if (retryAfter !== null) response.set('Retry-After', retryAfter);
    return again(status, problem);
  }
  if (!(await tryLogIn(web, request, judgement.user.name, null))) {
    return again(503, `Your name and password are right, but ${cannotWrite}`);
  }
  response.redirect(303, next);
}

const cannotWrite =
  'the station cannot write at present, so nobody can be logged in. Is its disk full? Its log says more.';

/** False where the store could not keep the session: nobody is logged in then. */
async function tryLogIn(
  web: Web,
  request: Request,
  user: string,
  byLinkAt: Instant | null,
): Promise<boolean> {
  try {
    await logIn(request, user, byLinkAt);
    return true;
  } catch (error) {
    web.log.error({ user, error: String(error) }, 'a login could not be kept');
    return false;
  }
}

async function welcome(web: Web, request: Request, response: Response): Promise<void> {
  response.set('Referrer-Policy', 'no-referrer');
  const now = web.clock.now();
  const hash = sha256(String(request.params.token));
  const user = await web.station.accounts.useLoginLink(hash, now).catch((error: unknown) => {
    web.log.error({ error: String(error) }, 'a login link could not be used');
    return 'store-unavailable' as const;
  });
  if (user === null) {
    if (viewerOf(request) !== null) return response.redirect(303, '/');
    web.meters.loginFailures.inc({ why: 'link' });
    return sendHtml(response, usedLinkPage(web.assets.address), 410);
  }
  if (user === 'store-unavailable' || !(await tryLogIn(web, request, user, now))) {
    const text = `The link could not be used: ${cannotWrite}`;
    return sendHtml(response, errorPage(web.assets.address, 'Nobody was logged in', text, '/'), 503);
  }
  const known = await web.reads.accounts.findUser(user);
  if (known?.passwordHash === null) {
    const text = `Welcome, ${user}. Set a password on your own page (${user}, above): this link worked only once.`;
    web.flashes.put(request.sessionID, { kind: 'done', text });
  }
  response.redirect(303, '/');
}

/** What only those who are logged in see of themselves. */
export function accountRoutes(web: Web, passwords: Passwords): Router {
  const router = Router();
  router.post('/logout', formBody, async (request, response) => {
    await logOut(request);
    response.redirect(303, '/login');
  });
  router.get('/account', (request, response) => showAccount(web, request, response, null));
  router.post('/account/password', formBody, (request, response) =>
    changePassword(web, passwords, request, response),
  );
  router.get('/inbox', (request, response) => showInbox(web, request, response));
  return router;
}

type Refusal = { readonly status: number; readonly problem: string };

async function showAccount(
  web: Web,
  request: Request,
  response: Response,
  refused: Refusal | null,
): Promise<void> {
  const frame = await frameOf(web, request);
  const [user, policy] = await Promise.all([web.reads.accounts.findUser(frame.user), policyOf(web)]);
  const hasPassword = user?.passwordHash != null;
  const person = policy.people.find(({ id }) => id === frame.user)?.name ?? null;
  const mayChooseFreely = !hasPassword || cameByLink(web, request);
  const view = { hasPassword, person, problem: refused?.problem ?? null, mayChooseFreely };
  await sendPage(response, frame, accountPage(frame, view), refused?.status ?? 200);
}

/** Whether a login link brought them a short while ago. */
function cameByLink(web: Web, request: Request): boolean {
  const { byLinkAt } = request.session;
  return byLinkAt !== undefined && since(byLinkAt, web.clock.now()) < freeChoiceLasts;
}

async function changePassword(
  web: Web,
  passwords: Passwords,
  request: Request,
  response: Response,
): Promise<void> {
  const name = viewerOf(request) ?? '';
  const refuse = (problem: string, status = 400): Promise<void> =>
    showAccount(web, request, response, { problem, status });
  const chosen = field(request, 'new');
  if (chosen !== field(request, 'again')) return refuse('The two new passwords are not the same.');
  const problem = passwordProblem(chosen);
  if (problem !== null) return refuse(problem);
  const user = await web.reads.accounts.findUser(name);
  if (user !== null && user.passwordHash !== null && !cameByLink(web, request)) {
    const judgement = await passwords.judge(name, request.ip ?? '', field(request, 'old'));
    if (judgement.kind === 'wrong') return refuse('The present password is wrong.');
    if (judgement.kind !== 'right') {
      const refused = refusalOf(judgement);
      if (refused.retryAfter !== null) response.set('Retry-After', refused.retryAfter);
      return refuse(refused.problem, refused.status);
    }
  }
  const hash = await passwords.hash(chosen);
  if (hash === null) return refuse(busyWords, 503);
  const set = await web.station.accounts.setPassword(name, hash).catch((error: unknown) => {
    web.log.error({ user: name, error: String(error) }, 'a password could not be set');
    return 'store-unavailable' as const;
  });
  if (set === 'store-unavailable') {
    return refuse('The station cannot write at present: the password could not be changed.', 503);
  }
  if (!set) return refuse('Your account was removed meanwhile.');
  // The change ended all sessions of this person, this one too.
  if (!(await tryLogIn(web, request, name, null))) return response.redirect(303, '/login?next=/account');
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

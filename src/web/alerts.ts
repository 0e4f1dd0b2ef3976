/** The pages of alerts, and the forms on them. Everything here works without a script. */
import { type Request, type Response, Router } from 'express';
import { type Alert, type AlertKey, raisedAt, type State, states } from '../station/core/alert.ts';
import type { Act, Outcome } from '../station/door.ts';
import type { AlertPage, StoredSilence } from '../station/store/store.ts';
import { type Duration, days, hours, milliseconds, since } from '../time.ts';
import { perform, performOne } from './acts.ts';
import type { Web } from './context.ts';
import type { Typed } from './flash.ts';
import { forecastLengthMax, forecastOf } from './forecast.ts';
import { field, fields, formBody, lengthOf, parameter, readKey } from './forms.ts';
import { frameOf, policyOf, sendHtml, sendPage, sendUnavailable, viewOf } from './frame.ts';
import { fieldsOf, howLong, type Length, lengthWords, readLength } from './length.ts';
import { noteMax } from './pages/acknowledge-fields.ts';
import type { AheadView, Tried } from './pages/ahead.ts';
import { alertPage } from './pages/alert.ts';
import { addressOf, listPage } from './pages/list.ts';
import { errorPage } from './pages/login.ts';
import { clockTime, levelOf, plural, roughly, type View } from './pages/words.ts';
import { viewerOf } from './sessions.ts';
import { findSilence } from './silences.ts';

const pageSize = 100;
const historyShown = 500;
const messagesShown = 100;
/** Alerts acknowledged by one click: a page of them, and some to spare. */
const selectedMax = 1000;
/** What an acknowledgement lasts in a group that the policy no longer has. */
const acknowledgeForDefault = hours(1);
/** So far ahead a page says what will happen. */
const aheadShown = hours(24);
/** In which a few working hours pass, whatever the day. */
const countedShown = days(7);

export function alertRoutes(web: Web): Router {
  const router = Router();
  router.get('/', (request, response) => showList(web, request, response));
  router.post('/acknowledge', formBody, (request, response) => acknowledgeSelected(web, request, response));
  router.get('/alerts/:key', (request, response) => showAlert(web, request, response));
  const act = (name: string, read: ReadAct): void => {
    router.post(`/alerts/:key/${name}`, formBody, (request, response) => actOn(web, request, response, read));
  };
  act('acknowledge', (request, alert, by) => {
    const length = lengthOf(request);
    if (length === 'bad') return howLong;
    return { kind: 'acknowledge', alert, by, for: null, ...length, note: field(request, 'note').trim() };
  });
  act('unacknowledge', (_request, alert, by) => ({ kind: 'unacknowledge', alert, by }));
  act('clear', (_request, alert, by) => ({ kind: 'clear', alert, by }));
  act('note', (request, alert, by) => {
    const text = field(request, 'text').trim();
    return text === '' ? 'An empty note says nothing.' : { kind: 'note', alert, by, text };
  });
  return router;
}

// ---------------------------------------------------------------- the list

async function showList(web: Web, request: Request, response: Response): Promise<void> {
  const state = states.find((each) => each === (parameter(request, 'state') ?? 'raised'));
  const frame = await frameOf(web, request);
  const found = state === undefined ? null : await listFrom(web, state, parameter(request, 'cursor'));
  if (state === undefined || found === null) {
    const text = 'That address names no list of alerts.';
    await sendHtml(response, errorPage(web.assets.address, 'No such page', text, '/'), 404);
    return;
  }
  const { page, cursor } = found;
  const first = cursor === null;
  // Where all fit on one page they are sorted further than paging could.
  const all = first && page.next === null && state !== 'cleared';
  const alerts = all ? page.alerts.toSorted(byUrgency) : page.alerts;
  const [counts, codes] = await Promise.all([
    web.reads.counts(),
    web.reads.codes(alerts.map(({ key }) => key)),
  ]);
  const { next } = page;
  await sendPage(response, frame, listPage(frame, { state, alerts, counts, codes, next, first, cursor }));
}

type Found = { readonly page: AlertPage; readonly cursor: string | null };

/** A page of a list; the first where nothing is left below the cursor, as after acknowledging all of the last. */
async function listFrom(web: Web, state: State, cursor: string | null): Promise<Found | null> {
  const query = { state, limit: pageSize, cursor };
  const page = await (state === 'cleared' ? web.reads.alerts(query) : web.reads.urgentFirst(query));
  if (page === null) return null;
  return page.alerts.length === 0 && cursor !== null ? listFrom(web, state, null) : { page, cursor };
}

const levelRank = { urgent: 0, normal: 1, low: 2 } as const;

/** By level, then the latest raised first. */
function byUrgency(a: Alert, b: Alert): number {
  const level = levelRank[levelOf(a)] - levelRank[levelOf(b)];
  return level !== 0 ? level : (raisedAt(b) ?? 0) - (raisedAt(a) ?? 0) || b.key - a.key;
}

async function acknowledgeSelected(web: Web, request: Request, response: Response): Promise<void> {
  const by = viewerOf(request) ?? '';
  const state = states.find((each) => each === field(request, 'back')) ?? 'raised';
  const cursor = field(request, 'cursor');
  const back = addressOf(state, cursor === '' ? null : cursor);
  const keys = fields(request, 'alert').map(readKey);
  const problem = selectionProblem(request, keys);
  const length = lengthOf(request);
  if (problem !== null || length === 'bad') {
    const text = problem ?? howLong;
    web.flashes.put(request.sessionID, { kind: 'refused', text, typed: typedIn(request) });
    response.redirect(303, back);
    return;
  }
  const note = field(request, 'note').trim();
  const acts = keys
    .filter((key) => key !== null)
    .map((alert): Act => ({ kind: 'acknowledge', alert, by, for: null, ...length, note }));
  const outcomes = await perform(web, acts);
  const lost = outcomes.find((outcome) => !outcome.ok && outcome.why === 'store-unavailable');
  if (lost !== undefined && !lost.ok) return sendUnavailable(web, response, lost.message, back);
  web.flashes.put(request.sessionID, summaryOf(outcomes, await viewOf(web, request)));
  response.redirect(303, back);
}

function selectionProblem(request: Request, keys: readonly (AlertKey | null)[]): string | null {
  if (keys.length === 0) return 'Nothing was selected: tick the alerts first.';
  if (keys.includes(null)) return 'The selection could not be read: please try again.';
  if (keys.length > selectedMax) return `At most ${selectedMax} alerts at once, please.`;
  return noteProblem(field(request, 'note'));
}

function summaryOf(outcomes: readonly Outcome[], view: View): { kind: 'done' | 'refused'; text: string } {
  const done = outcomes.filter((outcome) => outcome.ok);
  const refused = outcomes.length - done.length;
  const until = done.map(({ alert }) =>
    alert?.phase.kind === 'acknowledged' ? clockTime(alert.phase.until, view) : '',
  );
  const same = new Set(until).size === 1 ? ` until ${until[0]}` : '';
  const first = `Acknowledged ${plural(done.length, 'alert')}${same}.`;
  if (refused === 0) return { kind: 'done', text: first };
  const rest = `${plural(refused, 'alert was', 'alerts were')} not acknowledged: cleared meanwhile, or gone.`;
  return { kind: 'refused', text: `${done.length === 0 ? '' : `${first} `}${rest}` };
}

// ---------------------------------------------------------------- one alert

async function showAlert(web: Web, request: Request, response: Response): Promise<void> {
  const key = readKey(request.params.key);
  const frame = await frameOf(web, request);
  const alert = key === null ? null : await web.reads.alert(key);
  if (key === null || alert === null) return sendNoAlert(web, response);
  const policy = await policyOf(web);
  const usual: Duration =
    (alert.group === null ? undefined : policy.acknowledgeFor[alert.group]) ?? acknowledgeForDefault;
  const wanted = wantedOf(request, { for: usual });
  const [codes, history, messages, silence, ahead] = await Promise.all([
    web.reads.codes([key]),
    web.reads.history(key, historyShown),
    web.reads.messagesOf(key, messagesShown),
    mutingSilence(web, alert),
    aheadOf(web, alert, frame.user, wanted),
  ]);
  const acknowledgeFor = wanted.length ?? { for: usual };
  const once = web.once.word();
  const code = codes.get(key) ?? null;
  const view = { alert, code, history, messages, acknowledgeFor, silence, ahead, once };
  await sendPage(response, frame, alertPage(frame, view));
}

/** What the address says to try out: `?count=2&unit=h`; what is usual where it says nothing. */
function wantedOf(request: Request, usual: Length): Omit<Tried, 'forecast'> {
  const count = parameter(request, 'count') ?? '';
  const unit = parameter(request, 'unit') ?? '';
  const length = readLength(count, unit) ?? usual;
  if (length === 'bad') return { length: null, count, unit };
  const fields = fieldsOf(length);
  return { length, count: String(fields.count), unit: fields.unit };
}

/** What happens next, and what would if the reader acknowledged it. */
async function aheadOf(
  web: Web,
  alert: Alert,
  by: string,
  wanted: Omit<Tried, 'forecast'>,
): Promise<AheadView> {
  const { length } = wanted;
  const trying = alert.phase.kind !== 'cleared';
  const [forecast, ifAcknowledged] = await Promise.all([
    forecastOf(web, alert.key, aheadShown, null),
    length === null || !trying ? null : forecastOf(web, alert.key, triedShown(length), { ...length, by }),
  ]);
  return { forecast, tried: trying ? { ...wanted, forecast: ifAcknowledged } : null };
}

/** A day beyond its end, so that it is seen what comes then. */
function triedShown(length: Length): Duration {
  const most = length.hours === undefined ? length.for : countedShown;
  return most < forecastLengthMax - aheadShown ? milliseconds(most + aheadShown) : forecastLengthMax;
}

/** The silence that a person made, where that is why nobody is told of the alert. */
async function mutingSilence(web: Web, { muted }: Alert): Promise<StoredSilence | null> {
  if (muted?.kind !== 'silenced') return null;
  const found = await findSilence(web, Number(muted.by));
  // The policy's have names, and a name may be a number.
  return found?.reason === muted.why ? found : null;
}

/** Reads a form; a text is what is wrong with it, for the person. */
type ReadAct = (request: Request, alert: AlertKey, by: string) => Act | string;

async function actOn(web: Web, request: Request, response: Response, read: ReadAct): Promise<void> {
  const key = readKey(request.params.key);
  if (key === null) return sendNoAlert(web, response);
  const back = `/alerts/${key}`;
  const act =
    noteProblem(field(request, 'note')) ??
    noteProblem(field(request, 'text')) ??
    read(request, key, viewerOf(request) ?? '');
  if (typeof act === 'string') {
    web.flashes.put(request.sessionID, { kind: 'refused', text: act, typed: typedIn(request) });
    response.redirect(303, back);
    return;
  }
  const outcome = await performOne(web, act);
  if (outcome.ok) {
    const text = doneWords(act, outcome.alert, await viewOf(web, request));
    web.flashes.put(request.sessionID, { kind: 'done', text });
  } else if (outcome.why === 'no-such-alert') return sendNoAlert(web, response);
  else if (outcome.why === 'store-unavailable') return sendUnavailable(web, response, outcome.message, back);
  else {
    const { message: text } = outcome;
    web.flashes.put(request.sessionID, { kind: 'refused', text, typed: typedIn(request) });
  }
  response.redirect(303, back);
}

const typedIn = (request: Request): Typed => ({
  count: field(request, 'count'),
  unit: field(request, 'unit'),
  note: field(request, 'note'),
  text: field(request, 'text'),
  alerts: new Set(fields(request, 'alert')),
});

/** What is wrong with a note; null when nothing is. */
export function noteProblem(note: string): string | null {
  return note.length <= noteMax ? null : `A note has at most ${noteMax} characters.`;
}

function doneWords(act: Act, alert: Alert | null, view: View): string {
  switch (act.kind) {
    case 'acknowledge': {
      if (alert?.phase.kind !== 'acknowledged') return 'Acknowledged.';
      const { until } = alert.phase;
      // From the moment it was recorded: now is a little later, and "for 59m" is not what was asked for.
      const lasts = since(alert.phase.since, until);
      const { for: asked, hours: counted } = act;
      const shortened = asked !== null && lasts < asked ? ', as long as the policy allows' : '';
      const words = asked === null || counted === undefined ? null : { for: asked, hours: counted };
      const length = words === null ? roughly(lasts) : lengthWords(words);
      return `Acknowledged until ${clockTime(until, view)} (for ${length}${shortened}).`;
    }
    case 'unacknowledge':
      return 'Taken back: it is raised again.';
    case 'clear':
      return 'Cleared by hand.';
    case 'note':
      return 'Note added.';
    default:
      return 'Done.';
  }
}

function sendNoAlert(web: Web, response: Response): Promise<void> {
  const text = 'There is no alert at this address. Cleared alerts are dropped after their time to keep.';
  return sendHtml(response, errorPage(web.assets.address, 'No such alert', text, '/'), 404);
}

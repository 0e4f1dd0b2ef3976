/** The page of silences, and the forms that make and end them. All of it works without a script. */
import { type Request, type Response, Router } from 'express';
import type { AlertKey } from '../station/core/alert.ts';
import { silenceReasonMax } from '../station/door.ts';
import type { SilenceId, StoredSilence } from '../station/store/store.ts';
import { type Duration, milliseconds, since } from '../time.ts';
import { performOne } from './acts.ts';
import type { Web } from './context.ts';
import type { TypedSilence } from './flash.ts';
import { forecastOf } from './forecast.ts';
import { field, fields, formBody, lengthOf, readKey } from './forms.ts';
import { frameOf, policyOf, sendHtml, sendPage, sendUnavailable, viewOf } from './frame.ts';
import { howLong } from './length.ts';
import { errorPage } from './pages/login.ts';
import { silenceFormId } from './pages/silence-form.ts';
import { inForce, silencesPage } from './pages/silences.ts';
import { clockTime, roughly, type View } from './pages/words.ts';
import { viewerOf } from './sessions.ts';
import { matchOf, type SilenceField, silenceFields, silenceInput, silenceTextMax } from './silence-match.ts';

/** Those in force come first, and there are never so many of them. */
export const silencesRead = 1000;
const endedShown = 50;
/** Ours are shorter; what else comes is kept in memory for a while, and is no more than this. */
const onceWordMax = 64;

export function silenceRoutes(web: Web): Router {
  const router = Router();
  router.get('/silences', (request, response) => show(web, request, response));
  router.post('/silences', formBody, (request, response) => make(web, request, response));
  router.post('/silences/:id/end', formBody, (request, response) => end(web, request, response));
  return router;
}

/** One that a person made; null where there is none of that id, or it ended long ago. */
export async function findSilence(web: Web, id: number): Promise<StoredSilence | null> {
  const all = await web.reads.silences(web.clock.now(), silencesRead);
  return all.find((silence) => silence.id === id) ?? null;
}

/** What is wrong with a reason; null when nothing is. */
export function reasonProblem(reason: string): string | null {
  if (reason.trim() === '') return 'Why? Whoever wonders at the quiet should find a reason.';
  return reason.length <= silenceReasonMax ? null : `A reason has at most ${silenceReasonMax} characters.`;
}

async function show(web: Web, request: Request, response: Response): Promise<void> {
  const frame = await frameOf(web, request);
  const [all, policy] = await Promise.all([web.reads.silences(frame.now, silencesRead), policyOf(web)]);
  const present = all.filter((silence) => inForce(silence, frame.now));
  const silences = all.slice(0, present.length + endedShown);
  await sendPage(
    response,
    frame,
    silencesPage(frame, { silences, recurring: policy.silences, timezone: policy.timezone }),
  );
}

// ---------------------------------------------------------------- making one

async function make(web: Web, request: Request, response: Response): Promise<void> {
  const key = readKey(field(request, 'alert'));
  const back = backOf(key);
  const by = viewerOf(request) ?? '';
  const read = await readForm(web, request, key);
  if (typeof read === 'string') return refuse(web, request, response, read, back);
  const { match, length, reason } = read;
  const word = field(request, 'once').slice(0, onceWordMax);
  const work = () => performOne(web, { kind: 'silence', by, match, for: length, reason });
  const outcome = await (word === '' ? work() : web.once.run(`${request.sessionID} ${word}`, work));
  if (!outcome.ok) {
    if (outcome.why === 'store-unavailable') return sendUnavailable(web, response, outcome.message, back);
    return refuse(web, request, response, outcome.message, back);
  }
  const made = outcome.silence === undefined ? null : await findSilence(web, outcome.silence);
  const words = made === null ? 'Silenced.' : madeWords(made, length, await viewOf(web, request));
  const text = `${words}${await missedWords(web, key)}`;
  web.flashes.put(request.sessionID, { kind: 'done', text });
  response.redirect(303, back);
}

type Wanted = {
  readonly match: object;
  readonly length: Duration;
  readonly reason: string;
};

/** @returns a text where something is wrong, for the person. */
async function readForm(web: Web, request: Request, key: AlertKey | null): Promise<Wanted | string> {
  const ticked = silenceFields.filter((each) => fields(request, 'match').includes(each));
  if (ticked.length === 0) return 'Which alerts? Tick at least one of source, subject and id.';
  for (const each of ticked) {
    const text = field(request, silenceInput(each));
    if (text.trim() === '') return `Which ${each}? Write one, or untick it.`;
    if (text.length > silenceTextMax) return `The ${each} has at most ${silenceTextMax} characters.`;
  }
  const length = lengthOf(request);
  if (length === null || length === 'bad' || length.hours !== undefined) return howLong;
  const reason = field(request, 'reason').trim();
  const problem = reasonProblem(reason);
  if (problem !== null) return problem;
  const alert = key === null ? null : await web.reads.alert(key);
  const texts = Object.fromEntries(ticked.map((each) => [each, field(request, silenceInput(each))]));
  return { match: matchOf(texts, alert), length: length.for, reason };
}

function refuse(web: Web, request: Request, response: Response, text: string, back: string): void {
  const texts = Object.fromEntries(silenceFields.map((each) => [each, field(request, silenceInput(each))]));
  const silence: TypedSilence = {
    texts: texts as Record<SilenceField, string>,
    ticked: new Set(fields(request, 'match')),
    count: field(request, 'count'),
    unit: field(request, 'unit'),
    reason: field(request, 'reason'),
  };
  web.flashes.put(request.sessionID, { kind: 'refused', text, silence });
  // The form is far down its page: whoever sent it looks at it again, not at the top.
  response.redirect(303, `${back}#${silenceFormId}`);
}

function madeWords(made: StoredSilence, asked: Duration, view: View): string {
  const lasts = since(made.from, made.until);
  const shortened = lasts < asked ? ', as long as the policy allows' : '';
  return `Silenced until ${clockTime(made.until, view)} (for ${roughly(lasts)}${shortened}): nobody is told of alerts that match.`;
}

/** Nobody should go back to sleep because of a slip in what was changed: it may not match the alert it was made for. */
async function missedWords(web: Web, key: AlertKey | null): Promise<string> {
  const alert = key === null ? null : await web.reads.alert(key);
  if (alert?.phase.kind !== 'raised') return '';
  const ahead = await forecastOf(web, alert.key, milliseconds(1), null);
  const muted = ahead === null || ahead.entries.some(({ kind }) => kind === 'muted');
  return muted ? '' : ' But this alert does not match: people are told of it as before.';
}

// ---------------------------------------------------------------- ending one

async function end(web: Web, request: Request, response: Response): Promise<void> {
  const id = readKey(request.params.id);
  const back = backOf(readKey(field(request, 'alert')));
  if (id === null) return sendNoSilence(web, response);
  const silence = Number(id) as SilenceId;
  const outcome = await performOne(web, { kind: 'end-silence', by: viewerOf(request) ?? '', silence });
  if (!outcome.ok) {
    if (outcome.why === 'no-such-silence') return sendNoSilence(web, response);
    if (outcome.why === 'store-unavailable') return sendUnavailable(web, response, outcome.message, back);
  }
  // Ended already, by a second tap or by somebody else: it is as it was wanted.
  const text = outcome.ok ? 'The silence is ended: people are told of what still stands.' : outcome.message;
  const kind = outcome.ok || outcome.why === 'silence-ended' ? 'done' : 'refused';
  web.flashes.put(request.sessionID, { kind, text });
  response.redirect(303, back);
}

/** To the page of the alert on which the form was, else to that of all silences. */
const backOf = (key: AlertKey | null): string => (key === null ? '/silences' : `/alerts/${key}`);

function sendNoSilence(web: Web, response: Response): Promise<void> {
  const text = 'There is no silence at this address. Those that ended are dropped after their time to keep.';
  return sendHtml(response, errorPage(web.assets.address, 'No such silence', text, '/silences'), 404);
}

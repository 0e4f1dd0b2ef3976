/** Silences, for scripts: those there are, a new one, the end of one. */
import { type Request, type Response, Router } from 'express';
import type { SilenceId } from '../station/store/store.ts';
import { performOne } from './acts.ts';
import {
  actorOf,
  bodyOf,
  bodyRead,
  notAllowed,
  parametersOnly,
  readFor,
  refuse,
  refuseOutcome,
  unknownField,
} from './api-parts.ts';
import { silenceJson } from './api-shapes.ts';
import type { Web } from './context.ts';
import { readKey } from './forms.ts';
import { policyOf } from './frame.ts';
import { findSilence, reasonProblem, silencesRead } from './silences.ts';

/** Lists and objects within each other, in a match: more than the policy's language allows. */
const deepMax = 50;

/** Deep enough, it would be more than those can take who read it in earnest. */
function isDeep(value: unknown, most: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return most === 0 || Object.values(value).some((each) => isDeep(each, most - 1));
}

/** Each may take a millisecond on the worst of texts, and every decision on every alert tries all of them. */
const patternsMax = 10;

function patternsIn(value: unknown): number {
  if (typeof value === 'string') return /^\/.+\/[a-z]*$/s.test(value) ? 1 : 0;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, each) => sum + patternsIn(each), 0);
}

export function silencesApi(web: Web): Router {
  const router = Router();
  router
    .route('/silences')
    .get(parametersOnly(), (_request, response) => list(web, response))
    .post(...bodyRead, (request, response) => make(web, request, response))
    .all(notAllowed('GET', 'POST'));
  router
    .route('/silences/:id/end')
    .post(...bodyRead, (request, response) => end(web, request, response))
    .all(notAllowed('POST'));
  return router;
}

async function list(web: Web, response: Response): Promise<void> {
  const now = web.clock.now();
  const [silences, policy] = await Promise.all([web.reads.silences(now, silencesRead), policyOf(web)]);
  response.json({
    silences: silences.map((silence) => silenceJson(silence, now)),
    recurring: policy.silences.map(({ name, when, reason }) => ({ name, when, reason })),
  });
}

async function make(web: Web, request: Request, response: Response): Promise<void> {
  const body = bodyOf(request, response);
  if (body === null) return;
  const { match, reason } = body;
  const length = readFor(body.for);
  const problem =
    unknownField(body, 'match', 'for', 'reason') ??
    (typeof match === 'object' && match !== null && !Array.isArray(match)
      ? null
      : '"match" says which alerts, as in the policy: {"source": "db1", "id": "disk"}.') ??
    (length === null || length === 'bad' || length.hours !== undefined
      ? '"for" is a length of time, like "2h", "90m" or "1d".'
      : null) ??
    (typeof reason === 'string' ? reasonProblem(reason) : '"reason" is a text.');
  if (problem !== null || length === null || length === 'bad') {
    return refuse(response, 400, 'bad-body', problem ?? '');
  }
  if (isDeep(match, deepMax)) return refuse(response, 400, 'bad-match', '"match" is nested too deeply.');
  if (patternsIn(match) > patternsMax) {
    return refuse(
      response,
      400,
      'bad-match',
      `"match" has at most ${patternsMax} patterns: "*" does for most.`,
    );
  }
  const by = actorOf(request);
  const asked = { kind: 'silence', by, match, for: length.for, reason: String(reason).trim() } as const;
  const outcome = await performOne(web, asked);
  if (!outcome.ok) return refuseOutcome(response, outcome);
  response.status(201);
  await send(web, response, outcome.silence ?? null);
}

async function end(web: Web, request: Request, response: Response): Promise<void> {
  const id = readKey(request.params.id);
  if (id === null) return noSuchSilence(response);
  const body = bodyOf(request, response);
  if (body === null) return;
  if (Object.keys(body).length > 0) return refuse(response, 400, 'bad-body', 'This takes no fields.');
  const silence = Number(id) as SilenceId;
  const outcome = await performOne(web, { kind: 'end-silence', by: actorOf(request), silence });
  if (!outcome.ok) return refuseOutcome(response, outcome);
  await send(web, response, silence);
}

/** As it is afterwards, committed. */
async function send(web: Web, response: Response, id: SilenceId | null): Promise<void> {
  const silence = id === null ? null : await findSilence(web, id);
  if (silence === null) return noSuchSilence(response);
  response.json(silenceJson(silence, web.clock.now()));
}

const noSuchSilence = (response: Response): void =>
  refuse(
    response,
    404,
    'no-such-silence',
    'There is no silence of this id: ids are those of GET /api/v1/silences.',
  );

/** Messages, for scripts: what became of one, and a test of whether they arrive at all. */
import { type Request, type Response, Router } from 'express';
import type { PersonId } from '../station/core/alert.ts';
import type { InboxMessage, MessageId } from '../station/store/store.ts';
import { performOne } from './acts.ts';
import {
  actorOf,
  bodyOf,
  bodyRead,
  notAllowed,
  parametersOnly,
  refuse,
  refuseOutcome,
  unknownField,
} from './api-parts.ts';
import { messageJson } from './api-shapes.ts';
import type { Web } from './context.ts';
import { readKey } from './forms.ts';

/** In characters: longer is no name of a person or a channel. */
const nameMax = 64;

export function messagesApi(web: Web): Router {
  const router = Router();
  router
    .route('/messages/test')
    .post(...bodyRead, (request, response) => test(web, request, response))
    .all(notAllowed('POST'));
  router
    .route('/messages/:id')
    .get(parametersOnly(), (request, response) => one(web, request, response))
    .all(notAllowed('GET'));
  return router;
}

async function test(web: Web, request: Request, response: Response): Promise<void> {
  const body = bodyOf(request, response);
  if (body === null) return;
  const { person, channel } = body;
  const problem =
    unknownField(body, 'person', 'channel') ??
    (isName(person) ? null : '"person" is the name of somebody in the policy.') ??
    (isName(channel) ? null : '"channel" is the name of a channel, like "sms".');
  if (problem !== null || !isName(person) || !isName(channel)) {
    return refuse(response, 400, 'bad-body', problem ?? '');
  }
  const asked = { kind: 'test-message', by: actorOf(request), person: person as PersonId, channel } as const;
  const outcome = await performOne(web, asked);
  if (!outcome.ok) return refuseOutcome(response, outcome);
  response.status(201).json({ id: outcome.message ?? null });
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= nameMax;

async function one(web: Web, request: Request, response: Response): Promise<void> {
  const message = await messageOf(web, request.params.id);
  if (message !== null) response.json(messageJson(message));
  else
    refuse(
      response,
      404,
      'no-such-message',
      'There is no message of this id; messages are dropped after their time to keep.',
    );
}

async function messageOf(web: Web, id: unknown): Promise<InboxMessage | null> {
  const key = readKey(id);
  return key === null ? null : await web.reads.message(Number(key) as MessageId);
}

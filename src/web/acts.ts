/** What people and scripts do to alerts: through the station's door, with the moment at which they did. */
import type { Act, Event, Outcome } from '../station/door.ts';
import { seconds } from '../time.ts';
import type { Web } from './context.ts';
import { within } from './wait.ts';

/** A click waits so long for its commit before the page says that nobody knows. */
const actWait = seconds(20);

const unknown: Outcome = {
  ok: false,
  why: 'store-unavailable',
  message: 'The station does not answer: whether it was recorded is not known. Look before you rely on it.',
};

/** What is asked of the station; when, is for here to say. */
export type Asked =
  | Act
  | Omit<Extract<Event, { kind: 'silence' }>, 'at'>
  | Omit<Extract<Event, { kind: 'test-message' }>, 'at'>
  | Omit<Extract<Event, { kind: 'end-silence' }>, 'at'>;

/** One outcome an act, in order; all of them or none are recorded. */
export async function perform(web: Web, acts: readonly Asked[]): Promise<readonly Outcome[]> {
  const at = web.clock.now();
  const failed = acts.map(() => unknown);
  const done = web.station.handle(acts.map((act) => ({ ...act, at }))).catch((error: unknown) => {
    web.log.error({ error: String(error) }, 'the station did not take an act');
    return failed;
  });
  return within(web.clock, actWait, done, failed);
}

export async function performOne(web: Web, act: Asked): Promise<Outcome> {
  const [outcome] = await perform(web, [act]);
  return outcome ?? unknown;
}

/** Why something was not done, in words for people. */
import type { Outcome, Refused } from './door.ts';
import { silencesMax } from './silences.ts';

const words: Readonly<Record<Refused, string>> = {
  'no-such-alert': 'There is no such alert.',
  'not-raised': 'Only a raised alert can be acknowledged; this one is cleared.',
  'not-acknowledged': 'This alert is not acknowledged.',
  'already-cleared': 'This alert is cleared already.',
  'no-such-hours': 'The policy has no hours of that name.',
  'no-such-silence': 'There is no such silence.',
  'silence-ended': 'This silence has ended already.',
  'bad-match': 'This does not say which alerts to silence: name a source, a subject or an id.',
  'too-many-silences': `There are ${silencesMax} silences already: end some first.`,
  'no-such-person': 'The policy has no person of that name.',
  'no-such-channel': 'This person cannot be reached by that channel: the policy gives no address for it.',
  'unknown-message': 'No message is known by this reference.',
  'store-unavailable': 'The station cannot write to its store just now: nothing was recorded. Try again.',
};

export function refusal(why: Refused, message: string = words[why]): Outcome {
  return { ok: false, why, message };
}

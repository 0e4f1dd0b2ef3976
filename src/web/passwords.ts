/**
 * Every check of a password goes through here, whichever form it came by, so
 * that no form is a way round: guesses are slowed down, and only so many of the
 * slow hashes are made at once.
 */
import { unreachable } from '../station/core/alert.ts';
import { hashPassword, verifyPassword } from '../station/password.ts';
import type { User } from '../station/store/store.ts';
import { type Duration, formatDuration, seconds } from '../time.ts';
import type { Web } from './context.ts';
import { hashesAtOnceMax, openThrottle } from './throttle.ts';

export type Judgement =
  | { readonly kind: 'right'; readonly user: User }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'slowed'; readonly wait: Duration }
  | { readonly kind: 'busy' };

export interface Passwords {
  /** Whether this is the password of that name; `address` is where it comes from. */
  judge(name: string, address: string, password: string): Promise<Judgement>;
  /** The hash of a new password; null where too many are being made. */
  hash(password: string): Promise<string | null>;
}

export function openPasswords(web: Web): Passwords {
  const throttle = openThrottle(web.clock);
  let underWay = 0;
  const hashing = async <T>(work: () => Promise<T>): Promise<T> => {
    underWay += 1;
    return work().finally(() => {
      underWay -= 1;
    });
  };
  return {
    async judge(name, address, password) {
      const wait = throttle.wait(name, address);
      if (wait !== null) {
        web.meters.loginFailures.inc({ why: 'slowed' });
        return { kind: 'slowed', wait: seconds(Math.ceil(wait / 1000)) };
      }
      if (underWay >= hashesAtOnceMax) {
        web.meters.loginFailures.inc({ why: 'busy' });
        return { kind: 'busy' };
      }
      // Counted before it is judged, so that attempts side by side do not slip past.
      const attempt = throttle.attempt(name, address);
      const user = await hashing(async () => {
        const found = await web.reads.accounts.findUser(name);
        return (await verifyPassword(password, found?.passwordHash ?? null)) ? found : null;
      });
      if (user === null) {
        web.meters.loginFailures.inc({ why: 'wrong' });
        web.log.warn({ user: name, address }, 'a login failed');
        return { kind: 'wrong' };
      }
      attempt.succeeded();
      return { kind: 'right', user };
    },
    hash: async (password) =>
      underWay >= hashesAtOnceMax ? null : hashing(async () => hashPassword(password)),
  };
}

/** What to answer to a judgement other than `right`, in words and by status. */
export function refusalOf(judgement: Exclude<Judgement, { kind: 'right' }>): {
  readonly status: number;
  readonly problem: string;
  readonly retryAfter: string | null;
} {
  switch (judgement.kind) {
    case 'wrong':
      return { status: 401, problem: 'That name and password do not go together.', retryAfter: null };
    case 'slowed': {
      const { wait } = judgement;
      const problem = `Too many failed logins. Try again in ${formatDuration(wait)}.`;
      return { status: 429, problem, retryAfter: String(wait / 1000) };
    }
    case 'busy':
      return { status: 503, problem: busyWords, retryAfter: '2' };
    default:
      return unreachable(judgement);
  }
}

export const busyWords = 'Too many people log in at once. Please try again in a moment.';

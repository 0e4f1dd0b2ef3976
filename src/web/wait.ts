/**
 * Waiting with an end: the station's thread may be busy or gone, and a page
 * that says so is better than one that never comes.
 */
import { type Clock, type Duration, plus } from '../time.ts';

/** Resolves with `late` when `promise` has not settled after `atMost`; what it does later is ignored. */
export function within<T, L>(clock: Clock, atMost: Duration, promise: Promise<T>, late: L): Promise<T | L> {
  return new Promise((resolve, reject) => {
    const cancel = clock.wake(plus(clock.now(), atMost), () => resolve(late));
    promise.then(resolve, reject).finally(cancel);
  });
}

/**
 * Work that is done for a few at a time: what is asked of the station's thread
 * for a page must never stand in a long line before an alert. Who waits too
 * long is let go, and whoever comes to a line that is full is sent away.
 */

const waitingMax = 200;

export interface Turns {
  /**
   * @param wanted asked when its turn comes: by then nobody may be waiting for it any more.
   * @returns null where it was not done.
   */
  run<T>(work: () => Promise<T>, wanted: () => boolean): Promise<T | null>;
}

/** @param most how many are at work at once. */
export function openTurns(most: number): Turns {
  let working = 0;
  const waiting: (() => void)[] = [];
  const next = (): void => {
    const first = waiting.shift();
    if (first === undefined) working -= 1;
    else first();
  };
  return {
    async run(work, wanted) {
      if (working < most) working += 1;
      else if (waiting.length >= waitingMax) return null;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return wanted() ? await work() : null;
      } finally {
        next();
      }
    },
  };
}

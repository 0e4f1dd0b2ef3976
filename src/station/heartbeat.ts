/**
 * The station's own sign of life, sent to another station: "cleared now, raised
 * later", so that the other one raises it when this one falls silent. It goes
 * the way of every update, through the sender.
 */
import type { Logger } from '../log.ts';
import { type Cancel, type Clock, type Duration, seconds } from '../time.ts';
import type { AlertUpdate } from '../wire/update.ts';

/** How long the other station waits for the next one: five missed in a row. */
export const raiseAfter = seconds(310);

export type HeartbeatOptions = {
  readonly host: string;
  readonly every: Duration;
  /** Sends one update to all destinations. Rejects, or says why, where none was reached. */
  readonly send: (update: Omit<AlertUpdate, 'transmissionId'>) => Promise<string | null>;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Beats at once and then every `every`, until cancelled. */
export function openHeartbeat(options: HeartbeatOptions): Cancel {
  const { clock, every, log } = options;
  let stopped = false;
  let timer: Cancel = () => undefined;
  const beat = async (): Promise<void> => {
    const problem = await options.send(heartbeat(options.host, clock.now())).catch(String);
    if (problem !== null) log.warn({ reason: problem }, 'the heartbeat reached no other station');
    if (!stopped) timer = clock.after(every, () => void beat());
  };
  void beat();
  return () => {
    stopped = true;
    timer();
  };
}

function heartbeat(host: string, now: ReturnType<Clock['now']>): Omit<AlertUpdate, 'transmissionId'> {
  const at = BigInt(Math.floor(now / 1000));
  return {
    source: host,
    replace: false,
    transmissionTime: at,
    signature: new Uint8Array(),
    alerts: [
      {
        id: 'mauve-heartbeat',
        raiseTime: at + BigInt(raiseAfter / 1000),
        clearTime: at,
        subject: '',
        summary: 'Mauve alert server heartbeat failed',
        detail: `The Mauve server at ${host} has failed to send a heartbeat.`,
        importance: 0,
        suppressUntil: 0n,
      },
    ],
  };
}

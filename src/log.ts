/**
 * The structured log: one JSON object a line on stderr, made by pino. A secret
 * never gets here: callers log names and reasons, not settings.
 */
import pino from 'pino';

export type Logger = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error'>;

export const logLevels = ['error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Written at once, so that the last line before a crash is there. */
export function openLog(level: LogLevel, part: string): Logger {
  const destination = pino.destination({ dest: 2, sync: true });
  // A log that cannot be written (its disk is full, its reader is gone) must not end the station.
  destination.on('error', () => undefined);
  return pino({ level, base: { part }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

/** Limits and defaults of the probe's settings, for the command line and for the file. */
import { minutes, seconds } from '../time.ts';

export const pingEveryDefault = seconds(30);
export const traceEveryDefault = seconds(60);
export const timeoutDefault = seconds(1);
export const timeoutMin = seconds(0.1);
export const timeoutMax = seconds(30);
export const retriesDefault = 1;
export const retriesMax = 10;
export const hopsDefault = 30;
export const hopsMax = 64;
export const rateDefault = 5_000;
export const rateMax = 100_000;
export const roundsMax = 1_000_000;
export const fullEveryMin = seconds(10);
export const fullEveryMax = minutes(60);
export const destinationsMax = 20;
export const controlDefault = { host: '127.0.0.1', port: 55432 } as const;
export const metricsDefault = { host: '::', port: 9922 } as const;

/** In characters: a station takes 512. */
const nameMax = 200;
export const nameExpected = `a name of 1 to ${nameMax} characters on one line is expected`;
export const isName = (written: string): boolean =>
  written.length > 0 && written.length <= nameMax && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(written);

export const engineWords = ['auto', 'scamper', 'mtr-packet', 'fake'] as const;
export const engineExpected = `${engineWords.join(', ')} or unix:PATH is expected`;

/**
 * Asking the running station, over its HTTP interface, so that what a command
 * does is judged and recorded as what a click does is. Without a token, one is
 * made for the moment of the call, which takes the right to write to the
 * station's data folder, and removed again.
 */
import { userInfo } from 'node:os';
import * as z from 'zod';
import { readLocalFile } from '../station/local-file.ts';
import type { Accounts } from '../station/store/store.ts';
import { formatDuration, seconds, systemClock } from '../time.ts';
import { exit, Refusal } from './ending.ts';

/** A station that says nothing for so long is as good as none. */
const answerMax = seconds(15);
/** In characters, as the station itself takes it. */
const tokenMax = 200;
/** They must not leave the token of the moment behind. */
const signals = ['SIGINT', 'SIGTERM'] as const;

export type StationPlace = {
  /** What the station's addresses begin with. */
  readonly page: string;
  /** Only opened where there is no token. @throws Refusal where there is no database. */
  readonly accounts: () => Accounts;
  /** MAUVE_TOKEN */
  readonly token: string | null;
  readonly newToken: () => { readonly token: string; readonly hash: string };
};

// ---------------------------------------------------------------- the token

/**
 * Does `work` with the token of a file, of the environment, or of the moment.
 * @throws Refusal where there is none to be had.
 */
export async function withToken<T>(
  file: string | null,
  place: StationPlace,
  work: (token: string) => Promise<T>,
): Promise<T> {
  const given = file === null ? place.token : tokenIn(file);
  if (given !== null) return await work(given);
  const accounts = place.accounts();
  const { token, hash } = place.newToken();
  const name = await addToken(accounts, hash);
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  const interrupt = (): void => reject(new Refusal(exit.interrupted, 'interrupted'));
  for (const signal of signals) process.once(signal, interrupt);
  try {
    return await Promise.race([work(token), interrupted]);
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
    await accounts.removeToken(name);
  }
}

/** The name stands in history, so it says who it was; another call at the same moment has it already. */
async function addToken(accounts: Accounts, hash: string): Promise<string> {
  const user = userInfo()
    .username.replace(/[^\p{L}\p{N}._@+-]/gu, '_')
    .slice(0, 40);
  for (const name of [`mauvectl-${user}`, `mauvectl-${user}-${process.pid}`]) {
    if (await accounts.addToken(name, hash, systemClock.now())) return name;
  }
  throw new Refusal(
    exit.refused,
    `there is a token mauvectl-${user} already: mauvectl token remove mauvectl-${user}`,
  );
}

function tokenIn(file: string): string {
  const found = readLocalFile(file === '-' ? '/dev/stdin' : file);
  if (!found.ok) throw new Refusal(exit.noInput, `${file}: ${found.why}`);
  const token = found.text.split('\n')[0]?.trim() ?? '';
  if (/^[\x21-\x7e]+$/.test(token) && token.length <= tokenMax) return token;
  throw new Refusal(exit.data, `${file}: its first line is no token`);
}

// ---------------------------------------------------------------- the station

export type Question = {
  /** Of the station, and the path behind `/api/v1`. */
  readonly page: string;
  readonly path: string;
  readonly token: string;
  /** What a station must know that can answer it. */
  readonly knows: string;
};

/**
 * One call of the JSON API: a POST where there is a body.
 * @throws Refusal with what the station said, or why none answered.
 */
export async function askStation({ page, path, token, knows }: Question, body?: object): Promise<unknown> {
  const address = `${page}/api/v1${path}`;
  const response = await fetch(address, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: AbortSignal.timeout(answerMax),
  }).catch((error: unknown) => {
    throw new Refusal(exit.unavailable, `no station answers at ${page}: ${reasonOf(error)}`);
  });
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  const said = errorSchema.safeParse(answer);
  if (!said.success) {
    throw new Refusal(
      exit.unavailable,
      `what answers at ${page} is no station that knows ${knows} (${response.status})`,
    );
  }
  const code = response.status >= 500 ? exit.unavailable : exit.refused;
  throw new Refusal(code, `the station refused: ${said.data.error.message}`);
}

/** What fetch hides in causes. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `nothing came within ${formatDuration(answerMax)}`;
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : null;
  if (code === 'ECONNREFUSED') return 'nothing listens there: is it running, and is --web or --config right?';
  return code ?? (cause instanceof Error ? cause.message : error.message);
}

const errorSchema = z.object({ error: z.object({ message: z.string() }) });

/** What the station answered, if it is what this version expects. */
export function read<T extends z.ZodType>(schema: T, answer: unknown): z.output<T> {
  const found = schema.safeParse(answer);
  if (found.success) return found.data;
  throw new Refusal(
    exit.unavailable,
    'the station answered something else than expected: is it of another version?',
  );
}

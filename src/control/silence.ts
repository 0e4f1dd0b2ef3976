/**
 * `mauvectl silence`: made, listed and ended through the running station, over
 * its HTTP interface, so that they are judged and recorded as those of the web
 * page are. Without a token, one is made for the moment of the call, which
 * takes the right to write to the station's data folder, and removed again.
 */
import { userInfo } from 'node:os';
import { parse as parseYamlText, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { readLocalFile } from '../station/local-file.ts';
import type { Accounts } from '../station/store/store.ts';
import {
  formatDuration,
  type Instant,
  instant,
  minutes,
  plus,
  seconds,
  since,
  systemClock,
} from '../time.ts';
import { type Done, exit, Refusal } from './ending.ts';
import type { SilenceCommand } from './options.ts';
import { table } from './table.ts';

/** A station that says nothing for so long is as good as none. */
const answerMax = seconds(15);
/** A silence that ends so much before it was to was cut short; clocks of two machines may differ by less. */
const cutLeast = minutes(5);
/** In characters, as the station itself takes it. */
const tokenMax = 200;

export type SilencePlace = {
  /** What the station's addresses begin with. */
  readonly page: string;
  /** Only opened where there is no token. @throws Refusal where there is no database. */
  readonly accounts: () => Accounts;
  /** MAUVE_TOKEN */
  readonly token: string | null;
  readonly newToken: () => { readonly token: string; readonly hash: string };
};

/** @throws Refusal with what the station said, or why none answered. */
export async function silenceCommand(command: SilenceCommand, place: SilencePlace): Promise<Done> {
  const match = command.kind === 'silence add' ? matchOf(command) : {};
  return await withToken(command.tokenFile, place, async (token) => {
    const ask = (path: string, body?: object): Promise<unknown> => askStation(place.page, token, path, body);
    switch (command.kind) {
      case 'silence add': {
        const { reason } = command;
        const made = read(silenceSchema, await ask('', { match, for: formatDuration(command.for), reason }));
        const asked = plus(systemClock.now(), command.for);
        const cut = since(instant(Date.parse(made.until)), asked) > cutLeast;
        const remark = cut ? ', which is as long as the policy allows' : '';
        return { text: `silence ${made.id} until ${made.until}${remark}\n` };
      }
      case 'silence list': {
        const answer = await ask('');
        return { text: command.json ? `${JSON.stringify(answer)}\n` : listText(read(listSchema, answer)) };
      }
      case 'silence end':
        await ask(`/${command.id}/end`, {});
        return { text: '' };
      default:
        return command satisfies never;
    }
  });
}

// ---------------------------------------------------------------- what is asked

/** What the options say, and what --match says besides. */
function matchOf(command: Extract<SilenceCommand, { kind: 'silence add' }>): object {
  const { importance, ...texts } = command.match;
  const fields = { ...texts, ...(importance === undefined ? {} : { importance: Number(importance) }) };
  if (command.matchText === null) return fields;
  const written = yamlOf(command.matchText);
  if (typeof written !== 'object' || written === null || Array.isArray(written)) {
    throw new Refusal(
      exit.usage,
      '--match: a mapping such as \'{source: backup, id: "disk-*"}\' is expected',
    );
  }
  const twice = Object.keys(fields).find((key) => Object.hasOwn(written, key));
  if (twice !== undefined)
    throw new Refusal(exit.usage, `${twice} stands in --match and in --${twice}: once is expected`);
  return { ...written, ...fields };
}

function yamlOf(text: string): unknown {
  try {
    return parseYamlText(text);
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new Refusal(exit.usage, `--match is no valid YAML: ${error.message.split('\n')[0] ?? ''}`);
  }
}

// ---------------------------------------------------------------- the token

async function withToken(
  file: string | null,
  place: SilencePlace,
  work: (token: string) => Promise<Done>,
): Promise<Done> {
  const given = file === null ? place.token : tokenIn(file);
  if (given !== null) return await work(given);
  const accounts = place.accounts();
  const { token, hash } = place.newToken();
  const name = await addToken(accounts, hash);
  try {
    return await work(token);
  } finally {
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

async function askStation(
  page: string,
  token: string,
  path: string,
  body: object | undefined,
): Promise<unknown> {
  const address = `${page}/api/v1/silences${path}`;
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
      `what answers at ${page} is no station that knows silences (${response.status})`,
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

const silenceSchema = z.object({
  id: z.number(),
  match: z.unknown(),
  reason: z.string(),
  author: z.string(),
  from: z.string(),
  until: z.string(),
  ended_at: z.string().nullable(),
  ended_by: z.string().nullable(),
});
const listSchema = z.object({
  silences: z.array(silenceSchema),
  recurring: z.array(z.object({ name: z.string(), when: z.string(), reason: z.string() })),
});
const errorSchema = z.object({ error: z.object({ message: z.string() }) });

function read<T extends z.ZodType>(schema: T, answer: unknown): z.output<T> {
  const found = schema.safeParse(answer);
  if (found.success) return found.data;
  throw new Refusal(
    exit.unavailable,
    'the station answered something else than expected: is it of another version?',
  );
}

function listText({ silences, recurring }: z.output<typeof listSchema>): string {
  const now = systemClock.now();
  const rows = silences.map((one) => [
    String(one.id),
    whenText(one, now),
    `${JSON.stringify(one.match)} by ${one.author}: ${one.reason}`,
  ]);
  const written = recurring.map(({ name, when, reason }) => ['-', when, `${name}: ${reason}`]);
  return table([...rows, ...written]);
}

function whenText({ until, ended_at: endedAt }: z.output<typeof silenceSchema>, now: Instant): string {
  if (endedAt !== null) return 'ended';
  const left = since(now, instant(Date.parse(until)));
  return left <= 0 ? 'over' : `${formatDuration(seconds(Math.ceil(left / 1000)))} left`;
}

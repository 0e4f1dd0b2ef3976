/**
 * `mauvectl`: an administrator's commands. Accounts it writes to the station's
 * database in short transactions of its own, so that works beside a running
 * station, which sees the change with the next request, and without one. It
 * finds that database as the station does, and never makes one where somebody
 * only asked. Policies are tried without a station, silences made and channels tried through one.
 */
import { createHash, randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { locateStation } from '../station/config.ts';
import { readLocalFile } from '../station/local-file.ts';
import { hashPassword } from '../station/password.ts';
import { databaseName } from '../station/store/database.ts';
import { StoreError } from '../station/store/errors.ts';
import { openAccounts } from '../station/store/sqlite-accounts.ts';
import type { Accounts } from '../station/store/store.ts';
import { oneLine } from '../station/yaml-file.ts';
import { hours, pause, plus, rfc3339, systemClock } from '../time.ts';
import type { StationPlace } from './ask.ts';
import { channelCommand } from './channel.ts';
import { type Done, exit, Refusal, silently } from './ending.ts';
import { messageCommand } from './message.ts';
import { newPassword } from './new-password.ts';
import {
  type AccountCommand,
  type ChannelCommand,
  type Command,
  type PolicyCommand,
  parseOptions,
  type SilenceCommand,
} from './options.ts';
import { policyCommand } from './policy.ts';
import { silenceCommand } from './silence.ts';

/** 256 bits: 43 characters of base64url. */
const tokenBytes = 32;
const linkLives = hours(1);

const sha256 = (secret: string): string => createHash('sha256').update(secret).digest('hex');
const secret = (): string => randomBytes(tokenBytes).toString('base64url');
function newToken(): { readonly token: string; readonly hash: string } {
  const token = secret();
  return { token, hash: sha256(token) };
}
const complain = (line: string): boolean => process.stderr.write(`mauvectl: ${oneLine(line)}\n`);
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'an error';

/** The database of a data folder, opened when it is needed. */
class DataFolder {
  readonly #folder: string;
  #opened: { readonly accounts: Accounts; close(): void } | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What may not be looked at counts as there: opening it then says why not. */
  hasDatabase(): boolean {
    return isThere(join(this.#folder, databaseName));
  }

  /** For commands that make no sense without accounts. */
  accounts(): Accounts {
    if (this.hasDatabase()) return this.#open();
    throw new Refusal(
      exit.noInput,
      `there is no station's database in ${this.#folder}: name the data folder with --data, or the station file with --config`,
    );
  }

  /** Makes what is missing, and says so: a mistyped folder would be noticed much later. */
  accountsMade(): Accounts {
    const made = this.hasDatabase()
      ? null
      : isThere(this.#folder)
        ? join(this.#folder, databaseName)
        : this.#folder;
    const accounts = this.#open();
    if (made !== null) complain(`${made}: made; no station has used it yet`);
    return accounts;
  }

  close(): void {
    this.#opened?.close();
  }

  #open(): Accounts {
    this.#opened ??= openAccounts(this.#folder);
    return this.#opened.accounts;
  }
}

function isThere(path: string): boolean {
  try {
    return statSync(path) !== undefined;
  } catch (error) {
    return !['ENOENT', 'ENOTDIR'].includes(codeOf(error));
  }
}

async function perform(
  command: AccountCommand | SilenceCommand | ChannelCommand,
  folder: DataFolder,
  page: string,
): Promise<Done> {
  switch (command.kind) {
    case 'silence add':
    case 'silence list':
    case 'silence end':
      return await silenceCommand(command, stationPlace(folder, page));
    case 'channel test': {
      const say = (text: string): Promise<void> => print({ text });
      return await channelCommand(command, {
        ...stationPlace(folder, page),
        now: systemClock.now,
        pause,
        say,
      });
    }
    case 'token add':
      return await addToken(command.name, folder.accountsMade());
    case 'token list': {
      const tokens = await folder.accounts().listTokens();
      return { text: table(tokens.map(({ name, createdAt }) => [name, `since ${rfc3339(createdAt)}`])) };
    }
    case 'token remove':
      if (await folder.accounts().removeToken(command.name)) return silently;
      throw new Refusal(exit.refused, `there is no token ${command.name}`);
    case 'user add':
      return await addUser(command.name, command.passwordFile, folder);
    case 'user password':
      return await setPassword(command.name, command.passwordFile, folder.accounts());
    case 'user list': {
      const users = await folder.accounts().listUsers();
      const row = (user: (typeof users)[number]): string =>
        `since ${rfc3339(user.createdAt)}${user.passwordHash === null ? ', no password' : ''}`;
      return { text: table(users.map((user) => [user.name, row(user)])) };
    }
    case 'user remove':
      if (await folder.accounts().removeUser(command.name)) return silently;
      throw noUser(command.name);
    case 'user link': {
      const link = secret();
      const expires = plus(systemClock.now(), linkLives);
      if (!(await folder.accounts().addLoginLink(sha256(link), command.name, expires)))
        throw noUser(command.name);
      return { text: `${page}/welcome/${link}\n` };
    }
    default:
      return command satisfies never;
  }
}

const stationPlace = (folder: DataFolder, page: string): StationPlace => ({
  page,
  token: process.env.MAUVE_TOKEN || null,
  accounts: () => folder.accounts(),
  newToken,
});

const noUser = (name: string): Refusal => new Refusal(exit.refused, `there is no user ${name}`);

async function addToken(name: string, accounts: Accounts): Promise<Done> {
  const { token, hash } = newToken();
  if (!(await accounts.addToken(name, hash, systemClock.now()))) {
    const why = `there is a token ${name} already: remove it first, or choose another name`;
    throw new Refusal(exit.refused, why);
  }
  const untold = async (): Promise<string> => {
    await accounts.removeToken(name);
    return 'the token was removed again';
  };
  return { text: `${token}\n`, untold };
}

async function addUser(name: string, passwordFile: string | null, folder: DataFolder): Promise<Done> {
  const taken = new Refusal(
    exit.refused,
    `there is a user ${name} already: mauvectl user password ${name} sets another password`,
  );
  // Before anybody has to think of a password; and nothing is made before there is one.
  if (folder.hasDatabase() && (await folder.accounts().findUser(name)) !== null) throw taken;
  const hash = await hashedPassword(passwordFile);
  if (await folder.accountsMade().addUser(name, hash, systemClock.now())) return silently;
  throw taken;
}

async function setPassword(name: string, passwordFile: string | null, accounts: Accounts): Promise<Done> {
  if ((await accounts.findUser(name)) === null) throw noUser(name);
  if (await accounts.setPassword(name, await hashedPassword(passwordFile))) return silently;
  throw noUser(name);
}

async function hashedPassword(file: string | null): Promise<string> {
  const given = await newPassword(file);
  if (given.ok) return await hashPassword(given.password);
  const code = { 'no-input': exit.noInput, bad: exit.data, interrupted: exit.interrupted }[given.why];
  throw new Refusal(code, given.words);
}

const table = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, rest]) => `${name.padEnd(width)}  ${rest}\n`).join('');
};

/** @throws Refusal where stdout does not take it, after `untold` has seen to what came of that. */
async function print({ text, untold }: Done): Promise<void> {
  if (text === '') return;
  const failed = await new Promise<string | null>((done) => {
    const fail = (error: unknown): void => done(codeOf(error));
    process.stdout.on('error', fail);
    process.stdout.write(text, (error) => {
      if (!error) process.stdout.off('error', fail);
      done(error ? codeOf(error) : null);
    });
  });
  if (failed === null) return;
  const after = untold === undefined ? '' : `: ${await untold()}`;
  throw new Refusal(exit.io, `standard output cannot be written (${failed})${after}`);
}

async function main(): Promise<void> {
  const asked = parseOptions(process.argv.slice(2), process.env.MAUVE_VERSION ?? 'development');
  if (asked.kind === 'say') return await print(asked);
  if (asked.kind === 'usage') throw new Refusal(exit.usage, asked.fault);
  const { command } = asked;
  if (isPolicyCommand(command)) return await finish(await policyCommand(command));
  if (command.kind === 'message preview') return await finish(await messageCommand(command));
  const place = locateStation(asked.options, {
    env: process.env,
    cwd: process.cwd(),
    readFile: readLocalFile,
  });
  if (!place.ok) throw new Refusal(place.exitCode, ...place.faults);
  const folder = new DataFolder(place.data);
  try {
    await finish(await perform(command, folder, place.page));
  } finally {
    folder.close();
  }
}

const isPolicyCommand = (command: Command): command is PolicyCommand => command.kind.startsWith('policy ');

async function finish(done: Done): Promise<void> {
  for (const line of done.places ?? []) process.stderr.write(`${line}\n`);
  await print(done);
  process.exitCode = done.code ?? 0;
}

// A complaint that nobody reads must not become a crash.
process.stderr.on('error', () => undefined);

try {
  await main();
} catch (error) {
  if (!(error instanceof Refusal) && !(error instanceof StoreError)) throw error;
  for (const line of error instanceof Refusal ? error.lines : [error.message]) complain(line);
  process.exitCode = error instanceof Refusal ? error.code : exit.io;
}

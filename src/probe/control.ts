/**
 * The control socket: one JSON object in a datagram, one back, while the probe
 * runs. It changes what is watched until the next start; what is to last stands
 * in probe.yaml.
 *
 * Whatever comes in, it answers with words or not at all, and never dies of it.
 * There is no password: it listens on loopback, and whoever puts it elsewhere
 * answers for who can reach it.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import * as z from 'zod';
import type { Logger } from '../log.ts';
import type { Address as Listening } from '../station/address.ts';
import { checkValue } from '../station/yaml-file.ts';
import { type Clock, milliseconds, seconds } from '../time.ts';
import { datagramMax } from '../wire/update.ts';
import type { Agent } from './agent.ts';
import type { Address } from './core/record.ts';
import { histogramsOf } from './histograms.ts';
import { intervalMax, intervalMin, parseTarget, probed, type Target } from './target.ts';
import type { Settled, Targets } from './targets.ts';
import { percentages, rounded, type Watched } from './watched.ts';

/** socat waits half a second for an answer: a look-up that takes longer goes on without it. */
const lookupPatience = milliseconds(350);
/** Commands whose answer waits for a look-up; more are told to come again. */
const pendingMax = 100;

export type ControlOptions = {
  readonly agent: Agent;
  readonly targets: Targets;
  /** What a target gets that is added here. */
  readonly fresh: () => Omit<Target, 'word' | 'labels'>;
  readonly clock: Clock;
  readonly log: Logger;
};

export type Control = {
  readonly address: Listening;
  close(): Promise<void>;
};

const word = z.string().min(1).max(300);
const interval = z
  .number({ error: 'seconds are expected' })
  .min(intervalMin / 1000)
  .max(intervalMax / 1000);

const commands = {
  noop: z.strictObject({ cmd: z.literal('noop') }),
  list: z.strictObject({
    cmd: z.literal('list'),
    reset: z.boolean().default(false),
    name: word.optional(),
    addr: word.optional(),
  }),
  add: z.strictObject({
    cmd: z.literal('add'),
    name: word.optional(),
    addr: word.optional(),
    itv: interval.optional(),
  }),
  remove: z.strictObject({ cmd: z.literal('remove'), name: word.optional(), addr: word.optional() }),
  histogram: z.strictObject({ cmd: z.literal('histogram'), name: word.optional(), addr: word.optional() }),
} as const;
type CommandName = keyof typeof commands;
type Command = { [Name in CommandName]: z.output<(typeof commands)[Name]> }[CommandName];

/** What goes back. `afterwards` is done once the answer is known to fit. */
type Reply = { readonly body: object; readonly afterwards?: () => void };

const fault = (message: string): Reply => ({ body: { status: 'error', message } });
const done = (more: object = {}): Reply => ({ body: { status: 'ok', ...more } });

/** @throws what the system says, where the address cannot be taken. */
export async function openControl(at: Listening, options: ControlOptions): Promise<Control> {
  const socket = createSocket({ type: at.host.includes(':') ? 'udp6' : 'udp4' });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address: at.host, port: at.port }, () => {
      socket.off('error', reject);
      resolve();
    });
  });
  const answers = new Commands(options);
  socket.on('error', (error) => options.log.warn({ error: error.message }, 'the control socket'));
  socket.on(
    'message',
    (bytes, from) => void answers.take(bytes).then((reply) => answer(socket, reply, from)),
  );
  const { address, port } = socket.address();
  return {
    address: { host: address, port },
    close: () => new Promise((closed) => socket.close(() => closed())),
  };
}

function answer(socket: Socket, reply: Reply | null, from: RemoteInfo): void {
  if (reply === null || from.port === 0) return;
  const text = `${JSON.stringify(reply.body)}\n`;
  const size = Buffer.byteLength(text);
  const fits = size <= datagramMax;
  const sent = fits ? text : `${JSON.stringify(tooLarge(size).body)}\n`;
  try {
    socket.send(sent, from.port, from.address, () => undefined);
  } catch {
    // Closed meanwhile: nobody is left to answer.
  }
  if (fits) reply.afterwards?.();
}

const tooLarge = (size: number): Reply =>
  fault(
    `the answer takes ${size} bytes, and a datagram holds ${datagramMax}: ask for one target with "name" or "addr", or read /metrics; nothing was changed`,
  );

/** The commands, without the socket. */
class Commands {
  readonly #options: ControlOptions;
  #pending = 0;

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  /** Never rejects. @returns null where no answer is called for. */
  async take(bytes: Uint8Array): Promise<Reply | null> {
    try {
      const read = readCommand(bytes);
      if (read === null || 'body' in read) return read;
      return await this.#perform(read);
    } catch (error) {
      this.#options.log.error({ error: String(error) }, 'a control command failed');
      return fault('the command failed: see the log of the probe');
    }
  }

  #perform(command: Command): Reply | Promise<Reply> {
    switch (command.cmd) {
      case 'noop':
        return done();
      case 'list':
        return this.#list(command);
      case 'add':
        return this.#add(command);
      case 'remove':
        return this.#remove(command);
      case 'histogram':
        return this.#histogram(command);
      default:
        return command satisfies never;
    }
  }

  #list(command: z.output<typeof commands.list>): Reply {
    const chosen = this.#chosen(command, 'all');
    if (typeof chosen === 'string') return fault(chosen);
    const { agent, clock } = this.#options;
    const now = clock.now();
    const body = Object.fromEntries(chosen.map((watched) => [watched.address, row(watched, now)]));
    if (!command.reset) return { body };
    return { body, afterwards: () => chosen.forEach((watched) => void agent.reset(watched)) };
  }

  async #add({ name, addr, itv }: z.output<typeof commands.add>): Promise<Reply> {
    const written = addr ?? name;
    if (written === undefined) return fault('add needs "name" or "addr"');
    if (addr !== undefined) {
      const judged = probed(addr, 'by hand');
      if (!judged.ok) return fault(judged.why);
    }
    if (this.#pending >= pendingMax) return fault('too many look-ups are under way: try again in a moment');
    const { targets } = this.#options;
    const known = targets.find(written)?.target ?? null;
    // One that is watched already keeps what the file says of it, such as its rules.
    const target = known ?? { ...this.#options.fresh(), word: written, labels: {} };
    const added = targets.add({ ...target, pingEvery: itv === undefined ? target.pingEvery : seconds(itv) });
    if (!added.ok) return fault(`${written}: ${added.why}`);
    this.#pending += 1;
    const settled = await this.#within(added.settled);
    this.#pending -= 1;
    if (settled === null) return done({ message: `${written} is still being looked up`, addresses: [] });
    if (settled.addresses.length > 0) return done({ addresses: settled.addresses });
    // Somebody waits for the answer and can mend a mistyped name: it need not be tried for ever.
    if (known === null) targets.remove(written);
    return fault(`${written}: ${settled.why ?? 'it has no address'}`);
  }

  #within(settled: Promise<Settled>): Promise<Settled | null> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(lookupPatience, () => resolve(null));
      void settled.then((value) => {
        cancel();
        resolve(value);
      });
    });
  }

  #remove({ name, addr }: z.output<typeof commands.remove>): Reply {
    const written = addr ?? name;
    if (written === undefined) return fault('remove needs "name" or "addr"');
    const { targets } = this.#options;
    const removed = targets.remove(written);
    // Names that lead there, too, would have it watched on.
    if (addr !== undefined) targets.remove(addr);
    return removed === null ? fault(`${written} is not watched`) : done({ addresses: removed });
  }

  #histogram(command: z.output<typeof commands.histogram>): Reply {
    const chosen = this.#chosen(command, 'one');
    if (typeof chosen === 'string') return fault(chosen);
    const [watched] = chosen;
    if (watched === undefined) return fault('histogram needs "addr"');
    const hours = histogramsOf(watched.statistics);
    return { body: { name: watched.target.word, addr: watched.address, hours } };
  }

  /** The addresses that a command is about; in words, why there are none. */
  #chosen(
    { name, addr }: { readonly name?: string | undefined; readonly addr?: string | undefined },
    otherwise: 'all' | 'one',
  ): readonly Watched[] | string {
    const { agent, targets } = this.#options;
    if (addr === undefined && name === undefined) {
      return otherwise === 'all' ? [...agent.watched()] : 'which target? "name" or "addr" says it';
    }
    const found = addr === undefined ? targets.find(name ?? '')?.addresses : addressOf(addr);
    const watched = (found ?? []).flatMap((address) => agent.find(address) ?? []);
    if (watched.length === 0) return `${addr ?? name} is not watched`;
    const listed = watched.map(({ address }) => address).join(', ');
    return otherwise === 'one' && watched.length > 1 ? `${name} has several addresses: ${listed}` : watched;
  }
}

function addressOf(written: string): readonly Address[] {
  const parsed = parseTarget(written);
  return parsed.ok && parsed.kind === 'address' ? [parsed.address] : [];
}

/** A command, or what is wrong with it; null where it must not be answered. */
function readCommand(bytes: Uint8Array): Command | Reply | null {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return fault('a JSON object in UTF-8 is expected, such as {"cmd":"list","reset":false}');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fault('a JSON object is expected, such as {"cmd":"noop"}');
  }
  // Two probes that take each other's answers for questions would talk for ever.
  if (!('cmd' in value) && 'status' in value) return null;
  const name = 'cmd' in value ? value.cmd : undefined;
  const known = Object.keys(commands).join(', ');
  if (typeof name !== 'string' || !isCommand(name)) return fault(`"cmd" is to be one of ${known}`);
  const checked = checkValue(value, commands[name]);
  return checked.ok ? checked.value : fault(checked.why);
}

const isCommand = (name: string): name is CommandName => Object.hasOwn(commands, name);

function row(watched: Watched, now: ReturnType<Clock['now']>): object {
  const { address, target } = watched;
  const summary = watched.summary(now);
  return {
    name: target.word,
    addr: address,
    itv: target.pingEvery / 1000,
    sent: summary.sent,
    recv: summary.recv,
    errs: summary.errs,
    outd: summary.outd,
    loss: rounded(percentages(summary).loss),
    last: rounded(summary.last),
    min: rounded(summary.min),
    avg: rounded(summary.avg),
    max: rounded(summary.max),
  };
}

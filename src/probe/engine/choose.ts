/**
 * Which engine: root has scampers of its own; another scamper is used only where
 * its socket is named; without root, mtr-packet with its file capability; or
 * the fake one, where it is asked for. Else one line says what to install or
 * grant. `decide` is pure; the rest looks what is there.
 */
import { accessSync, constants } from 'node:fs';
import type { Logger } from '../../log.ts';
import { type Clock, seconds } from '../../time.ts';
import type { Address } from '../core/record.ts';
import type { Engine } from './engine.ts';
import { openFake } from './fake.ts';
import { openMtrPacket } from './mtr-packet.ts';
import { type MtrOptions, MtrProcess } from './mtr-process.ts';
import { isRoot, type Owner } from './privilege.ts';
import { type Opened, openScamper, openScamperAt } from './scamper.ts';

/** As written behind `--engine`; `auto` is what is used where nothing is written. */
export type EngineChoice = 'auto' | 'scamper' | 'mtr-packet' | 'fake' | { readonly unix: string };

/** @returns null for what is no engine. */
export function parseEngineChoice(text: string): EngineChoice | null {
  if (text === 'auto' || text === 'scamper' || text === 'mtr-packet' || text === 'fake') return text;
  const path = /^unix:(.+)$/.exec(text)?.[1];
  return path === undefined ? null : { unix: path };
}

/** What there is on this machine. */
export type Found = {
  readonly root: boolean;
  /** Absolute path; null where it is not installed. */
  readonly scamper: string | null;
  readonly mtrPacket: string | null;
  /** Whether mtr-packet may send what it must: also for whom the agent becomes, or for root alone. */
  readonly mtrMay: 'always' | 'as-root' | 'no';
};

export type Decision =
  | { readonly engine: 'scamper'; readonly program: string }
  | { readonly engine: 'scamper-at'; readonly path: string }
  | { readonly engine: 'mtr-packet'; readonly program: string; readonly asRoot: boolean }
  | { readonly engine: 'fake' }
  | { readonly engine: null; readonly say: string };

const orFake = 'or try a made-up network: --fake';
const grantTo = (program: string): string => `sudo setcap cap_net_raw+ep ${program}`;
const sayScamper = 'install scamper: apt install scamper';

export function decide(choice: EngineChoice, found: Found): Decision {
  if (choice === 'fake') return { engine: 'fake' };
  if (typeof choice === 'object') return { engine: 'scamper-at', path: choice.unix };
  if (choice === 'scamper') return scamper(found);
  if (choice === 'mtr-packet') return mtrPacket(found);
  if (found.root && found.scamper !== null) return scamper(found);
  if (found.mtrPacket !== null && found.mtrMay !== 'no') return mtrPacket(found);
  if (found.root) return { engine: null, say: `no engine: ${sayScamper}` };
  const grant = found.mtrPacket === null ? 'apt install mtr-tiny' : grantTo(found.mtrPacket);
  return {
    engine: null,
    say: `no engine may send probes: run as root with scamper (apt install scamper), or ${grant}, ${orFake}`,
  };
}

function scamper({ root, scamper: program }: Found): Decision {
  if (program === null) return { engine: null, say: `no scamper here: ${sayScamper}` };
  if (root) return { engine: 'scamper', program };
  return { engine: null, say: 'scamper needs root; or name the socket of one that runs: --engine unix:PATH' };
}

function mtrPacket({ mtrPacket: program, mtrMay }: Found): Decision {
  if (program === null) return { engine: null, say: 'no mtr-packet here: apt install mtr-tiny' };
  if (mtrMay !== 'no') return { engine: 'mtr-packet', program, asRoot: mtrMay === 'as-root' };
  return { engine: null, say: `mtr-packet may not send: ${grantTo(program)}` };
}

/** Where Debian puts them, whatever PATH says: root's may be short, and a user's lacks sbin. */
const programFolders = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/bin', '/sbin'];

/** @returns the absolute path of an installed program. */
export function findProgram(name: string, folders: readonly string[] = programFolders): string | null {
  for (const folder of folders) {
    const path = `${folder}/${name}`;
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

export type ChooseOptions = {
  readonly choice: EngineChoice;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whom the agent becomes afterwards (see privilege.ts); null where it stays who it is. */
  readonly owner: Owner | null;
  readonly packetsPerSecond?: number;
};

export type Chosen =
  | {
      readonly ok: true;
      readonly engine: Engine;
      /** Why it can be started again and ended only by an agent that stays root; null where it need not. */
      readonly needOfRoot: string | null;
    }
  | { readonly ok: false; readonly say: string };

/** Opens the engine that is chosen, or says in one line what is missing. */
export async function chooseEngine(options: ChooseOptions): Promise<Chosen> {
  const decision = decide(options.choice, await look(options));
  if (decision.engine === null) return { ok: false, say: decision.say };
  if (decision.engine === 'fake')
    return { ok: true, engine: openFake({ clock: options.clock }), needOfRoot: null };
  const opened = await open(decision, options);
  if (!opened.ok) return { ok: false, say: opened.why };
  return { ok: true, engine: opened.engine, needOfRoot: needOfRoot(decision) };
}

function needOfRoot(decision: Decision): string | null {
  if (decision.engine !== 'mtr-packet' || !decision.asRoot) return null;
  return `mtr-packet may send for root alone: ${grantTo(decision.program)}`;
}

function open(
  decision: Exclude<Decision, { engine: null | 'fake' }>,
  options: ChooseOptions,
): Promise<Opened> {
  switch (decision.engine) {
    case 'scamper':
      return openScamper({ ...options, program: decision.program });
    case 'scamper-at':
      return openScamperAt(decision.path, options);
    case 'mtr-packet':
      return openMtrPacket({
        ...options,
        program: decision.program,
        owner: decision.asRoot ? null : options.owner,
      });
  }
}

/** What a mere try says of itself is no news where another follows. */
const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} };

async function look({ choice, clock, log, owner }: ChooseOptions): Promise<Found> {
  const root = isRoot();
  const found = { root, scamper: findProgram('scamper'), mtrPacket: findProgram('mtr-packet') };
  const asked = choice === 'mtr-packet' || (choice === 'auto' && !(root && found.scamper !== null));
  const program = asked ? found.mtrPacket : null;
  if (program === null) return { ...found, mtrMay: 'no' };
  if (await maySend({ clock, log: owner === null ? log : quiet, program, owner }))
    return { ...found, mtrMay: 'always' };
  const asRoot = owner !== null && (await maySend({ clock, log, program, owner: null }));
  return { ...found, mtrMay: asRoot ? 'as-root' : 'no' };
}

/**
 * Without its capability mtr-packet says that it supports everything, and then
 * hears no answers. So it sends one probe, of the kind that needs it, to itself.
 */
async function maySend(options: MtrOptions): Promise<boolean> {
  const process = new MtrProcess({ ...options, slack: seconds(1) });
  try {
    if ((await process.open()) !== null) return false;
    const probe = {
      address: '127.0.0.1' as Address,
      method: 'udp',
      ttl: 1,
      flow: 0,
      waitSeconds: 1,
    } as const;
    return await new Promise((resolve) => process.send(probe, ({ kind }) => resolve(kind === 'reply')));
  } finally {
    await process.close();
  }
}

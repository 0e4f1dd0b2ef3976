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
  /** Whether mtr-packet may send what it must. */
  readonly mtrMay: boolean;
};

export type Decision =
  | { readonly engine: 'scamper'; readonly program: string }
  | { readonly engine: 'scamper-at'; readonly path: string }
  | { readonly engine: 'mtr-packet'; readonly program: string }
  | { readonly engine: 'fake' }
  | { readonly engine: null; readonly say: string };

const orFake = 'or try a made-up network: --fake';
const sayScamper = 'install scamper: apt install scamper';

export function decide(choice: EngineChoice, found: Found): Decision {
  if (choice === 'fake') return { engine: 'fake' };
  if (typeof choice === 'object') return { engine: 'scamper-at', path: choice.unix };
  if (choice === 'scamper') return scamper(found);
  if (choice === 'mtr-packet') return mtrPacket(found);
  if (found.root && found.scamper !== null) return scamper(found);
  if (found.mtrPacket !== null && found.mtrMay) return mtrPacket(found);
  if (found.root) return { engine: null, say: `no engine: ${sayScamper}` };
  const grant =
    found.mtrPacket === null ? 'apt install mtr-tiny' : `sudo setcap cap_net_raw+ep ${found.mtrPacket}`;
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
  if (mtrMay) return { engine: 'mtr-packet', program };
  return { engine: null, say: `mtr-packet may not send: sudo setcap cap_net_raw+ep ${program}` };
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
  | { readonly ok: true; readonly engine: Engine }
  | { readonly ok: false; readonly say: string };

/** Opens the engine that is chosen, or says in one line what is missing. */
export async function chooseEngine(options: ChooseOptions): Promise<Chosen> {
  const decision = decide(options.choice, await look(options));
  if (decision.engine === null) return { ok: false, say: decision.say };
  if (decision.engine === 'fake') return { ok: true, engine: openFake({ clock: options.clock }) };
  const opened = await open(decision, options);
  return opened.ok ? opened : { ok: false, say: opened.why };
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
      return openMtrPacket({ ...options, program: decision.program });
  }
}

async function look({ choice, clock, log, owner }: ChooseOptions): Promise<Found> {
  const root = isRoot();
  const found = { root, scamper: findProgram('scamper'), mtrPacket: findProgram('mtr-packet') };
  const asked = choice === 'mtr-packet' || (choice === 'auto' && !(root && found.scamper !== null));
  const program = asked ? found.mtrPacket : null;
  return { ...found, mtrMay: program !== null && (await maySend({ program, clock, log, owner })) };
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

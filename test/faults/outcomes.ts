/**
 * What docs/delivery-faults.md promises of each cell of the fault matrix. The
 * tests hold the station to the words of that page, so that they cannot part.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChannelName, channels, type Fault, faults } from './peer.ts';

/** When the station is killed: see the page. */
export const moments = ['before', 'during', 'after'] as const;
export type Moment = (typeof moments)[number];

export type Cell = { readonly channel: ChannelName; readonly fault: Fault; readonly moment: Moment };
export const cells: readonly Cell[] = channels.flatMap((channel) =>
  faults.flatMap((fault) => moments.map((moment) => ({ channel, fault, moment }))),
);
export const nameOf = ({ channel, fault, moment }: Cell): string => `${channel}: ${fault}, killed ${moment}`;

export type Promised = {
  /** How many copies arrive at most; 0: it fails for good. */
  readonly copies: 0 | 1 | 2;
  /** At the start, by the next try after it, or (where it fails) by whom others hear of it. */
  readonly by: 'at once' | 'at the next try' | 'the next channel has it' | 'bob is told';
};

const words: Readonly<Record<string, Promised['copies']>> = { fails: 0, once: 1, 'twice at most': 2 };
const ways: readonly string[] = [
  'at once',
  'at the next try',
  'the next channel has it',
  'bob is told',
] satisfies readonly Promised['by'][];

const isWay = (way: string): way is Promised['by'] => ways.includes(way);

const page = join(import.meta.dirname, '../../docs/delivery-faults.md');

/** By the cell's name. @throws where the page has a cell that cannot be understood. */
export function promises(): ReadonlyMap<string, Promised> {
  const found = new Map<string, Promised>();
  let channel = '';
  for (const line of readFileSync(page, 'utf8').split('\n')) {
    channel = /^## .*\(`(\w+)`\)$/.exec(line)?.[1] ?? (line.startsWith('## ') ? '' : channel);
    const [, fault = '', ...rest] = line.split('|').map((cell) => cell.trim());
    const known = faults.find((one) => one === fault);
    const of = channels.find((one) => one === channel);
    if (of === undefined || known === undefined) continue;
    for (const [index, moment] of moments.entries()) {
      const cell = nameOf({ channel: of, fault: known, moment });
      found.set(cell, promiseOf(cell, rest[index] ?? ''));
    }
  }
  return found;
}

function promiseOf(cell: string, written: string): Promised {
  const [often = '', by = ''] = written.split(/, (?:and )?/);
  const copies = words[often];
  if (copies === undefined || !isWay(by)) throw new Error(`${cell}: "${written}" says nothing that is known`);
  return { copies, by };
}

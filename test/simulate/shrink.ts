/**
 * From a run that disagrees to the shortest list of inputs that still does: the
 * inputs that have to do with the alert first, then ever smaller parts left out,
 * for as long as it takes or the time is up.
 */
import type { Input } from './input.ts';
import type { Disagreement } from './judge.ts';
import { type RunOptions, run } from './run.ts';

const minute = 60_000;
const hour = 60 * minute;

export type Shrunk = {
  readonly inputs: readonly Input[];
  readonly disagreement: Disagreement;
  readonly tries: number;
};

export type ShrinkOptions = Pick<RunOptions, 'stage' | 'seed'> & {
  /** Made anew for each try. */
  readonly fault: () => RunOptions['fault'];
  /** All that happened up to then. */
  readonly inputs: readonly Input[];
  readonly from: number;
  readonly disagreement: Disagreement;
  /** So many tries, and so long in milliseconds of this machine. */
  readonly most: { readonly tries: number; readonly time: number };
};

export async function shrink(options: ShrinkOptions): Promise<Shrunk | null> {
  return await new Shrinker(options).shrink();
}

class Shrinker {
  private readonly options: ShrinkOptions;
  private readonly until: number;
  private readonly ends = process.uptime() * 1000;
  private tries = 0;
  private best: { readonly inputs: readonly Input[]; readonly disagreement: Disagreement } | null = null;

  constructor(options: ShrinkOptions) {
    this.options = options;
    this.until = options.disagreement.at + hour;
    this.ends += options.most.time;
  }

  async shrink(): Promise<Shrunk | null> {
    await this.begin();
    for (let parts = 2; this.best !== null && !this.over(); ) {
      const { inputs } = this.best;
      if (inputs.length <= 1) break;
      const size = Math.ceil(inputs.length / parts);
      let smaller = false;
      for (let at = 0; at < inputs.length && !smaller && !this.over(); at += size) {
        smaller = await this.fails([...inputs.slice(0, at), ...inputs.slice(at + size)]);
      }
      if (!smaller && size === 1) break;
      parts = smaller ? Math.max(2, parts - 1) : Math.min(inputs.length, parts * 2);
    }
    return this.best === null ? null : { ...this.best, tries: this.tries };
  }

  /** A first list that is short already: what was said of the alert's source of late, and what is no datagram. */
  private async begin(): Promise<void> {
    const { inputs, disagreement } = this.options;
    const source = disagreement.alert?.split(' ')[0] ?? null;
    const near = inputs.filter((input) => {
      if (input.kind === 'datagram') return source === null || input.update.source === source;
      return input.kind !== 'act' || source === null || input.alert.startsWith(`${source} `);
    });
    const quiet = near.filter(({ kind }) => kind === 'datagram' || kind === 'act' || kind === 'reload');
    for (const list of [quiet, near, inputs]) {
      for (const long of [2 * hour, 8 * hour, 30 * hour, 100 * hour, 400 * hour, Number.POSITIVE_INFINITY]) {
        if (this.over()) return;
        if (await this.fails(list.filter(({ at }) => at >= disagreement.at - long))) return;
      }
    }
  }

  private over(): boolean {
    return this.tries >= this.options.most.tries || process.uptime() * 1000 > this.ends;
  }

  private async fails(inputs: readonly Input[]): Promise<boolean> {
    const { stage, seed, fault, disagreement, from } = this.options;
    const [first] = inputs;
    if (first === undefined) return false;
    this.tries += 1;
    const begin = Math.max(from, Math.floor(first.at / minute) * minute - minute);
    const outcome = await run({ stage, seed, fault: fault(), from: begin, until: this.until, drain: false }, [
      inputs,
    ]);
    const same = outcome.disagreements.find(
      ({ kind, alert }) => kind === disagreement.kind && alert === disagreement.alert,
    );
    if (same === undefined) return false;
    this.best = { inputs, disagreement: same };
    return true;
  }
}

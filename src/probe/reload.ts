/**
 * probe.yaml read again while the probe runs: targets come, go and change, and
 * so do destinations. A file with a mistake is refused whole, in words, and
 * what is in force stays. What was added by the control socket stays watched.
 */
import type { Logger } from '../log.ts';
import type { Loaded, ProbeConfig } from './config.ts';
import type { AlertSender } from './send.ts';
import { type Target, targetKey } from './target.ts';
import type { Targets } from './targets.ts';

/** What is looked at once, when the probe starts. */
const onlyAtStart = [
  'name',
  'engine',
  'user',
  'control',
  'metrics',
  'state',
  'rate',
  'timeout',
  'retries',
  'maxHops',
  'fullEvery',
  'heartbeat',
  'logLevel',
] as const satisfies readonly (keyof ProbeConfig)[];

export type ReloadOptions = {
  readonly config: ProbeConfig;
  readonly load: () => Loaded;
  readonly targets: Targets;
  readonly sender: () => Pick<AlertSender, 'destinations'>;
  readonly log: Logger;
};

export class Reload {
  /** What is in force. */
  config: ProbeConfig;
  readonly #options: ReloadOptions;

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.config = options.config;
  }

  /** Watches what is to be watched from the start. */
  start(): void {
    for (const target of this.config.targets) this.#add(target);
  }

  again(): void {
    const { load, log, sender, targets } = this.#options;
    const loaded = load();
    if (!loaded.ok) {
      for (const line of loaded.text.trimEnd().split('\n')) log.error(line);
      log.error('the file was refused; what was in force stays');
      return;
    }
    if (loaded.kind === 'say') return;
    const [before, after] = [this.config, loaded.config];
    this.config = after;
    // By what tells them apart: one that is only spelled in another way goes on with all that is known of it.
    const old = new Map(before.targets.map((target) => [targetKey(target.word), target]));
    const keys = new Set(after.targets.map(({ word }) => targetKey(word)));
    let changed = 0;
    for (const [key, { word }] of old) {
      if (keys.has(key)) continue;
      targets.remove(word);
      changed += 1;
    }
    for (const target of after.targets) {
      const known = old.get(targetKey(target.word));
      // One that was removed or changed by hand is as it was: the file says how it is watched.
      const found = targets.find(target.word);
      if (known !== undefined && alike(known, target) && alike(found?.target, target)) continue;
      this.#add(target);
      changed += 1;
    }
    sender().destinations(after.to);
    const later = onlyAtStart.filter((key) => !alike(before[key], after[key]));
    if (later.length > 0)
      log.warn({ settings: later.join(', ') }, 'these settings take effect at the next start');
    log.info({ targets: after.targets.length, changed }, 'the file was read again and is in force');
  }

  #add(target: Target): void {
    const added = this.#options.targets.add(target);
    if (!added.ok)
      this.#options.log.warn({ target: target.word, reason: added.why }, 'a target is not watched');
  }
}

/** Plain data, made by one and the same function: their keys come in the same order. */
const alike = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

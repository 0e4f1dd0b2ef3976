/**
 * The traceroute laboratory (probe-lab.sh) for tests: one for each test process,
 * destroyed when that ends, however it ends. Nothing of it leaves the machine.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const script = join(import.meta.dirname, 'probe-lab.sh');
const commandMax = 60_000;

/** How a path of the lab shows in a trace, by the numbers of the links that lead to each hop. */
const links = { main: [1, 2, 3, 4, 5, 9, 10, 11, 18, 19] } as const;

/** Both follow from the folder, so that another process can destroy what one left that was killed. */
const prefixOf = (folder: string): string => `m${folder.slice(-6)}`;
const environment = (folder: string): NodeJS.ProcessEnv => ({
  ...process.env,
  LAB_PREFIX: prefixOf(folder),
  LAB_STATE: join(folder, 'state'),
});

function destroy(folder: string): void {
  try {
    execFileSync(script, ['destroy'], { env: environment(folder), timeout: commandMax });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Labs of processes that were killed before they could clean up. */
function destroyOrphans(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^mauve-lab-(\d+)-\w{6}$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) destroy(join(tmpdir(), name));
  }
}

export class Lab {
  /** For files of the tests; gone with the lab. */
  readonly folder = mkdtempSync(join(tmpdir(), `mauve-lab-${process.pid}-`));
  private readonly prefix = prefixOf(this.folder);
  private readonly destroyAtExit = (): void => this.destroy();
  private readonly endBySignal = (): never => process.exit(1);

  constructor(delayMs = 2) {
    destroyOrphans();
    process.on('exit', this.destroyAtExit);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, this.endBySignal);
    this.run('create', '--delay', `${delayMs}`);
    this.run('ecmp', 'off');
  }

  /** A command of probe-lab.sh. @throws with what it said when it fails. */
  run(...command: readonly string[]): string {
    const env = environment(this.folder);
    const ran = spawnSync(script, command, { env, encoding: 'utf8', timeout: commandMax });
    if (ran.status !== 0) throw new Error(`probe-lab.sh ${command.join(' ')}: ${ran.stderr}`);
    return ran.stdout;
  }

  /** @returns the path of a program that is `program`, run where the probe is, with no more privilege than `user` has. */
  inside(program: string, user: 'root' | 'nobody' = 'root'): string {
    const path = join(this.folder, `${program.replaceAll('/', '_')}-${user}`);
    const less = user === 'root' ? '' : 'setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all ';
    writeFileSync(path, `#!/bin/sh\nexec ip netns exec ${this.prefix}-p ${less}${program} "$@"\n`);
    chmodSync(path, 0o755);
    chmodSync(this.folder, 0o755);
    return path;
  }

  private destroy(): void {
    destroy(this.folder);
  }

  close(): void {
    process.removeListener('exit', this.destroyAtExit);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.removeListener(signal, this.endBySignal);
    this.destroy();
  }
}

/** The addresses of the hops before the target on the lab's main path. */
export const mainPath = (version: 4 | 6): string[] =>
  links.main.map((link) =>
    version === 4 ? `192.0.2.${2 * link - 1}` : `2001:db8:0:${link.toString(16)}::2`,
  );

export type Seen = { readonly pid: number; readonly name: string; readonly uid: number };

/** The living processes whose command line holds `text`. */
export function processesWith(text: string): Seen[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): Seen[] => {
      try {
        if (!readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(text)) return [];
        const status = readFileSync(`/proc/${name}/status`, 'latin1');
        if (/^State:\s+Z/m.test(status)) return [];
        const uid = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
        return [{ pid: Number(name), name: /^Name:\s+(.*)$/m.exec(status)?.[1] ?? '', uid }];
      } catch {
        return [];
      }
    });
}

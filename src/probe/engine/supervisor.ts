/**
 * A small keeper of one scamper, which stays root when the agent has dropped its
 * own privilege: it can do nothing but start that one command line again, give
 * its socket to the agent's user, and end it. Who gets hold of the agent gets
 * no more than that.
 *
 * It is a shell because a shell is a megabyte where Node is forty. Its orders
 * come through its standard input; the end of that input, so also a `kill -9` of
 * the agent, ends the engine and removes the socket.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { type Clock, milliseconds, seconds } from '../../time.ts';

/**
 * $1 socket, $2 its owner or nothing, then the command line. A process is killed
 * only while it is a child of this very shell: numbers are used again.
 */
const script = `
umask 077
socket=$1 owner=$2
shift 2
child=
ours() {
  [ -n "$child" ] && read -r line <"/proc/$child/stat" || return 1
  set -- \${line##*) }
  [ "$2" = $$ ] && [ "$1" != Z ]
} 2>/dev/null
end() {
  ours && kill -KILL "$child"
  [ -z "$child" ] || wait "$child" 2>/dev/null
  child=
  rm -f "$socket"
}
trap '' HUP INT QUIT PIPE
trap 'exit 0' TERM
trap 'end; rmdir "\${socket%/*}" 2>/dev/null' EXIT
ulimit -n 16384 2>/dev/null || ulimit -n "$(ulimit -Hn)" 2>/dev/null
while read -r order; do
  [ "$order" = start ] || continue
  end
  "$@" >/dev/null &
  child=$!
  tries=0
  while ours && [ ! -S "$socket" ] && [ $tries -lt 250 ]; do
    tries=$((tries + 1))
    sleep 0.02
  done
  if ours && [ -S "$socket" ] && { [ -z "$owner" ] || chown -h "$owner" "$socket"; }; then
    echo "ready $child"
  else
    end
    echo failed
  fi
done
`;

export type Started =
  | { readonly ok: true; readonly pid: number | null }
  | { readonly ok: false; readonly why: string };

/** What starts an engine and ends it. */
export interface Host {
  /** Starts it, and ends an older one before. */
  start(): Promise<Started>;
  close(): Promise<void>;
}

export type SuperviseOptions = {
  readonly clock: Clock;
  readonly socket: string;
  /** Who may use the socket: `uid:gid`; null for nobody but the one who starts it. */
  readonly owner: string | null;
  readonly command: readonly string[];
};

/** The keeper itself waits five seconds for the socket. */
const startMax = seconds(15);
const closeMax = seconds(5);
/** What is kept of its words on stderr. */
const errorsMax = 2000;

export class Supervisor implements Host {
  private readonly options: SuperviseOptions;
  private child: ChildProcess | null = null;
  private pid: number | null = null;
  private errors = '';
  private heard = '';
  private answer: ((started: Started) => void) | null = null;

  constructor(options: SuperviseOptions) {
    this.options = options;
    this.open();
  }

  private open(): void {
    const { socket, owner, command } = this.options;
    // A group of its own: a Ctrl-C is for the agent, which then ends it in order.
    const child = spawn('/bin/sh', ['-c', script, 'mauveprobe-engine', socket, owner ?? '', ...command], {
      detached: true,
      cwd: '/',
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child = child;
    const gone = (why: string) => (): void => {
      if (this.child === child) this.child = null;
      this.tell({ ok: false, why });
    };
    child.on('error', gone('its keeper cannot be started'));
    child.on('exit', gone('its keeper has ended'));
    child.stdin?.on('error', () => undefined);
    child.stdout?.on('data', (chunk: Buffer) => this.listen(chunk.toString('latin1')));
    child.stderr?.on('data', (chunk: Buffer) => {
      this.errors = (this.errors + chunk.toString('latin1')).slice(-errorsMax);
    });
  }

  private listen(text: string): void {
    this.heard = (this.heard + text).slice(-100);
    const said = /(failed|ready (\d+))\n/.exec(this.heard);
    if (said === null) return;
    this.heard = '';
    this.pid = said[2] === undefined ? null : Number(said[2]);
    if (this.pid === null) this.tell({ ok: false, why: this.lastError() });
    else this.tell({ ok: true, pid: this.pid });
  }

  /** The last thing it complained of, without the time that scamper puts before it. */
  private lastError(): string {
    const line = this.errors.trim().split('\n').at(-1) ?? '';
    const plain = line
      .replace(/^\[[\d:]+\] /, '')
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, 200);
    return plain === '' ? 'it ended, or made no socket' : plain;
  }

  private tell(started: Started): void {
    const answer = this.answer;
    this.answer = null;
    answer?.(started);
  }

  start(): Promise<Started> {
    // A keeper that was killed can be replaced only by who still is root; for others the new engine says why not.
    if (this.child === null) {
      this.endOrphan();
      this.open();
    }
    this.tell({ ok: false, why: 'it is started anew' });
    this.errors = '';
    return new Promise((resolve) => {
      const cancel = this.options.clock.after(startMax, () =>
        this.tell({ ok: false, why: 'its keeper says nothing' }),
      );
      this.answer = (started) => {
        cancel();
        resolve(started);
      };
      this.child?.stdin?.write('start\n');
    });
  }

  /** Somebody has killed the keeper: its engine is ended from here, if that is still it. */
  private endOrphan(): void {
    const { pid } = this;
    this.pid = null;
    if (pid === null) return;
    try {
      const { socket } = this.options;
      if (readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`\0${socket}\0`))
        process.kill(pid, 'SIGKILL');
      rmSync(socket, { force: true });
    } catch {
      // It is gone, or belongs to root and we no longer do.
    }
  }

  async close(): Promise<void> {
    const { child } = this;
    this.child = null;
    this.tell({ ok: false, why: 'closed' });
    if (child === null || child.exitCode !== null || child.signalCode !== null) {
      this.endOrphan();
      return;
    }
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.stdin?.end();
    const cancel = this.options.clock.after(closeMax, () => child.kill('SIGTERM'));
    const give = milliseconds(2 * closeMax);
    await Promise.race([ended, new Promise<void>((resolve) => this.options.clock.after(give, resolve))]);
    cancel();
  }
}

/** An engine that somebody else runs: there is nothing to start. */
export const elsewhere: Host = {
  start: async () => ({ ok: true, pid: null }),
  close: async () => undefined,
};

/**
 * A connection to scamper's socket: says commands, and knows which of them each
 * acknowledgement is for, since they come in order. It finds out when the other
 * end is gone, stuck, or no scamper.
 */
import { createConnection, type Socket } from 'node:net';
import { type Cancel, type Clock, type Duration, seconds } from '../../time.ts';
import { Dialogue, type Said } from './scamper-dialogue.ts';

/** What became of a command; the id is scamper's own, of a task that it has started. */
export type Acknowledged =
  | { readonly taken: true; readonly id: number | null }
  | { readonly taken: false; readonly why: string };

export type ConnectionOptions = {
  readonly clock: Clock;
  readonly path: string;
  /** How often it is seen whether it answers; after three times without, it is taken for stuck. */
  readonly pulse?: Duration;
  /** Whether anything is expected of it: only then it is asked. */
  readonly busy: () => boolean;
  readonly data: (text: string) => void;
  /** All that has come at once has been told. */
  readonly pause: () => void;
  /** It is of no more use; called once, and nothing after it. */
  readonly lost: (why: string) => void;
};

const pulse = seconds(2);
const pulsesMax = 3;
/** Scamper counts its tasks from 1, and reads this as -1. */
const noTask = 0xffff_ffff;

type Pending = { readonly then: (acknowledged: Acknowledged) => void; pulses: number };

function socketWords(code: string | undefined): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'ECONNREFUSED':
    case 'ENOTSOCK':
      return 'nobody answers there';
    case 'EACCES':
    case 'EPERM':
      return 'this user may not use it';
    default:
      return code ?? 'error';
  }
}

export class Connection {
  private readonly options: ConnectionOptions;
  private readonly socket: Socket;
  private readonly dialogue = new Dialogue();
  private readonly pending: Pending[] = [];
  /** Commands that are written at once, when those who say them have said all. */
  private unsaid = '';
  private open = true;
  private cancelPulse: Cancel = () => undefined;

  constructor(options: ConnectionOptions) {
    this.options = options;
    this.socket = createConnection(options.path);
    let why = 'it has closed the connection';
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      why = `its socket ${options.path}: ${socketWords(error.code)}`;
    });
    this.socket.on('close', () => this.lose(why));
    this.socket.on('data', (chunk: Buffer) => this.listen(chunk));
    this.beat();
  }

  /** @param then is not called once the connection is lost. */
  say(command: string, then: (acknowledged: Acknowledged) => void = () => undefined): void {
    if (!this.open) return;
    this.pending.push({ then, pulses: 0 });
    if (this.unsaid === '') queueMicrotask(() => this.flush());
    this.unsaid += `${command}\n`;
  }

  private flush(): void {
    if (this.open) this.socket.write(this.unsaid, 'latin1');
    this.unsaid = '';
  }

  private listen(chunk: Buffer): void {
    for (const said of this.dialogue.push(chunk)) {
      if (!this.open) return;
      this.hear(said);
    }
    if (this.open) this.options.pause();
  }

  private hear(said: Said): void {
    switch (said.kind) {
      case 'taken':
        this.acknowledged({ taken: true, id: said.id });
        break;
      case 'refused':
        this.acknowledged({ taken: false, why: said.why });
        break;
      case 'data':
        this.options.data(said.text);
        break;
      case 'nonsense':
        this.lose(`it talks nonsense: ${said.why}`);
        break;
    }
  }

  private acknowledged(acknowledged: Acknowledged): void {
    const command = this.pending.shift();
    if (command === undefined) this.lose('it answers what nobody asked');
    else command.then(acknowledged);
  }

  /** Sees to it that an engine which is stuck is found out, however long its tasks may take. */
  private beat(): void {
    this.cancelPulse = this.options.clock.after(this.options.pulse ?? pulse, () => {
      for (const command of this.pending) command.pulses += 1;
      if ((this.pending[0]?.pulses ?? 0) >= pulsesMax) {
        this.lose('it does not answer');
        return;
      }
      // Any answer will do, even that there is no such task.
      if (this.pending.length === 0 && this.options.busy()) this.say(`halt ${noTask}`);
      this.beat();
    });
  }

  private lose(why: string): void {
    if (!this.open) return;
    this.close();
    this.options.lost(why);
  }

  close(): void {
    this.open = false;
    this.cancelPulse();
    this.socket.destroy();
  }
}

/**
 * A line between the station and a peer that fails as networks and overloaded
 * servers do: refuses, breaks off, keeps back what it was given, is slow. It
 * says when the peer's answer has just been handed to the station, so that the
 * station can be killed at that moment.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../kit/ports.ts';

export class Line {
  port = 0;
  /** Called with whatever the station says, before it goes on. */
  heard: (bytes: Buffer) => void = () => undefined;
  private target = 0;
  private server: Server | null = null;
  private readonly sockets = new Set<Socket>();
  /** Instead of passing connections on. */
  private refusing: (() => void) | null = null;
  /** What the station said and the peer has not got yet; null: it gets everything. */
  private held: (() => void)[] | null = null;
  private delay = 0;
  private muted = false;
  private afterAnswer: (() => void) | null = null;

  /** @param target a port on this machine. */
  static async to(target: number): Promise<Line> {
    const line = new Line();
    line.target = target;
    await line.listen();
    return line;
  }

  private async listen(): Promise<void> {
    if (this.port === 0) this.port = await freePort();
    const server = createServer((near) => this.join(near));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', resolve);
    });
  }

  private join(near: Socket): void {
    near.on('error', () => undefined);
    if (this.refusing !== null) {
      const { refusing } = this;
      refusing();
      near.resetAndDestroy();
      return;
    }
    const far = connect(this.target, '127.0.0.1');
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => this.sockets.delete(socket));
    }
    near.on('data', (bytes) => {
      this.heard(bytes);
      this.pass(() => far.write(bytes));
    });
    near.on('close', () => this.pass(() => far.end()));
    far.on('data', (bytes) => this.later(() => this.answer(near, bytes)));
    far.on('close', () => this.later(() => near.destroy()));
  }

  private pass(work: () => void): void {
    if (this.held === null) work();
    else this.held.push(work);
  }

  private later(work: () => void): void {
    if (this.delay === 0) work();
    else setTimeout(work, this.delay);
  }

  private answer(near: Socket, bytes: Buffer): void {
    if (near.destroyed || this.muted) return;
    near.write(bytes);
    const act = this.afterAnswer;
    this.afterAnswer = null;
    act?.();
  }

  /** Calls `act` once, when the station has been handed what the peer says next. */
  afterNextAnswer(act: () => void): void {
    this.afterAnswer = act;
  }

  /** Nobody listens any more, and what there was is broken off. */
  async refuse(): Promise<void> {
    const { server } = this;
    this.server = null;
    this.cut();
    if (server !== null) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  /** Takes each connection, calls `act`, and breaks it off without a word. */
  refuseAfter(act: () => void): void {
    this.refusing = act;
    this.cut();
  }

  /** The peer gets nothing of what the station says, and nobody is told. */
  hold(): void {
    this.held ??= [];
  }

  /** Nothing of what the peer says gets through until the line is cut. */
  mute(): void {
    this.muted = true;
  }

  /** What the peer says takes so many milliseconds to come through. */
  slow(ms: number): void {
    this.delay = ms;
  }

  /** Works again. What was kept back reaches the peer now, as a server reads late what was sent to it. */
  async mend(): Promise<void> {
    this.refusing = null;
    this.delay = 0;
    const held = this.held ?? [];
    this.held = null;
    for (const work of held) work();
    if (this.server === null) await this.listen();
  }

  /** Breaks off what there is; new connections can be made. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
    this.muted = false;
  }

  async close(): Promise<void> {
    this.held = null;
    await this.refuse();
  }
}

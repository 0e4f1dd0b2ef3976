/** A line between a client and a server that a test can cut, hold up and mend, as networks do. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Wire {
  port = 0;
  /** How many connections came over it so far. */
  connections = 0;
  private readonly target: number;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private broken = false;

  private constructor(target: number) {
    this.target = target;
    this.server = createServer((near) => this.join(near));
  }

  /** @param target a port on this machine. */
  static async to(target: number): Promise<Wire> {
    const wire = new Wire(target);
    await new Promise<void>((resolve) => wire.server.listen(0, '127.0.0.1', resolve));
    const address = wire.server.address();
    if (typeof address === 'object' && address !== null) wire.port = address.port;
    return wire;
  }

  private join(near: Socket): void {
    if (this.broken) {
      near.destroy();
      return;
    }
    this.connections += 1;
    const far = connect(this.target, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(one);
      one.on('error', () => undefined);
      one.on('data', (bytes) => other.write(bytes));
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
    }
  }

  /** Every connection ends, and none can be made. */
  cut(): void {
    this.broken = true;
    for (const socket of this.sockets) socket.destroy();
  }

  mend(): void {
    this.broken = false;
  }

  /** What is on its way stays there, and nobody is told. */
  hold(): void {
    for (const socket of this.sockets) socket.pause();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

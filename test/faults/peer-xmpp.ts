/**
 * A real Prosody over a line, as a peer of the fault matrix. One server, with
 * one receiver, serves all cells of a process; each has a line and a resource
 * of its own. Without TLS, so that a message on the line can be told from what
 * else is said there: XMPP over TLS has its own tests.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../kit/process.ts';
import { Friend, Prosody } from '../kit/prosody.ts';
import { Line } from './line.ts';
import { type Fault, type Peer, type Received, slowness } from './peer.ts';

const accounts = { mauve: 'correct-horse-battery', ann: 'ann-secret' };

type Server = { readonly prosody: Prosody; readonly ann: Friend; readonly faults: string };
let server: Promise<Server> | null = null;
let opened = 0;

async function startServer(): Promise<Server> {
  const faults = mkdtempSync(join(tmpdir(), 'mauve-xmpp-faults-'));
  const prosody = await Prosody.start({ accounts, withoutTls: true });
  const added = `plugin_paths = { ${JSON.stringify(import.meta.dirname)} }\nmauve_faults_folder = ${JSON.stringify(faults)}\n`;
  const config = readFileSync(prosody.configFile, 'utf8').replace(
    'modules_enabled = {',
    'modules_enabled = { "mauve_faults";',
  );
  writeFileSync(prosody.configFile, `${added}${config}`);
  await prosody.stop();
  await prosody.again();
  return { prosody, ann: await Friend.connect(prosody, 'ann', accounts.ann), faults };
}

/** Ends the server that the peers of this process had in common. */
export async function endXmppServer(): Promise<void> {
  const started = await server;
  server = null;
  if (started === null) return;
  await started.ann.close();
  await started.prosody.close();
  rmSync(started.faults, { recursive: true, force: true });
}

export class XmppPeer implements Peer {
  readonly channel = 'xmpp';
  readonly env = { MAUVE_XMPP_PASSWORD: accounts.mauve };
  readonly resumes = true;
  readonly line: Line;
  asked: () => void = () => undefined;
  broke: () => void = () => undefined;
  attempts = 0;
  private readonly server: Server;
  private readonly resource: string;
  private loses = false;

  private constructor(server: Server, line: Line) {
    opened += 1;
    this.server = server;
    this.line = line;
    this.resource = `cell-${opened}`;
    line.heard = (bytes) => {
      if (bytes.includes('<message ')) this.message();
    };
  }

  static async open(): Promise<XmppPeer> {
    server ??= startServer();
    const started = await server;
    return new XmppPeer(started, await Line.to(started.prosody.port));
  }

  get address(): string {
    return this.server.prosody.jid('ann');
  }

  get settings(): Peer['settings'] {
    const { prosody } = this.server;
    const service = `xmpp://127.0.0.1:${this.line.port}`;
    return { jid: prosody.jid('mauve'), service, tls: 'off', resource: this.resource };
  }

  get received(): readonly Received[] {
    const own = `${this.server.prosody.jid('mauve')}/${this.resource}`;
    const mine = this.server.ann.messages.filter(({ from }) => from === own);
    return mine.map(({ id, body }) => ({ id, text: body }));
  }

  set(fault: Fault | null): void {
    const refusal = fault === 'permanent' || fault === 'rate-limited' ? fault : '';
    writeFileSync(join(this.server.faults, this.resource), refusal);
    if (fault === 'timeout') this.line.hold();
    if (fault === 'slow') this.line.slow(slowness);
    this.loses = fault === 'accepted, then lost';
  }

  private message(): void {
    this.attempts += 1;
    if (this.loses) void this.lose();
    this.asked();
  }

  /** The server takes it, and the connection breaks off before the station hears of that. */
  private async lose(): Promise<void> {
    this.loses = false;
    this.line.mute();
    const before = this.received.length;
    await eventually(
      () => this.received.length,
      (count) => count > before,
    );
    this.line.cut();
    this.broke();
  }

  async close(): Promise<void> {
    await this.line.close();
  }
}

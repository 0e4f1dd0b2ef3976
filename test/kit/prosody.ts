/**
 * A real XMPP server for tests: Prosody with a folder, a certificate and ports
 * of its own on loopback, that can be stopped, killed, paused and started
 * again; and people with accounts on it, by a client of their own.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { type Client, client, type Element, type Transport, type Tube, xml } from '@xmpp/client';
import { freePort } from './ports.ts';
import { eventually, pause } from './process.ts';

const startMax = 20_000;

export type ProsodyOptions = {
  /** Passwords by user. */
  readonly accounts: Readonly<Record<string, string>>;
  /** Without it, messages are acknowledged only by the answer to a ping. */
  readonly streamManagement?: boolean;
  /** The name that its certificate holds for, instead of its domain. */
  readonly certificateFor?: string;
  /** Serves without TLS, and takes logins over that. */
  readonly withoutTls?: boolean;
};

export class Prosody {
  readonly domain = 'mauve.test';
  readonly conference = 'conference.mauve.test';
  readonly folder: string;
  /** STARTTLS; and TLS from the first byte. */
  port = 0;
  tlsPort = 0;
  private child: ChildProcess | null = null;
  private readonly options: ProsodyOptions;

  private constructor(options: ProsodyOptions) {
    this.options = options;
    this.folder = mkdtempSync(join(tmpdir(), 'mauve-prosody-'));
  }

  /** Resolves when it takes connections. */
  static async start(options: ProsodyOptions): Promise<Prosody> {
    const prosody = new Prosody(options);
    makeCertificate(prosody.folder, options.certificateFor ?? prosody.domain);
    mkdirSync(join(prosody.folder, 'data'));
    for (;;) {
      prosody.port = await freePort();
      prosody.tlsPort = await freePort();
      writeFileSync(prosody.configFile, prosody.config());
      for (const [user, password] of Object.entries(options.accounts)) prosody.register(user, password);
      if (await prosody.run()) return prosody;
    }
  }

  get configFile(): string {
    return join(this.folder, 'prosody.cfg.lua');
  }

  /** Of the CA that made its certificate, which is that certificate itself. */
  get certificateFile(): string {
    return join(this.folder, 'cert.pem');
  }

  get certificate(): string {
    return readFileSync(this.certificateFile, 'utf8');
  }

  /** As in a station file. */
  get service(): string {
    return `xmpp://127.0.0.1:${this.port}`;
  }

  get tlsService(): string {
    return `xmpps://127.0.0.1:${this.tlsPort}`;
  }

  jid(user: string): string {
    return `${user}@${this.domain}`;
  }

  room(name: string): string {
    return `${name}@${this.conference}`;
  }

  /** What it has logged. */
  get log(): string {
    return readFileSync(join(this.folder, 'prosody.log'), 'utf8');
  }

  private config(): string {
    const { streamManagement = true, withoutTls = false } = this.options;
    const modules = ['roster', 'saslauth', 'tls', 'disco', 'posix', 'ping', 'offline', 'carbons'];
    if (streamManagement) modules.push('smacks');
    const text = JSON.stringify;
    return `
run_as_root = true
daemonize = false
pidfile = ${text(join(this.folder, 'prosody.pid'))}
data_path = ${text(join(this.folder, 'data'))}
log = { debug = ${text(join(this.folder, 'prosody.log'))} }
interfaces = { "127.0.0.1" }
c2s_ports = { ${this.port} }
c2s_direct_tls_ports = { ${this.tlsPort} }
s2s_ports = {}
http_ports = {}
https_ports = {}
modules_enabled = { ${modules.map((name) => text(name)).join('; ')} }
modules_disabled = { "s2s", "http" }
c2s_require_encryption = ${!withoutTls}
allow_unencrypted_plain_auth = false
authentication = "internal_hashed"
ssl = { key = ${text(join(this.folder, 'key.pem'))}, certificate = ${text(this.certificateFile)} }
VirtualHost "${this.domain}"
Component "${this.conference}" "muc"
muc_room_locking = false
muc_tombstones = false
`;
  }

  register(user: string, password: string): void {
    const args = ['--root', '--config', this.configFile, 'register', user, this.domain, password];
    execFileSync('prosodyctl', args, { stdio: 'ignore', timeout: startMax });
  }

  /** @returns false where its ports were taken meanwhile. */
  private async run(): Promise<boolean> {
    const child = spawn('prosody', ['-F', '--root', '--config', this.configFile], { stdio: 'ignore' });
    this.child = child;
    const ready = await eventually(
      async () =>
        child.exitCode === null
          ? (await listens(this.port)) && (await listens(this.tlsPort))
            ? 'ready'
            : 'starting'
          : 'ended',
      (answer) => answer !== 'starting',
      startMax,
    );
    if (ready === 'ended') throw new Error(`prosody ended with ${child.exitCode}: ${this.log}`);
    // Somebody else could have our port, and Prosody goes on without it.
    const taken = /Failed to open server port/.test(this.log);
    if (taken) {
      await this.stop('SIGKILL');
      rmSync(join(this.folder, 'prosody.log'));
    }
    return !taken;
  }

  /** Resolves when it has ended. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const { child } = this;
    this.child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  /** On the same ports, with the same data. */
  async again(): Promise<void> {
    if (!(await this.run())) throw new Error('the ports of Prosody were taken while it was down');
  }

  /** It takes connections and says nothing. */
  pause(): void {
    this.child?.kill('SIGSTOP');
  }

  resume(): void {
    this.child?.kill('SIGCONT');
  }

  async close(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A certificate of its own, with the names given. */
export function makeCertificate(folder: string, ...names: readonly string[]): void {
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const where = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem'), '-days', '2'];
  const alternatives = names.map((name) => `DNS:${name}`).join(',');
  const who = ['-subj', `/CN=${names[0]}`, '-addext', `subjectAltName=${alternatives}`];
  execFileSync('openssl', [...args, ...where, ...who], { stdio: 'ignore' });
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

// ---------------------------------------------------------------- people

export type FriendMessage = {
  readonly from: string;
  readonly type: string;
  readonly body: string;
  readonly id: string;
  /** It was kept for later, or repeated from before. */
  readonly delayed: boolean;
};

const muc = 'http://jabber.org/protocol/muc';
const mucAdmin = 'http://jabber.org/protocol/muc#admin';
const mucOwner = 'http://jabber.org/protocol/muc#owner';

/** Somebody with an account, who comes back by themselves when the server does. */
export class Friend {
  readonly jid: string;
  readonly messages: FriendMessage[] = [];
  /** Presence from rooms and people, as it came. */
  readonly presences: Element[] = [];
  /** Whether others may see that they are online. */
  approves = true;
  /** They go into these again when they come back. */
  private readonly inRooms = new Map<string, string>();
  private readonly client: Client;
  private online = false;
  private show: 'available' | 'unavailable' = 'available';
  private readonly answers = new Map<string, Element>();
  private asked = 0;

  private constructor(prosody: Prosody, user: string, password: string, resource: string) {
    this.jid = prosody.jid(user);
    this.client = client({
      service: prosody.tlsService,
      domain: prosody.domain,
      username: user,
      // SCRAM would hold up the whole test for half a second.
      credentials: (authenticate) => authenticate({ username: user, password }, 'PLAIN'),
      resource,
      timeout: 15_000,
    });
    trust(this.client, prosody);
    this.listen();
  }

  /** Resolves when they are online. */
  static async connect(
    prosody: Prosody,
    user: string,
    password: string,
    options: { readonly resource?: string; readonly quiet?: boolean } = {},
  ): Promise<Friend> {
    const friend = new Friend(prosody, user, password, options.resource ?? 'phone');
    if (options.quiet === true) friend.show = 'unavailable';
    await friend.client.start();
    await friend.back();
    return friend;
  }

  private listen(): void {
    const { client: own } = this;
    own.on('error', () => undefined);
    own.on('disconnect', () => {
      this.online = false;
    });
    own.on('online', () => void this.arrive());
    // The library miscounts what it acknowledges; without that, nothing comes twice on this side.
    own.prependListener('element', (element: Element) => {
      if (element.name !== 'stream:features') return;
      element.children = element.children.filter((child) => typeof child === 'string' || child.name !== 'sm');
    });
    own.on('element', (element: Element) => this.took(element));
  }

  private async arrive(): Promise<void> {
    const { show } = this;
    if (show === 'available') await this.send(xml('presence'));
    for (const [room, nick] of this.inRooms) await this.send(into(room, nick));
    this.online = true;
  }

  private took(element: Element): void {
    const { name, attrs } = element;
    if (name === 'message') {
      this.messages.push({
        from: attrs.from ?? '',
        type: attrs.type ?? 'normal',
        body: element.getChildText('body') ?? '',
        id: attrs.id ?? '',
        delayed: element.getChild('delay', 'urn:xmpp:delay') !== undefined,
      });
    } else if (name === 'presence') {
      this.presences.push(element);
      if (attrs.type === 'subscribe' && this.approves) {
        void this.send(xml('presence', { to: attrs.from, type: 'subscribed' }));
      }
    } else if (name === 'iq') this.answers.set(attrs.id ?? '', element);
  }

  /** Resolves once the connection is there, again. */
  async back(): Promise<void> {
    await eventually(
      () => this.online,
      (online) => online,
      30_000,
    );
  }

  async send(stanza: Element): Promise<void> {
    await this.client.send(stanza).catch(() => undefined);
  }

  async ask(to: string | undefined, type: 'get' | 'set', child: Element): Promise<Element> {
    this.asked += 1;
    const id = `asked-${this.asked}`;
    await this.send(xml('iq', { id, type, to }, child));
    await eventually(
      () => this.answers.has(id),
      (there) => there,
    );
    return this.answers.get(id) ?? child;
  }

  async say(to: string, body: string, type = 'chat', extra: readonly Element[] = []): Promise<void> {
    await this.send(
      xml('message', { to, type, id: `friend-${Math.random()}` }, xml('body', {}, body), ...extra),
    );
  }

  async setPresence(show: 'available' | 'unavailable', priority = 0): Promise<void> {
    this.show = show;
    const how = show === 'available' ? {} : { type: 'unavailable' };
    await this.send(xml('presence', how, xml('priority', {}, `${priority}`)));
  }

  /** Resolves when they are in it; a room that nobody made is made. */
  async enter(room: string, nick: string, options: Readonly<Record<string, string>> = {}): Promise<void> {
    const before = this.presences.length;
    this.inRooms.set(room, nick);
    await this.send(into(room, nick));
    await eventually(
      () => this.presences.slice(before).some(({ attrs }) => attrs.from === `${room}/${nick}`),
      (there) => there,
    );
    if (Object.keys(options).length > 0) await this.configure(room, options);
  }

  /** As its owner. */
  async configure(room: string, options: Readonly<Record<string, string>>): Promise<void> {
    const fields = Object.entries({ FORM_TYPE: 'http://jabber.org/protocol/muc#roomconfig', ...options });
    const form = fields.map(([name, value]) => xml('field', { var: name }, xml('value', {}, value)));
    const x = xml('x', { xmlns: 'jabber:x:data', type: 'submit' }, ...form);
    await this.ask(room, 'set', xml('query', { xmlns: mucOwner }, x));
  }

  /** Kicks (`role: none`), bans (`affiliation: outcast`), or makes a member. */
  async rule(room: string, item: Readonly<Record<string, string>>, reason = ''): Promise<Element> {
    const about = xml('item', { ...item }, xml('reason', {}, reason));
    return await this.ask(room, 'set', xml('query', { xmlns: mucAdmin }, about));
  }

  /** Waits for a message whose text has these words in it. */
  async hears(words: string | RegExp, ms = 15_000): Promise<FriendMessage> {
    const has = ({ body }: FriendMessage): boolean =>
      typeof words === 'string' ? body.includes(words) : words.test(body);
    const found = await eventually(
      () => this.messages.find(has) ?? null,
      (message) => message !== null,
      ms,
    );
    if (found === null) throw new Error(`never heard ${words}`);
    return found;
  }

  async close(): Promise<void> {
    this.client.reconnect.stop();
    this.client.timeout = 500;
    await Promise.race([this.client.stop().catch(() => undefined), pause(1000)]);
  }
}

const into = (room: string, nick: string): Element =>
  xml('presence', { to: `${room}/${nick}` }, xml('x', { xmlns: muc }));

/** The library asks for no CA: its transport for TLS is given one. */
function trust(of: Client, prosody: Prosody): void {
  const tls = of.transports.find((one) => one.prototype.socketParameters('xmpps://x') !== undefined);
  if (tls === undefined) throw new Error('the library has no TLS');
  const parameters = { host: '127.0.0.1', servername: prosody.domain, ca: prosody.certificate };
  // It also decodes each packet by itself, and so breaks characters that lie across two.
  function Socket(): Tube {
    const decoder = new StringDecoder('utf8');
    const socket = new (tls as Transport).prototype.Socket();
    const emit = socket.emit.bind(socket);
    socket.emit = (name, ...more) =>
      name === 'data' ? emit('data', decoder.write(more[0])) : emit(name, ...more);
    return socket;
  }
  const prototype = Object.assign(Object.create(tls.prototype), {
    socketParameters: () => ({ ...parameters, port: prosody.tlsPort }),
    Socket,
  });
  of.transports.splice(0, of.transports.length, { prototype });
}

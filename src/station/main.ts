/**
 * `mauveserver`: puts the station together, and takes it down in good order.
 * Nothing is decided here; this file only knows who needs whom.
 */
import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Logger, openLog } from '../log.ts';
import { newTransmissionId, send } from '../send/sender.ts';
import { type Cancel, days, plus, seconds, systemClock } from '../time.ts';
import { encode } from '../wire/update.ts';
import { formatAddress } from './address.ts';
import type { Channel, ChannelEdges } from './channels/channel.ts';
import { openEmail } from './channels/email.ts';
import { openInbox } from './channels/inbox.ts';
import { openSms } from './channels/sms.ts';
import { openWebhook } from './channels/webhook.ts';
import { openXmpp } from './channels/xmpp.ts';
import { defaultBaseUrl, loadConfig, type StationConfig } from './config.ts';
import type { Policy } from './core/policy.ts';
import { openDeliver } from './deliver.ts';
import { openHeartbeat } from './heartbeat.ts';
import { IntakeError, openIntake } from './intake.ts';
import { loadLinkSecret, openLinks } from './links.ts';
import { readLocalFile } from './local-file.ts';
import { openRenderer } from './messages/renderer.ts';
import { Meters } from './meters.ts';
import { openNames } from './names.ts';
import { openFeedRefresh } from './policy/feed-refresh.ts';
import { openFeeds } from './policy/feeds.ts';
import { type PolicyRead, PolicySource } from './policy/source.ts';
import { openReplies } from './replies.ts';
import { openStation, type Station } from './station.ts';
import { StationView } from './station-view.ts';
import { StoreError } from './store/errors.ts';
import { lockDataFolder } from './store/lock.ts';
import { openSqlite } from './store/sqlite.ts';
import { openReads } from './store/sqlite-reads.ts';
import type { Accounts } from './store/store.ts';
import { intakeEntry, projectFolder, webEntry } from './threads.ts';
import { openWebThread, WebError } from './web-thread.ts';
import { oneLine } from './yaml-file.ts';

const exit = { bug: 70, unavailable: 69, cannotCreate: 73, config: 78 } as const;
/** How long an orderly end may take before the process ends all the same. */
const stopMax = seconds(20);
const sendsEndWithin = seconds(5);
const drainsWithin = seconds(8);
const welcomeLives = days(1);
/** In the data folder: the last good content of calendars and lists. */
const feedsFolder = 'feeds';
const clock = systemClock;

/** A reason not to start, or to end: lines for stderr. */
class Refusal extends Error {
  readonly code: number;
  constructor(code: number, lines: readonly string[]) {
    super(lines.join('\n'));
    this.code = code;
  }
}

/** @param edges what a channel is opened with, by its name. */
function openChannels(
  { channels: { email, sms, xmpp, webhook } }: StationConfig,
  edges: (name: string) => ChannelEdges,
): readonly Channel[] {
  const channels = [openInbox()];
  if (email !== null) channels.push(openEmail(email, edges('email')));
  if (sms !== null) channels.push(openSms(sms, edges('sms')));
  if (xmpp !== null) channels.push(openXmpp(xmpp, edges('xmpp')));
  if (webhook !== null) channels.push(openWebhook(webhook, edges('webhook')));
  return channels;
}

/** Puts what was read in force; a policy that is broken is refused, and the old one stays. */
async function reload(
  read: PolicyRead,
  files: 'new' | 'old',
  { station, view, log }: { station: Station; view: StationView; log: Logger },
): Promise<void> {
  if (read.ok) {
    await station.load(read.policy);
    // New content of a calendar mends no file that was refused.
    if (files === 'new') view.policyRefused = null;
    log.info('the policy was read again and is in force');
    return;
  }
  for (const fault of read.faults) log.error(fault);
  view.policyRefused = read.faults[0] ?? null;
  log.error('the policy was refused; the old one stays in force');
}

/** A link that logs the first person in, while nobody can log in otherwise. */
async function welcomeLink(accounts: Accounts, policy: Policy, baseUrl: string): Promise<string | null> {
  const users = await accounts.listUsers();
  if (users.some((user) => user.passwordHash !== null)) return null;
  const [person] = policy.people.keys();
  const name = users[0]?.name ?? person ?? 'admin';
  if (users.length === 0) await accounts.addUser(name, null, clock.now());
  const secret = randomBytes(32).toString('base64url');
  const hash = createHash('sha256').update(secret).digest('hex');
  await accounts.addLoginLink(hash, name, plus(clock.now(), welcomeLives));
  return `${baseUrl}/welcome/${secret}`;
}

function announce(udp: { address: string; port: number }, page: string, welcome: string | null): void {
  const destination = udp.port === 32741 ? '127.0.0.1' : `127.0.0.1:${udp.port}`;
  const lines = [
    'Mauve is running.',
    `  Alerts:   UDP ${formatAddress({ host: udp.address, port: udp.port })}`,
    `  Page:     ${page}`,
  ];
  if (welcome !== null) lines.push(`  Log in:   ${welcome}`, '            (works once, within a day)');
  lines.push(`  Try:      bin/mauvesend -i disk -s "disk is 97% full" -u db1 ${destination}`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Runs the station until it is told to end. */
async function run(config: StationConfig, warnings: readonly string[]): Promise<void> {
  const log = openLog(config.logLevel, 'station');
  for (const warning of warnings) log.warn(warning);
  const feeds = openFeeds({ folder: join(config.data, feedsFolder), clock, log });
  const source = new PolicySource({ path: config.policy, feeds, clock, log });
  const read = await source.read();
  if (!read.ok) throw new Refusal(exit.config, read.faults);
  const { policy } = read;

  const lock = lockDataFolder(config.data);
  const store = openSqlite({ folder: config.data });
  const reads = openReads({ folder: config.data });
  const meters = new Meters(true);
  const names = openNames({
    clock,
    log,
    onFound: (found) => void station.handle([{ kind: 'names', at: clock.now(), found }]),
  });
  const station: Station = openStation({ store, policy, clock, log, meters, names });
  const secret = await loadLinkSecret(store);
  const links = openLinks({ secret, clock, policy: () => station.policy() });
  // Filled once there is somebody to hear what they say.
  const channels = new Map<string, Channel>();
  const view = new StationView({
    station,
    store,
    reads,
    meters,
    feeds,
    channels,
    readLink: (token) => links.read(token),
  });

  const { logLevel, trustProxy } = config;
  const web = await openWebThread(
    webEntry,
    { ...config.web, baseUrl: config.baseUrl, trustProxy, folder: config.data, logLevel },
    view,
  );
  const baseUrl = config.baseUrl ?? defaultBaseUrl(web.address);
  const replies = openReplies({ station, store, clock, log });
  const renderer = openRenderer({
    onFault: ({ file, line, column, message }) => log.warn({ template: file, line, column }, message),
  });
  const deliver = openDeliver({
    store,
    door: station,
    channels,
    policy: () => station.policy(),
    baseUrl,
    render: (say, context, { templates }) => renderer.render(say, context, templates),
    ackLink: (alert, person, from) => `${baseUrl}/a/${links.make(alert, person, from)}`,
    clock,
    log,
    meters,
  });
  view.deliver = deliver;
  const edges = (name: string): ChannelEdges => ({
    clock,
    log,
    events: { report: (report) => deliver.report(name, report), heard: (heard) => replies.heard(heard) },
  });
  for (const channel of openChannels(config, edges)) channels.set(channel.name, channel);
  station.onCommit((nudge) => {
    if (nudge.owes) deliver.nudge();
  });
  await station.start();
  deliver.nudge();
  const { receiveBuffer } = config;
  const intake = await openIntake({
    worker: intakeEntry,
    settings: { ...config.udp, receiveBuffer, logLevel },
    door: station,
    clock,
    log,
    meters,
  });
  view.listening = true;
  const stopHeartbeat = startHeartbeat(config, log);

  const refresh = openFeedRefresh({
    feeds,
    source,
    clock,
    load: (again, files) => reload(again, files, { station, view, log }),
    log,
  });
  onHangUp = () => refresh.readFiles();
  const end = async (signal: string): Promise<void> => {
    clock.after(stopMax, () => {
      log.error('the station did not end in time: what was committed is safe, the rest is lost');
      process.exit(exit.bug);
    });
    stopHeartbeat();
    refresh.stop();
    names.stop();
    view.listening = false;
    await intake.close(drainsWithin);
    await web.close();
    await deliver.stop(sendsEndWithin);
    await station.stop();
    for (const channel of channels.values()) await channel.close();
    await reads.close();
    await store.close();
    lock.release();
    log.info({ signal }, 'the station has ended in good order');
    process.exit(0);
  };
  // A second signal, as a terminal's ^C and a parent's both bring, must not cut short what the first began.
  let ending = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (!ending) void end(signal);
      ending = true;
    });
  }

  const welcome = config.welcome ? await welcomeLink(store.accounts, policy, baseUrl) : null;
  announce(intake, baseUrl, welcome);
  for (const problem of (await view.health()).problems) log.warn(problem);
  log.info(
    { udp: formatAddress({ host: intake.address, port: intake.port }), web: baseUrl },
    'the station is ready',
  );
}

function startHeartbeat(config: StationConfig, log: Logger): Cancel {
  if (config.heartbeat === null) return () => undefined;
  const { to, every } = config.heartbeat;
  return openHeartbeat({
    host: hostname(),
    every,
    clock,
    log,
    send: async (update) => {
      const datagram = encode({ ...update, transmissionId: newTransmissionId() });
      const deliveries = await send(datagram, to);
      if (deliveries.some((delivery) => delivery.sent.length > 0)) return null;
      return deliveries
        .flatMap((delivery) => delivery.failed.map((one) => `${one.where}: ${one.detail}`))
        .join('; ');
    },
  });
}

async function main(): Promise<void> {
  const version = process.env.MAUVE_VERSION ?? 'development';
  const loaded = loadConfig({
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    defaultPolicy: fileURLToPath(new URL('policies/default.yaml', `${projectFolder}/`)),
    version,
    readFile: readLocalFile,
  });
  if (!loaded.ok) throw new Refusal(loaded.exitCode, loaded.faults);
  if (loaded.kind === 'say') {
    process.stdout.write(loaded.text);
    return;
  }
  if (loaded.kind === 'run') return await run(loaded.config, loaded.warnings);
  const log = openLog('warn', 'station');
  for (const warning of loaded.warnings) log.warn(warning);
  const feeds = openFeeds({ folder: null, clock, log });
  const read = await new PolicySource({ path: loaded.config.policy, feeds, clock, log }).read();
  if (!read.ok) throw new Refusal(exit.config, read.faults);
}

// Asked to read the policy again while it is only starting, the station must not die of it.
let onHangUp: () => void = () => undefined;
process.on('SIGHUP', () => onHangUp());
// What `pidof` and `ps` show; Node would call itself MainThread.
process.title = 'mauveserver';
// Who started the station may no longer listen to it; it has better things to do than to die of that.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

try {
  await main();
} catch (error) {
  if (error instanceof Refusal) {
    process.stderr.write(`${error.message}\n`);
    process.exit(error.code);
  }
  if (error instanceof StoreError || error instanceof IntakeError || error instanceof WebError) {
    process.stderr.write(`mauveserver: ${oneLine(error.message)}\n`);
    process.exit(error instanceof StoreError ? exit.cannotCreate : exit.unavailable);
  }
  throw error;
}

/**
 * mauvesend: puts the parts together. Reads the command line, sends, and says
 * nothing if that went well: it runs from cron.
 *
 * Its start is its whole life, so it loads nothing that it does not need:
 * names are looked up, and output is written, by modules that are only loaded
 * then.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemClock } from '../time.ts';
import { type AlertUpdate, datagramMax, encode } from '../wire/update.ts';
import { help, manual } from './help.ts';
import { parseOptions, type SendPlan } from './options.ts';
import { type Delivery, newTransmissionId, type SendFailure, send } from './sender.ts';
import { brief, full } from './show.ts';

const destinationFile = '/etc/mauvealert/mauvesend.destination';
/**
 * For the system's resolver: silent name servers are given up after some 4 s.
 * By its own settings it would go on for 10 s and more, and no process can end
 * while it does.
 */
const resolverOptions = 'timeout:2 attempts:2';
const version = process.env.MAUVE_VERSION ?? 'from source';

/** From sysexits.h. */
const exitCodes = {
  sent: 0,
  usage: 64,
  oversized: 65,
  'unknown-host': 68,
  unreachable: 69,
  malformed: 64,
} as const;

/** Where several destinations failed in several ways, the first of these says the most. */
const tellingFirst: readonly SendFailure[] = ['oversized', 'unreachable', 'unknown-host', 'malformed'];

// Whoever reads the output may be gone before it is written.
const print = (stream: NodeJS.WriteStream, text: string): void => {
  stream.on('error', () => {});
  stream.write(text);
};

function complain(detail: string): void {
  print(process.stderr, `mauvesend: ${detail.replace(/\p{Cc}+/gu, ' ')}\n`);
}

async function main(): Promise<number> {
  const now = BigInt(Math.floor(systemClock.now() / 1000));
  const plan = parseOptions(process.argv.slice(2), process.env, now);
  switch (plan.kind) {
    case 'help':
      print(process.stdout, help);
      return exitCodes.sent;
    case 'manual':
      print(process.stdout, manual);
      return exitCodes.sent;
    case 'version':
      print(process.stdout, `mauvesend ${version}\n`);
      return exitCodes.sent;
    case 'error':
      complain(`${plan.detail} (mauvesend -h for help)`);
      return exitCodes.usage;
    case 'send':
      return sendAs(plan, now);
  }
}

async function sendAs(plan: SendPlan, now: bigint): Promise<number> {
  const destinations = plan.destinations.length > 0 ? plan.destinations : fromFile();
  if (destinations.length === 0) {
    complain(`no destination given, and none in ${destinationFile} (mauvesend -h for help)`);
    return exitCodes.usage;
  }
  const update: AlertUpdate = {
    transmissionId: newTransmissionId(),
    source: plan.source ?? hostname(),
    replace: plan.replace,
    alerts: plan.alerts,
    signature: new Uint8Array(0),
    transmissionTime: now,
  };
  const datagram = encode(update);
  if (datagram.length > datagramMax) {
    complain(
      `the update takes ${datagram.length} bytes, a datagram holds ${datagramMax}: shorten the texts or send fewer alerts`,
    );
    return exitCodes.oversized;
  }
  process.env.RES_OPTIONS ??= resolverOptions;
  const deliveries = await send(datagram, destinations);
  if (plan.verbose > 0) announce(plan, update, deliveries);
  return conclude(plan, deliveries);
}

function fromFile(): string[] {
  try {
    const text = readFileSync(destinationFile, 'utf8').replace(/#.*$/gm, '');
    return text.split(/\s+/).filter((word) => word !== '');
  } catch {
    return [];
  }
}

function announce(plan: SendPlan, update: AlertUpdate, deliveries: readonly Delivery[]): void {
  const text = plan.verbose > 1 ? full(update) : brief(update);
  const places = deliveries.flatMap(({ sent, failed }) => [
    ...sent,
    ...failed.filter(({ why }) => why === 'unreachable' || why === 'oversized').map(({ where }) => where),
  ]);
  if (places.length > 0) print(process.stdout, `Sending ${text} to ${places.join(', ')}\n`);
}

/** Sent if at least one destination worked; the others are a matter for -v, but a word that can be none is always said. */
function conclude(plan: SendPlan, deliveries: readonly Delivery[]): number {
  const failed = deliveries.flatMap((delivery) => delivery.failed);
  const saying = failed.map(({ where, detail }) => `${where} (${detail})`);
  if (deliveries.some(({ sent }) => sent.length > 0)) {
    for (const [index, { why }] of failed.entries()) {
      if (plan.verbose > 0 || why === 'malformed') complain(`not sent to ${saying[index]}`);
    }
    return exitCodes.sent;
  }
  complain(`not sent to ${saying.join('; ')}`);
  return exitCodes[
    tellingFirst.find((why) => failed.some((failure) => failure.why === why)) ?? 'unreachable'
  ];
}

// Not left to end by itself: a look-up that no longer matters is not waited for.
main().then((code) => process.exit(code));

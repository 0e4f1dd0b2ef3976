/**
 * How long a message takes from the datagram that owes it to SMTP's end of DATA:
 * the real station, fed over loopback with updates that each owe a message to
 * another person, at several rates, with few and with many alerts stored; beside
 * it, nodemailer alone sending as many mails to the same server. Every figure is
 * one of this run; nothing is asserted, for machines are noisy.
 */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createTransport } from 'nodemailer';
import type { Alert, AlertKey } from '../src/station/core/alert.ts';
import { openSqlite } from '../src/station/store/sqlite.ts';
import { type Instant, instant } from '../src/time.ts';
import { encode } from '../src/wire/update.ts';
import { startStation } from './kit/station.ts';

const rates = (process.env.BENCH_RATES ?? '10,100,1000').split(',').map(Number);
const secondsARate = Number(process.env.BENCH_SECONDS ?? 10);
const stored = (process.env.BENCH_ALERTS ?? '0,300000').split(',').map(Number);
const connections = 8;
const people = 200;
const fillAtOnce = 10_000;
/** Of what was sent, so much may still be under way when a rate has ended. */
const settleMost = 60_000;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const now = (): number => performance.timeOrigin + performance.now();
const pad = (value: number | string, width = 9): string => String(value).padStart(width);

type Sink = { readonly port: number; take(): Promise<readonly number[]>; end(): void };

async function openSink(): Promise<Sink> {
  const script = join(import.meta.dirname, 'deliver-sink-thread.ts');
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const port = Number((await lines.next()).value);
  const take = async (): Promise<readonly number[]> => {
    child.stdin.write('\n');
    return JSON.parse(String((await lines.next()).value)) as number[];
  };
  return { port, take, end: () => child.stdin.end() };
}

/** Calls `send` so often a second, as evenly as a timer allows. */
async function atRate(rate: number, send: (n: number) => void): Promise<number> {
  const begun = performance.now();
  const all = rate * secondsARate;
  for (let sent = 0; sent < all; ) {
    const due = Math.min(all, Math.floor(((performance.now() - begun) / 1000) * rate) + 1);
    while (sent < due) send(sent++);
    await wait(1);
  }
  return all;
}

async function collect(sink: Sink, expected: number): Promise<readonly number[]> {
  const delays: number[] = [];
  const end = Date.now() + settleMost;
  while (delays.length < expected && Date.now() < end) {
    await wait(100);
    delays.push(...(await sink.take()));
  }
  return delays.sort((a, b) => a - b);
}

function report(what: string, rate: number, sent: number, delays: readonly number[]): void {
  const at = (share: number): string =>
    (delays[Math.min(delays.length - 1, Math.floor(delays.length * share))] ?? Number.NaN).toFixed(1);
  process.stdout.write(
    `${what.padEnd(28)}${pad(rate)}${pad(sent)}${pad(delays.length)}${pad(at(0.5))}${pad(at(0.99))}${pad(at(1))}\n`,
  );
}

async function alone(sink: Sink, rate: number): Promise<void> {
  const host = { host: '127.0.0.1', port: sink.port, ignoreTLS: true };
  const mailer = createTransport({ ...host, pool: true, maxConnections: connections, maxMessages: 100 });
  const sending: Promise<unknown>[] = [];
  const sent = await atRate(rate, (n) => {
    const subject = `sent ${now()}`;
    const mail = { from: 'mauve@example.net', to: `p${n % people}@example.net`, subject, text: subject };
    sending.push(mailer.sendMail(mail));
  });
  report('nodemailer alone', rate, sent, await collect(sink, sent));
  await Promise.allSettled(sending);
  mailer.close();
}

function policyText(): string {
  const each = (line: (n: number) => string): string =>
    Array.from({ length: people }, (_, n) => line(n)).join('\n');
  return [
    'version: 1',
    'people:',
    each((n) => `  p${n}: {email: p${n}@example.net, limits: none}`),
    'groups:',
    each((n) => `  - {name: g${n}, match: {subject: s${n}}, notify: [{to: p${n}}]}`),
    '  - {name: others, notify: []}',
    'settings: {initial_sleep: 0s, digest: 0s, source_lookups: false}',
  ].join('\n');
}

function storedAlert(key: AlertKey, at: Instant): Alert {
  return {
    key,
    ...{
      source: `host-${key % 1000}`,
      id: `check-${key}`,
      subject: `host-${key % 1000}`,
      summary: 'ok',
      detail: '',
    },
    ...{ importance: 50, phase: { kind: 'cleared', since: at }, willRaiseAt: null, willClearAt: null },
    ...{ suppressUntil: null, muted: null, heldSince: null, inhibits: [], concerns: [], episode: 1 },
    ...{
      announced: { kind: 'cleared', episode: 1 },
      told: [],
      group: 'others',
      level: 'normal',
      reminders: [],
    },
    ...{ firstSeenAt: at, heardAt: at, changedAt: at, wakeAt: null },
  };
}

async function fill(folder: string, count: number): Promise<void> {
  const store = openSqlite({ folder });
  const at = instant(Date.now());
  for (let first = 0; first < count; first += fillAtOnce) {
    await store.transaction(async (tx) => {
      const keys = await tx.newKeys(Math.min(fillAtOnce, count - first));
      await tx.save(keys.map((key) => ({ before: null, after: storedAlert(key, at) })));
    });
  }
  await store.close();
}

async function through(sink: Sink, alerts: number): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'mauve-bench-'));
  writeFileSync(join(data, 'policy.yaml'), policyText());
  const email = `{smtp: "smtp://127.0.0.1:${sink.port}", from: mauve@example.net, tls: "off", concurrency: ${connections}}`;
  writeFileSync(
    join(data, 'station.yaml'),
    `log_level: error\npolicy: policy.yaml\nchannels: {email: ${email}}\n`,
  );
  await fill(data, alerts);
  const { server, port } = await startStation(data);
  const socket = createSocket('udp4');
  let transmission = BigInt(Date.now()) * 1_000_000n;
  try {
    for (const rate of rates) {
      const sent = await atRate(rate, (n) => {
        transmission += 1n;
        const alert = {
          ...{
            id: `r${rate}-${n}`,
            subject: `s${n % people}`,
            summary: `sent ${now()}`,
            detail: '',
            importance: 0,
          },
          ...{ raiseTime: 0n, clearTime: 0n, suppressUntil: 0n },
        };
        const update = { transmissionId: transmission, source: 'bench', replace: false, alerts: [alert] };
        socket.send(
          encode({ ...update, transmissionTime: 0n, signature: new Uint8Array() }),
          port,
          '127.0.0.1',
        );
      });
      report(`station, ${alerts} alerts stored`, rate, sent, await collect(sink, sent));
    }
  } finally {
    socket.close();
    server.kill('SIGTERM');
    await new Promise((resolve) => server.on('exit', resolve));
    rmSync(data, { recursive: true, force: true });
  }
}

const sink = await openSink();
process.stdout.write(
  `${'from the datagram to the end'.padEnd(28)}${pad('rate /s')}${pad('sent')}${pad('arrived')}${pad('p50 ms')}${pad('p99 ms')}${pad('max ms')}\n`,
);
try {
  for (const rate of rates) await alone(sink, rate);
  for (const alerts of stored) await through(sink, alerts);
} finally {
  sink.end();
}

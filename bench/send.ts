/**
 * How long `bin/mauvesend` takes, as a cron job would wait for it: real UDP to
 * a port on loopback, against the same Node doing nothing (`node -e 0`), run in
 * turns so that both meet the same machine.
 */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const runs = 60;
const warmUps = 5;
const aim = 1.3;

const root = new URL('..', import.meta.url);
const node = fileURLToPath(new URL('node_modules/.bin/node', root));
const mauvesend = fileURLToPath(new URL('bin/mauvesend', root));

/** Milliseconds from start to exit. */
async function time(program: string, argv: readonly string[]): Promise<number> {
  const started = performance.now();
  const child = spawn(program, argv, { stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  return performance.now() - started;
}

const sorted = (times: readonly number[]): number[] => times.toSorted((a, b) => a - b);
const quantile = (times: readonly number[], q: number): number =>
  sorted(times)[Math.floor(q * (times.length - 1))] ?? 0;
const show = (name: string, times: readonly number[]): void => {
  const [median, low, high] = [0.5, 0.1, 0.9].map((q) => quantile(times, q).toFixed(1));
  console.log(`${name.padEnd(14)} median ${median} ms   (a tenth below ${low}, a tenth above ${high})`);
};

const socket = createSocket('udp4');
socket.bind(0, '127.0.0.1');
await once(socket, 'listening');
let taken = 0;
socket.on('message', () => taken++);
const update = ['-i', 'disk', '-s', 'disk is 97% full', '-u', 'db1', `127.0.0.1:${socket.address().port}`];

const bare: number[] = [];
const ours: number[] = [];
for (let run = -warmUps; run < runs; run++) {
  const nothing = await time(node, ['-e', '0']);
  const sent = await time(mauvesend, update);
  if (run < 0) continue;
  bare.push(nothing);
  ours.push(sent);
}
// One more turn of the loop, to read what the last run left.
await setImmediate();
socket.close();
if (taken !== runs + warmUps) throw new Error(`${runs + warmUps} updates were sent, ${taken} arrived`);

const ratio = quantile(ours, 0.5) / quantile(bare, 0.5);
console.log(`${runs} runs of each, in turns, Node ${process.version}`);
show('node -e 0', bare);
show('bin/mauvesend', ours);
console.log(`ratio          ${ratio.toFixed(2)}   (aim: at most ${aim})`);

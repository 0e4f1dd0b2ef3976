/**
 * The mail server of bench/deliver.ts, a process of its own: notes when each
 * message has come whole (the end of DATA), and how long it was under way, by
 * the time of sending that its subject holds. Prints its port, then answers each
 * line on its standard input with the delays so far, in ms, as JSON, and begins anew.
 */
import { createInterface } from 'node:readline';
import { SMTPServer } from 'smtp-server';

let delays: number[] = [];
const now = (): number => performance.timeOrigin + performance.now();

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  disableReverseLookup: true,
  onData: (stream, _session, done) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const at = now();
      const [, sent] = /sent ([\d.]+)/.exec(Buffer.concat(chunks).toString('latin1')) ?? [];
      if (sent !== undefined) delays.push(at - Number(sent));
      done(null, 'taken');
    });
  },
});
server.on('error', () => undefined);
server.listen(0, '127.0.0.1', () => {
  const address = server.server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`);
});
const lines = createInterface({ input: process.stdin });
lines.on('line', () => {
  process.stdout.write(`${JSON.stringify(delays)}\n`);
  delays = [];
});
lines.on('close', () => process.exit(0));

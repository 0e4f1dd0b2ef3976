/**
 * Ports for programs that must come back on the port they had. They are taken from below the range that the
 * kernel deals out of itself (32768 and up): a port of that range can go to any other test while the program
 * is down.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

const lowest = 20_000;
const highest = 32_000;
const triesMax = 50;

/** @returns a port of 127.0.0.1 that nobody uses, for TCP or UDP. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if ((await freeForTcp(port)) && (await freeForUdp(port))) return port;
  }
  throw new Error(`no free port found between ${lowest} and ${highest}`);
}

async function freeForTcp(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  const free = await once(server, 'listening').then(
    () => true,
    () => false,
  );
  server.close();
  return free;
}

async function freeForUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  const listening = once(socket, 'listening');
  socket.bind(port, '127.0.0.1');
  const free = await listening.then(
    () => true,
    () => false,
  );
  socket.close();
  return free;
}

/** The other end of scamper's socket, played by a server that does what a real one never should. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Address } from '../../src/probe/core/record.ts';
import { Daemon } from '../../src/probe/engine/daemon.ts';
import type { Engine } from '../../src/probe/engine/engine.ts';
import { openScamperAt } from '../../src/probe/engine/scamper.ts';
import { elsewhere } from '../../src/probe/engine/supervisor.ts';
import { milliseconds, minutes, systemClock } from '../../src/time.ts';
import { eventually } from '../kit/process.ts';
import { pinged, pingTask, quiet, traceTask } from './engine-kit.ts';

type Server = {
  readonly path: string;
  /** Every command, with who said it. */
  readonly commands: string[];
  answer: (command: string, socket: Socket) => void;
  readonly connections: () => number;
};

const quick = { first: milliseconds(10), most: milliseconds(50), good: minutes(1) };
const data = (json: unknown): string => {
  const text = `${JSON.stringify(json)}\n`;
  return `DATA ${Buffer.byteLength(text)}\n${text}`;
};
const userIn = (command: string): number => Number(/-U (\d+)/.exec(command)?.[1]);
const addressIn = (command: string): string => command.split(' ').at(-1) ?? '';

/** What scamper says of a ping that was answered. */
function pong(command: string): unknown {
  const [sec, dst] = [Math.floor(Date.now() / 1000), addressIn(command)];
  const reply = { from: dst, seq: 0, rtt: 1.5, icmp_type: 0, icmp_code: 0, tx: { sec, usec: 0 } };
  return {
    type: 'ping',
    userid: userIn(command),
    dst,
    ping_sent: 1,
    start: { sec, usec: 0 },
    responses: [reply],
  };
}

let ids = 0;
const works = (command: string, socket: Socket): void => {
  if (command.startsWith('attach')) socket.write(`OK\nMORE\n${data({ type: 'cycle-start', id: 1 })}`);
  else if (command.startsWith('ping')) socket.write(`OK id-${++ids}\nMORE\n${data(pong(command))}`);
  else if (command.startsWith('halt')) socket.write('ERR no task id\n');
  else socket.write('ERR command not accepted\n');
};

async function withServer(story: (server: Server) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mauve-engine-'));
  const sockets = new Set<Socket>();
  let connections = 0;
  const server: Server = {
    path: join(folder, 's'),
    commands: [],
    answer: works,
    connections: () => connections,
  };
  const listener = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    let held = '';
    socket.on('data', (chunk) => {
      const lines = (held + chunk.toString()).split('\n');
      held = lines.pop() ?? '';
      for (const line of lines) {
        server.commands.push(line);
        server.answer(line, socket);
      }
    });
  });
  await new Promise<void>((resolve) => listener.listen(server.path, resolve));
  try {
    await story(server);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => listener.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function withEngine(story: (engine: Engine, server: Server) => Promise<void>): Promise<void> {
  await withServer(async (server) => {
    const options = { clock: systemClock, log: quiet, restarts: quick, pulse: milliseconds(30) };
    const opened = await openScamperAt(server.path, options);
    assert.ok(opened.ok, opened.ok ? '' : opened.why);
    try {
      await story(opened.engine, server);
    } finally {
      await opened.engine.close();
    }
  });
}

const works4 = async (engine: Engine): Promise<void> => {
  await eventually(
    () => engine.problem(),
    (problem) => problem === null,
  );
  assert.equal(pinged(await engine.ping(pingTask())).outcome.kind, 'reply');
};

test('answers come in any order, and each finds its task', async () => {
  await withEngine(async (engine, server) => {
    const held: [string, Socket][] = [];
    server.answer = (command, socket) => {
      if (!command.startsWith('ping')) return works(command, socket);
      socket.write(`OK id-${++ids}\n`);
      held.push([command, socket]);
    };
    const addresses = Array.from({ length: 20 }, (_, n) => `10.0.0.${n + 1}` as Address);
    const answers = addresses.map((address) => engine.ping(pingTask({ address })));
    await eventually(
      () => held.length,
      (n) => n === 20,
    );
    for (const [command, socket] of held.reverse()) socket.write(data(pong(command)));
    const records = (await Promise.all(answers)).map((answer) => pinged(answer));
    assert.deepEqual(
      records.map(({ address }) => address),
      addresses,
    );
  });
});

test('a second task for an address is handed over when the first has ended', async () => {
  await withEngine(async (engine, server) => {
    let release: (() => void) | null = null;
    server.answer = (command, socket) => {
      if (!command.startsWith('ping')) return works(command, socket);
      socket.write(`OK id-${++ids}\n`);
      release = () => socket.write(data(pong(command)));
    };
    const both = [engine.ping(pingTask()), engine.ping(pingTask())];
    const pings = () => server.commands.filter((command) => command.startsWith('ping')).length;
    await eventually(pings, (n) => n === 1);
    assert.equal(pings(), 1);
    (release as (() => void) | null)?.();
    await both[0];
    await eventually(pings, (n) => n === 2);
    (release as (() => void) | null)?.();
    await Promise.all(both);
  });
});

test("never more are handed over at once than answers fit into the engine's buffer", async () => {
  await withEngine(async (engine, server) => {
    let open = 0;
    let most = 0;
    server.answer = (command, socket) => {
      if (!command.startsWith('ping')) return works(command, socket);
      open += 1;
      most = Math.max(most, open);
      socket.write(`OK id-${++ids}\n`);
      setTimeout(() => {
        open -= 1;
        socket.write(data(pong(command)));
      }, 20);
    };
    const addresses = Array.from({ length: 300 }, (_, n) => `10.1.${n >> 8}.${n & 255}` as Address);
    const answers = await Promise.all(addresses.map((address) => engine.ping(pingTask({ address }))));
    assert.ok(answers.every(({ ok }) => ok));
    assert.ok(most <= 50, `${most}`);
    // Those that nobody answers for make no answers, and hold up nobody.
    server.answer = (command, socket) =>
      command.startsWith('ping') ? socket.write(`OK id-${++ids}\n`) : works(command, socket);
    const before = server.commands.length;
    const waiting = Promise.all(addresses.map((address) => engine.ping(pingTask({ address }))));
    await eventually(
      () => server.commands.slice(before).filter((command) => command.startsWith('ping')).length,
      (handed) => handed === 300,
    );
    await engine.close();
    await waiting;
  });
});

test('nonsense in any form is `engine-lost`, and then it works again', async () => {
  const nonsense = [
    'HTTP/1.1 400 Bad Request\r\n\r\n',
    'DATA 99999999\n',
    'x'.repeat(5000),
    'OK id-1\nOK id-2\nOK id-3\n',
    '\x00\xff\xfe\n',
  ];
  for (const text of nonsense) {
    await withEngine(async (engine, server) => {
      server.answer = (command, socket) =>
        command.startsWith('ping') ? socket.write(text) : works(command, socket);
      const answer = await engine.ping(pingTask());
      assert.ok(!answer.ok && answer.why === 'engine-lost', text.slice(0, 20));
      server.answer = works;
      await works4(engine);
    });
  }
});

test('an answer to no task, of no sense, or for another is no answer and no crash', async () => {
  await withEngine(async (engine, server) => {
    server.answer = (command, socket) => {
      if (!command.startsWith('ping')) return works(command, socket);
      const right = pong(command) as { userid: number };
      socket.write(
        `OK id-${++ids}\n${data({ ...right, userid: 4_000_000 })}DATA 5\n{"a":${data([])}${data(right)}`,
      );
    };
    assert.equal(pinged(await engine.ping(pingTask())).outcome.kind, 'reply');
    server.answer = (command, socket) => {
      if (!command.startsWith('ping')) return works(command, socket);
      socket.write(`OK id-${++ids}\n${data({ type: 'ping', userid: userIn(command), dst: '6.6.6.6' })}`);
    };
    const other = await engine.ping(pingTask());
    assert.ok(!other.ok && other.why === 'refused');
    assert.equal(engine.problem(), null);
  });
});

test('whatever bytes come, every task is answered', async () => {
  await withEngine(async (engine, server) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
        server.answer = (command, socket) => {
          if (!command.startsWith('ping')) return works(command, socket);
          socket.write(Buffer.from(bytes));
          socket.end();
        };
        assert.equal((await engine.ping(pingTask())).ok, false);
      }),
      { numRuns: 15 },
    );
    server.answer = works;
    await works4(engine);
  });
});

test('what it does not take is where it cannot send: that says nothing of the target', async () => {
  await withEngine(async (engine, server) => {
    server.answer = (command, socket) =>
      command.startsWith('attach') ? works(command, socket) : socket.write('ERR command not accepted\n');
    assert.equal(pinged(await engine.ping(pingTask())).outcome.kind, 'unsent');
    const trace = await engine.trace(traceTask());
    assert.ok(!trace.ok && trace.why === 'refused' && trace.detail.includes('no route'));
  });
});

test('an engine that dies loses what was in flight, keeps what waits, and is used again', async () => {
  await withEngine(async (engine, server) => {
    server.answer = (command, socket) => {
      if (command.startsWith('ping')) socket.destroy();
      else works(command, socket);
    };
    const [first, second] = [engine.ping(pingTask()), engine.ping(pingTask())];
    const answer = await first;
    assert.ok(!answer.ok && answer.why === 'engine-lost');
    server.answer = works;
    assert.ok((await second).ok, 'what had not been handed over is done afterwards');
    assert.ok(server.connections() >= 2);
  });
});

test('an engine that is stuck is found out by its silence, long before its tasks must end', async () => {
  await withEngine(async (engine, server) => {
    server.answer = (command, socket) => {
      if (command.startsWith('attach')) works(command, socket);
      else if (command.startsWith('trace')) socket.write(`OK id-${++ids}\n`);
    };
    const answer = await engine.trace(traceTask({ maxHops: 60 }));
    assert.ok(!answer.ok && answer.why === 'engine-lost' && answer.detail.includes('does not answer'));
    server.answer = works;
    await works4(engine);
  });
});

test('a task that never ends is given up, halted, and then the engine with it', async () => {
  await withServer(async (server) => {
    let halts = 0;
    server.answer = (command, socket) => {
      if (command.startsWith('ping')) socket.write('OK id-77\n');
      else if (command === 'halt 77') {
        halts += 1;
        socket.write('OK halted 77\n');
      } else works(command, socket);
    };
    const daemon = new Daemon({
      clock: systemClock,
      log: quiet,
      host: elsewhere,
      socket: server.path,
      restarts: quick,
    });
    assert.equal(await daemon.open(), null);
    const work = {
      address: '10.0.0.1',
      command: (user: number) => `ping -U ${user} 10.0.0.1`,
      most: milliseconds(50),
      read: () => ({ ok: true, record: 1 }) as const,
      refused: () => ({ ok: true, record: 2 }) as const,
    };
    const answer = await daemon.run(work);
    assert.ok(!answer.ok && answer.detail.includes('in time'));
    await eventually(
      () => halts,
      (n) => n === 1,
    );
    await daemon.close();
  });
});

test('while it does not start, answers come slowly, say why, and waiting ends', async () => {
  await withServer(async (server) => {
    const refuses = (command: string, socket: Socket): void => {
      if (command.startsWith('attach')) socket.write('ERR go away\n');
    };
    server.answer = refuses;
    const opened = await openScamperAt(server.path, { clock: systemClock, log: quiet, restarts: quick });
    assert.ok(!opened.ok && opened.why.includes('go away'));
    server.answer = works;
    const again = await openScamperAt(server.path, { clock: systemClock, log: quiet, restarts: quick });
    assert.ok(again.ok);
    server.answer = (command, socket) =>
      command.startsWith('ping') ? socket.destroy() : refuses(command, socket);
    await again.engine.ping(pingTask());
    await eventually(
      () => again.engine.problem(),
      (problem) => problem?.includes('go away') === true,
    );
    const before = Date.now();
    const answer = await again.engine.ping(pingTask());
    assert.ok(!answer.ok && answer.why === 'engine-lost');
    assert.ok(Date.now() - before >= 900, 'nobody tries in circles');
    server.answer = works;
    await works4(again.engine);
    await again.engine.close();
    const closed = await again.engine.ping(pingTask());
    assert.ok(!closed.ok && closed.why === 'engine-lost');
  });
});

test('a socket that is not there, or whose path cannot be one, is said so', async () => {
  const options = { clock: systemClock, log: quiet };
  const none = await openScamperAt('/nonexistent/socket', options);
  assert.match(none.ok ? '' : none.why, /its socket \/nonexistent\/socket: there is no such file$/);
  const long = await openScamperAt(`/${'x'.repeat(200)}`, options);
  assert.ok(!long.ok && long.why.includes('107'));
});

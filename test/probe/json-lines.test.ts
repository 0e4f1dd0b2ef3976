/** `--json`: one object a line, in the form that programs rely on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonLines, jsonOf, waitingMax } from '../../src/probe/json-lines.ts';
import { Names } from '../../src/probe/names.ts';
import { leadsNowhere } from '../../src/probe/unresolved.ts';
import { seconds } from '../../src/time.ts';
import { address, memoryLog, noon, pathOf, pinged, rig, targetOf } from './kit.ts';

const nobody = { of: () => null };

test('a name that leads nowhere has the line of a verdict, without an address', () => {
  const change = leadsNowhere('there is no such host', noon, []);
  const line = jsonOf({ kind: 'name', target: targetOf('www.example.net'), change }, nobody);
  assert.deepEqual(line, {
    kind: 'verdict',
    at: '2026-06-01T12:00:00Z',
    target: 'www.example.net',
    address: null,
    verdict: 'unresolved',
    state: 'raised',
    hop: null,
    summary: 'no address found (there is no such host), since 12:00 UTC',
  });
});

test('a ping, a trace and a verdict, each with its kind', async () => {
  const probe = rig({ lookup: async () => ['198.51.100.7'] });
  probe.start(targetOf('www.example.net'));
  await probe.pass(seconds(5));
  probe.engine.onPing = (task, at) => pinged(task, at, { kind: 'lost' });
  probe.engine.onTrace = (task, at) => pathOf(task, at, ['192.0.2.1', null, null, null]);
  await probe.pass(seconds(60));
  type Line = { readonly [key: string]: unknown; readonly hops?: readonly Record<string, unknown>[] };
  const lines = probe.records.map((record) => jsonOf(record, { of: () => 'r1.example.net' })) as Line[];
  const first = (kind: string) => lines.find((line) => line.kind === kind);
  const about = { target: 'www.example.net', address: '198.51.100.7' };
  const ping = first('ping');
  assert.deepEqual(ping, { kind: 'ping', at: ping?.at, ...about, outcome: 'reply', rtt_ms: 10.5 });
  assert.match(String(ping?.at), /^2026-06-01T12:00:0\d(\.\d+)?Z$/);
  const trace = first('trace');
  assert.deepEqual(Object.keys(trace ?? {}), [
    'kind',
    'at',
    'target',
    'address',
    'round',
    'method',
    'path_id',
    'end',
    'hops',
  ]);
  const hop = trace?.hops?.[0];
  assert.deepEqual(hop, {
    ttl: 1,
    address: '192.0.2.1',
    name: 'r1.example.net',
    rtt_ms: 2,
    rtts_ms: [2, 2, 2],
    loss: 0,
  });
  const silent = lines.findLast((line) => line.kind === 'trace')?.hops?.[1];
  assert.deepEqual(silent, {
    ttl: 2,
    address: null,
    name: null,
    rtt_ms: null,
    // Where the target does not answer a hop is asked once.
    rtts_ms: [null],
    loss: 100,
  });
  const verdicts = lines.filter((line) => line.verdict === 'unreachable');
  const [verdict] = verdicts;
  assert.deepEqual(Object.keys(verdict ?? {}), [
    'kind',
    'at',
    'target',
    'address',
    'verdict',
    'state',
    'hop',
    'summary',
  ]);
  assert.deepEqual(
    [verdict?.verdict, verdict?.state, verdict?.target],
    ['unreachable', 'raised', 'www.example.net'],
  );
  assert.equal(verdicts.length, 1, 'only when it changes');
});

test('a hop where load is shared lists all that answered', () => {
  const one = address('198.51.100.7');
  const [first, second] = [address('192.0.2.1'), address('192.0.2.2')];
  const probes = [
    { address: first, rtt: 3 },
    { address: second, rtt: 1 },
    { address: null, rtt: null },
  ];
  const trace = {
    address: one,
    at: noon,
    method: 'udp',
    end: 'reached',
    said: '',
    hops: [{ ttl: 1, probes }],
  } as const;
  const about = { target: targetOf('x'), address: one };
  const line = jsonOf({ kind: 'trace', ...about, trace, pathId: 'p', round: 7 }, nobody);
  assert.ok(line !== null && 'hops' in line);
  assert.deepEqual(line.hops, [
    {
      ttl: 1,
      address: '192.0.2.1',
      name: null,
      rtt_ms: 3,
      rtts_ms: [3, 1, null],
      loss: 33,
      addresses: ['192.0.2.1', '192.0.2.2'],
    },
  ]);
});

test('a reader that is too slow costs lines, said once, and never memory without end', async () => {
  const { log, logged } = memoryLog();
  const probe = rig();
  let written = 0;
  const out = {
    writableLength: 0,
    write: () => {
      written += 1;
      return true;
    },
  };
  const lines = new JsonLines(out, new Names(async () => [], probe.clock), log);
  probe.agent.listen((record) => lines.hear(record));
  probe.start('198.51.100.7');
  await probe.pass(seconds(5));
  const before = written;
  assert.ok(before > 5);
  out.writableLength = waitingMax + 1;
  await probe.pass(seconds(5));
  assert.equal(written, before);
  out.writableLength = 0;
  await probe.pass(seconds(5));
  assert.ok(written > before);
  assert.equal(logged.length, 2);
  assert.match(logged[1]?.text ?? '', /left out/);
});

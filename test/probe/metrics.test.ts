/** /metrics as Prometheus reads it, over real HTTP on loopback. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { openMetrics } from '../../src/probe/metrics.ts';
import { minutes, seconds } from '../../src/time.ts';
import { noon, pathOf, pinged, pong, rig, targetOf } from './kit.ts';

async function metered(t: TestContext, options: Parameters<typeof rig>[0] = {}) {
  const probe = rig(options);
  const { agent, targets, engine, clock, log } = probe;
  const metrics = await openMetrics(
    { host: '127.0.0.1', port: 0 },
    { agent, targets, engine, clock, log, self: () => ({ cpu: 2.5, rss: 9e7, heap: 3e7, startedAt: noon }) },
  );
  t.after(() => metrics.close());
  const url = `http://127.0.0.1:${metrics.address.port}`;
  const scrape = async (): Promise<string> => await (await fetch(`${url}/metrics`)).text();
  return { ...probe, url, port: metrics.address.port, scrape };
}

/** The value of a sample. */
function value(text: string, sample: string): number | null {
  const line = text.split('\n').find((one) => one.startsWith(`${sample} `));
  return line === undefined ? null : Number(line.slice(sample.length + 1));
}

const labels = '{name="198.51.100.7",target="198.51.100.7"}';

test('the metrics that meshping has, in milliseconds, with its labels and buckets', async (t) => {
  const probe = await metered(t);
  const delays = [0.4, 10.5, 10.5, 150];
  let asked = 0;
  let sum = 0;
  probe.engine.onPing = (task, at) => {
    const rtt = delays[asked++ % 5];
    sum += rtt ?? 0;
    return rtt === undefined ? pinged(task, at, { kind: 'lost' }) : pong(task, at, rtt);
  };
  probe.start(targetOf('198.51.100.7', { pingEvery: seconds(10), traceEvery: minutes(10) }));
  await probe.pass(seconds(98));
  const text = await probe.scrape();
  const sent = value(text, `meshping_sent${labels}`) ?? 0;
  const received = value(text, `meshping_recv${labels}`) ?? 0;
  assert.equal(sent, asked);
  assert.equal(value(text, `meshping_lost${labels}`), sent - received);
  assert.equal(value(text, `meshping_max${labels}`), 150);
  assert.equal(value(text, `meshping_min${labels}`), 0.4);
  assert.equal(value(text, `meshping_pings_count${labels}`), received);
  assert.ok(Math.abs((value(text, `meshping_pings_sum${labels}`) ?? 0) - sum) < 0.01);
  const buckets = [
    ...text.matchAll(
      /^meshping_pings_bucket\{name="198\.51\.100\.7",target="198\.51\.100\.7",le="([^"]+)"\} (\d+)$/gm,
    ),
  ];
  const bounds = buckets.map(([, bound]) => Number(bound === '+Inf' ? Number.POSITIVE_INFINITY : bound));
  assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY);
  for (const bound of bounds.slice(0, -1)) {
    const power = 10 * Math.log2(bound);
    assert.ok(Math.abs(power - Math.round(power)) < 0.001, `${bound} is a power of 2^(1/10)`);
  }
  const counts = buckets.map(([, , count]) => Number(count));
  assert.deepEqual(
    counts,
    counts.toSorted((a, b) => a - b),
    'cumulative',
  );
  assert.equal(counts.at(-1), received);
});

test('ours: path, verdicts, lateness, skipped rounds, engine, CPU', async (t) => {
  const probe = await metered(t);
  probe.start('198.51.100.7');
  await probe.pass(seconds(20));
  probe.engine.onPing = (task, at) => pinged(task, at, { kind: 'lost' });
  probe.engine.onTrace = (task, at) => pathOf(task, at, ['192.0.2.1', null, null, null]);
  await probe.pass(minutes(2));
  probe.engine.words = 'it died';
  const text = await probe.scrape();
  assert.match(
    text,
    /^mauve_probe_path_info\{name="198\.51\.100\.7",target="198\.51\.100\.7",path_id="[^"]+"\} 1$/m,
  );
  assert.equal(
    value(text, 'mauve_probe_verdict{name="198.51.100.7",target="198.51.100.7",verdict="unreachable"}'),
    1,
  );
  assert.equal(value(text, 'mauve_probe_verdicts{verdict="unreachable"}'), 1);
  assert.equal(value(text, 'mauve_probe_verdicts{verdict="via"}'), 0);
  assert.equal(value(text, 'mauve_probe_engine_up{engine="fake"}'), 0);
  assert.equal(value(text, 'mauve_probe_cpu_seconds_total{of="agent"}'), 2.5);
  assert.equal(value(text, 'mauve_probe_cpu_seconds_total{of="engine"}'), 1.5);
  assert.ok((value(text, 'mauve_probe_lateness_seconds_count') ?? 0) > 200);
  assert.notEqual(value(text, 'mauve_probe_rounds_skipped_total{kind="trace"}'), null);
  assert.match(text, /^mauve_probe_resident_memory_bytes 90000000$/m);
});

test('a name that leads nowhere is among the verdicts, by its name alone', async (t) => {
  let found: readonly string[] = [];
  const probe = await metered(t, { lookup: async () => found });
  probe.start('gone.example.net');
  await probe.pass(minutes(5));
  const sample = 'mauve_probe_verdict{name="gone.example.net",verdict="unresolved"}';
  const lost = await probe.scrape();
  assert.equal(value(lost, sample), 1);
  assert.equal(value(lost, 'mauve_probe_verdicts{verdict="unresolved"}'), 1);
  found = ['198.51.100.7'];
  await probe.pass(minutes(2));
  const back = await probe.scrape();
  assert.equal(value(back, sample), null);
  assert.equal(value(back, 'mauve_probe_verdicts{verdict="unresolved"}'), 0);
});

test('every family has one head, and every line is one that Prometheus takes', async (t) => {
  const probe = await metered(t);
  probe.start('198.51.100.7', '2001:db8::7');
  await probe.pass(seconds(30));
  const heads = new Set<string>();
  for (const line of (await probe.scrape()).trimEnd().split('\n')) {
    if (line.startsWith('# HELP')) continue;
    const head = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line)?.[1];
    if (head !== undefined) {
      assert.ok(!heads.has(head), head);
      heads.add(head);
    } else if (line !== '') {
      assert.match(
        line,
        /^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-z_]+="([^"\\\n]|\\.)*",?)*\})? (-?[0-9.e+-]+|NaN|\+Inf)$/,
      );
    }
  }
  assert.ok(heads.has('meshping_pings') && heads.has('mauve_probe_lateness_seconds'));
});

test('nothing but GET and HEAD of /metrics', async (t) => {
  const probe = await metered(t);
  assert.equal((await fetch(`${probe.url}/`)).status, 404);
  assert.equal((await fetch(`${probe.url}/metrics`, { method: 'POST', body: 'x' })).status, 405);
  const head = await fetch(`${probe.url}/metrics`, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
  assert.match(head.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
});

test('garbage and readers that go away in the middle never end it', async (t) => {
  const probe = await metered(t);
  for (let n = 0; n < 2_000; n++) probe.targets.add(targetOf(`10.0.${n >> 8}.${n & 255}`));
  for (const bytes of [
    '\u0000\u0001\r\n\r\n',
    'GET /metrics HTTP/9\r\n\r\n',
    `GET ${'/x'.repeat(60_000)} HTTP/1.1\r\n\r\n`,
  ]) {
    await new Promise<void>((done) => {
      const socket = connect(probe.port, '127.0.0.1', () => socket.write(bytes));
      socket.on('error', () => undefined).on('close', () => done());
      socket.resume();
    });
  }
  for (let n = 0; n < 3; n++) {
    await new Promise<void>((done) => {
      const socket = connect(probe.port, '127.0.0.1', () =>
        socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'),
      );
      socket.once('data', () => socket.destroy());
      socket.on('error', () => undefined).on('close', () => done());
    });
  }
  const text = await probe.scrape();
  assert.equal(text.match(/^meshping_sent\{/gm)?.length, 2_000);
});

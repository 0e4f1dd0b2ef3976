/**
 * What the store can take by itself, in updates a second: repeats of 100,000
 * alerts in random order, in batches, each batch one durable transaction, with
 * the alerts in memory and without. Folding is timed beside it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Alert, AlertKey } from '../src/station/core/alert.ts';
import { openSqlite } from '../src/station/store/sqlite.ts';
import { type AlertName, nameKey, type Store } from '../src/station/store/store.ts';
import { type Instant, minutes, plus, systemClock } from '../src/time.ts';

const alerts = 100_000;
const batch = 1_000;
const rounds = 300;
const foldAtOnce = 2_000;

const nameOf = (i: number): AlertName => ({ source: `host-${i % 5_000}.example.net`, id: `check-${i}` });

function newAlert(key: AlertKey, i: number, now: Instant): Alert {
  const heartbeat = i % 2 === 0;
  return {
    key,
    ...nameOf(i),
    subject: `host-${i % 5_000}.example.net`,
    summary: 'the disk of this host is nearly full',
    detail: '',
    importance: 50,
    phase: { kind: heartbeat ? 'cleared' : 'raised', since: now },
    willRaiseAt: heartbeat ? plus(now, minutes(5)) : null,
    willClearAt: null,
    suppressUntil: null,
    muted: null,
    heldSince: null,
    inhibits: [],
    concerns: [],
    episode: heartbeat ? 0 : 1,
    announced: { kind: 'cleared', episode: 0 },
    told: [],
    group: 'default',
    level: 'normal',
    reminders: [],
    firstSeenAt: now,
    heardAt: now,
    changedAt: now,
    wakeAt: heartbeat ? plus(now, minutes(5)) : null,
  };
}

/** The same pseudo-random numbers in each run. */
function numbers(): () => number {
  let state = 12_345;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 4;
  };
}

async function fill(store: Store, now: Instant): Promise<void> {
  for (let first = 0; first < alerts; first += batch) {
    await store.transaction(async (tx) => {
      const keys = await tx.newKeys(batch);
      await tx.save(keys.map((key, i) => ({ before: null, after: newAlert(key, first + i, now) })));
    });
  }
}

async function repeats(store: Store, now: Instant): Promise<number> {
  const random = numbers();
  let transmission = 2n ** 62n;
  const begun = performance.now();
  for (let round = 0; round < rounds; round++) {
    const at = plus(now, minutes(1));
    await store.transaction(async (tx) => {
      const names = Array.from({ length: batch }, () => nameOf(random() % alerts));
      await tx.takeTransmissions(
        names.map(({ source }) => {
          transmission += 7_919n;
          return { source, id: transmission };
        }),
        at,
      );
      const found = await tx.loadNamed(names);
      const saved = [];
      for (const name of names) {
        const before = found.get(nameKey(name));
        if (before === undefined) throw new Error(`${name.id} is not there`);
        const willRaiseAt = before.willRaiseAt === null ? null : plus(at, minutes(5));
        saved.push({ before, after: { ...before, heardAt: plus(at, (round + 1) as never), willRaiseAt } });
      }
      await tx.save(saved);
    });
  }
  return (performance.now() - begun) / 1_000;
}

async function run(label: string, cached: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mauve-bench-'));
  const now = systemClock.now();
  const store = openSqlite({ folder, cache: { alerts: cached, bytes: 256 * 1024 * 1024 } });
  await fill(store, now);
  const before = process.cpuUsage();
  const taken = await repeats(store, now);
  const cpu = process.cpuUsage(before);
  const micros = ((cpu.user + cpu.system) / (rounds * batch)).toFixed(1);
  const begun = performance.now();
  let steps = 0;
  let longest = 0;
  for (let more = true; more; steps++) {
    const step = performance.now();
    more = await store.fold(plus(now, minutes(1)), foldAtOnce);
    longest = Math.max(longest, performance.now() - step);
  }
  const folded = performance.now() - begun;
  const rate = Math.round((rounds * batch) / taken);
  console.log(
    `${label}: ${rate} updates/s, ${micros} µs of CPU each; folded in ${Math.round(folded)} ms, ${steps} steps, the longest ${Math.round(longest)} ms`,
  );
  await store.close();
  rmSync(folder, { recursive: true });
}

await run('alerts in memory', 250_000);
await run('alerts not in memory', 1);

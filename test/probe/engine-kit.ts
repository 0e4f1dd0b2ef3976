/** What the tests of engines share: tasks, and a log that says nothing. */
import type { Address, PingRecord } from '../../src/probe/core/record.ts';
import type { Answer, PingTask, TraceTask } from '../../src/probe/engine/engine.ts';
import { seconds } from '../../src/time.ts';

export const quiet = { debug() {}, info() {}, warn() {}, error() {} };

export const target4 = '198.51.100.7' as Address;
export const target6 = '2001:db8:ffff::7' as Address;

export const pingTask = (changes: Partial<PingTask> = {}): PingTask => ({
  address: target4,
  timeout: seconds(1),
  count: 1,
  every: seconds(1),
  ...changes,
});

export const traceTask = (changes: Partial<TraceTask> = {}): TraceTask => ({
  address: target4,
  method: 'udp',
  firstHop: 1,
  maxHops: 30,
  probesPerHop: 1,
  retries: 1,
  timeout: seconds(1),
  gapLimit: 3,
  flow: 7,
  ...changes,
});

/** @throws where nothing was measured. */
export function measured<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(`${answer.why}: ${answer.detail}`);
  return answer.record;
}

/** Of a single ping. @throws where nothing was measured. */
export function pinged(answer: Answer<readonly PingRecord[]>): PingRecord {
  const [record, ...more] = measured(answer);
  if (record === undefined || more.length > 0) throw new Error('not one ping');
  return record;
}

/** The shorter run of `npm run simulate`: days around each change of the clocks, and the proof that it can fail. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plants } from './faults.ts';
import { report, type Simulated, simulate } from './simulation.ts';

const agreed = (simulated: Simulated): void =>
  assert.equal(simulated.disagreements.length, 0, report(simulated).join('\n'));

/** Days of 2025 before clocks are set: in New York, London and on Lord Howe Island, forwards and back. */
const changes = [
  { where: 'New York, forwards', from: Date.UTC(2025, 2, 8) },
  { where: 'London, forwards', from: Date.UTC(2025, 2, 29) },
  { where: 'Lord Howe Island, back', from: Date.UTC(2025, 3, 4) },
  { where: 'Lord Howe Island, forwards', from: Date.UTC(2025, 9, 3) },
  { where: 'London, back', from: Date.UTC(2025, 9, 25) },
  { where: 'New York, back', from: Date.UTC(2025, 10, 1) },
];

for (const [index, { where, from }] of changes.entries()) {
  test(`the station does what the naive model says, while clocks are set: ${where}`, async () => {
    agreed(await simulate({ seed: 100 + index, sources: 12, days: 3, from }));
  });
}

test('the same seed gives the same run', async () => {
  const options = { seed: 7, sources: 8, days: 2 };
  const [first, second] = [await simulate(options), await simulate(options)];
  agreed(first);
  assert.deepEqual(
    { ...first, disagreements: [] },
    { ...second, disagreements: [] },
    'events, messages, transactions and all of the history',
  );
  const other = await simulate({ ...options, seed: 8 });
  assert.notEqual(first.events, other.events);
});

for (const [name, fault] of Object.entries(plants)) {
  test(`a planted fault is found: ${fault().about}`, async () => {
    const from = name === 'no-summer-time' ? Date.UTC(2025, 2, 29) : Date.UTC(2025, 5, 2);
    const { disagreements } = await simulate({ seed: 4, sources: 20, days: 6, from, plant: name });
    assert.notEqual(disagreements.length, 0, 'nobody noticed');
  });
}

test('a failure is shrunk to a timeline that one can read', async () => {
  const simulated = await simulate({
    seed: 5,
    sources: 20,
    days: 6,
    plant: 'history-gap',
    shrinkFor: 20_000,
  });
  const { shrunk } = simulated;
  assert.ok(shrunk !== null, 'nothing was found');
  assert.ok(shrunk.inputs.length <= 4, report(simulated).join('\n'));
  assert.match(report(simulated).join('\n'), /history/);
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { openLog } from '../../src/log.ts';
import { openFeeds } from '../../src/station/policy/feeds.ts';
import { type PolicyRead, PolicySource } from '../../src/station/policy/source.ts';
import { SimulatedClock } from '../kit/clock.ts';
import { type FeedServer, says, serve } from './feed-server.ts';
import { at } from './ics.ts';

const log = openLog('error', 'test');
const hangs = (): void => undefined;

describe('a policy with a list at an address', () => {
  let folder = '';
  let server: FeedServer;
  before(async () => {
    server = await serve(hangs);
  });
  after(() => server.close());
  beforeEach((context) => {
    folder = mkdtempSync(join(tmpdir(), 'mauve-source-'));
    if ('after' in context) context.after(() => rmSync(folder, { recursive: true, force: true }));
    server.requests.length = 0;
    const policy = `version: 1
timezone: UTC
people: {ann: {email: ann@example.net}}
sources: {core: {from: "${server.origin}/core.txt", dns: false}}
groups:
  - {name: core, match: {source: {in: core}}, notify: [{to: ann}]}
  - {name: rest, notify: [{to: ann}]}
`;
    writeFileSync(join(folder, 'policy.yaml'), policy);
  });

  /** A station that starts. */
  const open = () => {
    const clock = new SimulatedClock(at('2026-11-20T14:00:00Z'));
    const feeds = openFeeds({ folder: join(folder, 'feeds'), clock, log });
    return {
      clock,
      feeds,
      source: new PolicySource({ path: join(folder, 'policy.yaml'), feeds, clock, log }),
    };
  };
  const hostsOf = (read: PolicyRead): string => {
    if (!read.ok) assert.fail(read.faults.join('\n'));
    const [core] = read.policy.groups;
    return JSON.stringify(core?.match, (_, value: unknown) => (value instanceof Set ? [...value] : value));
  };

  it('is read with what the server says, where it never was before', async () => {
    server.answer = says('db1.example.net\n');
    assert.match(hostsOf(await open().source.read()), /db1\.example\.net/);
    assert.equal(server.requests.length, 1);
  });

  it('is read at once with what was kept, though the server hangs, and asked for it afterwards', async () => {
    server.answer = says('db1.example.net\n');
    await open().source.read();
    server.answer = hangs;
    server.requests.length = 0;
    const { source, feeds, clock } = open();
    const read = await source.read();
    assert.match(hostsOf(read), /db1\.example\.net/);
    assert.equal(server.requests.length, 0);
    assert.deepEqual(feeds.problems(), []);

    server.answer = says('db2.example.net\n');
    assert.equal(await feeds.refresh(source.feeds()), true);
    assert.match(hostsOf(source.again()), /db2\.example\.net/);
    assert.equal(clock.now(), at('2026-11-20T14:00:00Z'), 'and no time has passed');
  });
});

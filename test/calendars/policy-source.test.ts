import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

describe('a policy with templates', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mauve-words-'));
  after(() => rmSync(folder, { recursive: true }));
  const words = (text: string): void => writeFileSync(join(folder, 'words/sms/any.text.liquid'), text);

  it('has them as they were when somebody last asked, and refuses those that are wrong', async () => {
    mkdirSync(join(folder, 'words/sms'), { recursive: true });
    const path = join(folder, 'policy.yaml');
    writeFileSync(
      path,
      'version: 1\ntimezone: UTC\npeople: {ann: {}}\ngroups: [{name: all, notify: [{to: ann}]}]\nsettings: {templates: words}\n',
    );
    words('one {{ title }}');
    const clock = new SimulatedClock(at('2026-11-20T14:00:00Z'));
    const source = new PolicySource({ path, clock, log, feeds: openFeeds({ folder: null, clock, log }) });
    const said = (read: PolicyRead): string => {
      if (!read.ok) assert.fail(read.faults.join('\n'));
      return read.policy.templates.get('sms/any.text.liquid') ?? '';
    };
    assert.equal(said(await source.read()), 'one {{ title }}');

    words('two {{ titel }}');
    writeFileSync(join(folder, 'words/sms/half-written'), '');
    assert.equal(said(source.again()), 'one {{ title }}');
    const refused = await source.read();
    assert.ok(!refused.ok);
    assert.match(
      refused.faults.join('\n'),
      /words\/sms\/any\.text\.liquid:1:8: there is no variable "titel" \(did you mean "title"\?\)/,
    );
    assert.equal(said(source.again()), 'one {{ title }}');

    rmSync(join(folder, 'words/sms/half-written'));
    words('two {{ title }}');
    assert.equal(said(await source.read()), 'two {{ title }}');
  });
});

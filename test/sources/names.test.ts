/** What the station knows of addresses: when it asks, how often, and what it does when nobody answers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Logger } from '../../src/log.ts';
import {
  addressesMax,
  answersAtOnce,
  hostsMax,
  lookupMax,
  lookupsAtOnce,
  openNames,
  refreshAfter,
  retryAfter,
} from '../../src/station/names.ts';
import type { FoundName } from '../../src/station/store/store.ts';
import { type Duration, instant, milliseconds, minutes, plus, seconds, systemClock } from '../../src/time.ts';
import { SimulatedClock, settled } from '../kit/clock.ts';

const start = instant(1_700_000_000_000);

/** What a name server says: addresses, an error's code, or nothing at all. */
type Says = readonly string[] | 'ENOTFOUND' | 'EAI_AGAIN' | 'hangs';

class Servers {
  readonly asked: string[] = [];
  says: Record<string, Says> = {};
  most = 0;
  private readonly hanging: (() => void)[] = [];

  readonly resolve = async (host: string): Promise<readonly string[]> => {
    this.asked.push(host);
    const says = this.says[host] ?? 'ENOTFOUND';
    if (says === 'hangs') {
      this.most = Math.max(this.most, this.hanging.length + 1);
      await new Promise<void>((resolve) => this.hanging.push(resolve));
      return ['192.0.2.99'];
    }
    if (typeof says === 'string') throw Object.assign(new Error(says), { code: says });
    return says;
  };

  /** Those that hang answer after all. */
  wakeUp(): void {
    for (const resolve of this.hanging.splice(0)) resolve();
  }
}

function setUp(options: { readonly commits?: boolean } = {}) {
  const clock = new SimulatedClock(start);
  const servers = new Servers();
  const handed: (readonly FoundName[])[] = [];
  const warnings: unknown[] = [];
  const note = (...values: unknown[]): void => void warnings.push(values);
  const log: Logger = { debug: () => undefined, info: () => undefined, warn: note, error: note };
  const names = openNames({
    clock,
    log,
    resolve: servers.resolve,
    onFound: (found) => {
      handed.push(found);
      if (options.commits !== false) names.take(found);
    },
  });
  const pass = (time: Duration): Promise<void> => clock.advanceTo(plus(clock.now(), time));
  const lookup = (host: string) => names.hostNames.lookup(host);
  return { clock, servers, handed, warnings, names, pass, lookup };
}

describe('what is looked up', () => {
  test('a host that is wanted is known soon, its addresses in one form and order', async () => {
    const { servers, names, lookup, handed } = setUp();
    servers.says = { www: ['2001:DB8:0::1', '192.0.2.2', '192.0.2.10', '::ffff:192.0.2.2', 'fe80::1%eth0'] };
    assert.equal(lookup('www'), undefined);
    names.want(['www']);
    assert.equal(lookup('www'), undefined);
    await settled();
    const addresses = ['192.0.2.10', '192.0.2.2', '2001:db8::1', 'fe80::1'];
    assert.deepEqual(lookup('www'), addresses);
    assert.deepEqual(handed, [[{ host: 'www', addresses, at: start }]]);
  });

  test('a host that does not exist has no addresses, and is asked for again like any other', async () => {
    const { servers, names, lookup, pass } = setUp();
    names.want(['nowhere']);
    await settled();
    assert.deepEqual(lookup('nowhere'), []);
    await pass(milliseconds(refreshAfter - 1));
    names.want(['nowhere']);
    await settled();
    assert.equal(servers.asked.length, 1);
    await pass(milliseconds(1));
    names.want(['nowhere']);
    await settled();
    assert.equal(servers.asked.length, 2);
  });

  test('an answer counts only when it comes back from the store', async () => {
    const { servers, names, lookup, handed } = setUp({ commits: false });
    servers.says = { www: ['192.0.2.1'] };
    names.want(['www']);
    await settled();
    const { generation } = names.hostNames;
    assert.equal(lookup('www'), undefined);
    assert.equal(handed.length, 1);
    names.take(handed[0] ?? []);
    assert.deepEqual(lookup('www'), ['192.0.2.1']);
    assert.notEqual(names.hostNames.generation, generation);
  });

  test('an answer that the store did not take is asked for again after a minute, no sooner', async () => {
    const { servers, names, handed, pass } = setUp({ commits: false });
    servers.says = { www: ['192.0.2.1'] };
    for (const wait of [seconds(0), seconds(59), seconds(1)]) {
      await pass(wait);
      names.want(['www', 'www']);
      await settled();
    }
    assert.deepEqual([servers.asked, handed.length], [['www', 'www'], 2]);
  });

  test('what cannot be the name of a host is not asked for', async () => {
    const { servers, names } = setUp();
    names.want(['disk space', '192.0.2.1', '12', '', 'a'.repeat(300), '2001:db8::1']);
    names.keep(['x y', '-d']);
    await settled();
    assert.deepEqual(servers.asked, []);
  });

  test('a gone address is gone, and too many are cut', async () => {
    const { servers, names, lookup, pass } = setUp();
    servers.says = { www: Array.from({ length: addressesMax + 9 }, (_, index) => `10.0.0.${index}`) };
    names.want(['www']);
    await settled();
    assert.equal(lookup('www')?.length, addressesMax);
    servers.says = {};
    await pass(refreshAfter);
    names.want(['www']);
    await settled();
    assert.deepEqual(lookup('www'), []);
  });
});

describe("the hosts of a policy's lists", () => {
  test('are looked up by themselves every half hour, until a policy names them no more', async () => {
    const { servers, names, lookup, pass } = setUp();
    servers.says = { www: ['192.0.2.1'], db: ['192.0.2.2'] };
    names.keep(['www', 'db']);
    await settled();
    assert.deepEqual(servers.asked, ['www', 'db']);
    servers.says = { www: ['192.0.2.8'], db: ['192.0.2.2'] };
    await pass(minutes(31));
    assert.deepEqual(servers.asked, ['www', 'db', 'www', 'db']);
    assert.deepEqual(lookup('www'), ['192.0.2.8']);
    names.keep(['db']);
    await pass(minutes(31));
    assert.deepEqual(servers.asked.slice(4), ['db']);
    // Not forgotten: an alert may still be about it.
    assert.deepEqual(lookup('www'), ['192.0.2.8']);
  });

  test('are not looked up again at once when a policy is read again', async () => {
    const { servers, names, pass } = setUp();
    servers.says = { www: ['192.0.2.1'] };
    names.want(['www']);
    await pass(minutes(5));
    names.keep(['www']);
    await pass(minutes(5));
    names.keep(['www']);
    await pass(minutes(1));
    assert.equal(servers.asked.length, 1);
  });

  test('take turns with those of alerts, so that neither waits for all of the other', async () => {
    const { servers, names } = setUp();
    const long = Array.from({ length: 50 }, (_, index) => `kept${index}`);
    names.keep(long);
    names.want(['new1', 'new2']);
    await settled();
    assert.ok(servers.asked.indexOf('new2') <= 5, servers.asked.slice(0, 8).join());
    assert.equal(servers.asked.length, 52);
  });
});

describe('a restart', () => {
  test('knows what the store knows, and asks again for what is old or had no answer', async () => {
    const { servers, names, lookup } = setUp();
    const ago = (time: Duration) => plus(start, milliseconds(-time));
    names.load([
      { host: 'fresh', addresses: ['192.0.2.1'], at: ago(minutes(29)) },
      { host: 'old', addresses: ['192.0.2.2'], at: ago(minutes(30)) },
      { host: 'none', addresses: [], at: ago(minutes(1)) },
      { host: 'future', addresses: ['192.0.2.3'], at: plus(start, minutes(9)) },
    ]);
    assert.deepEqual([lookup('fresh'), lookup('old'), lookup('none')], [['192.0.2.1'], ['192.0.2.2'], []]);
    names.want(['fresh', 'old', 'none', 'future']);
    await settled();
    assert.deepEqual(servers.asked, ['old', 'none', 'future']);
  });

  test('what is loaded of a kept host is kept, in whatever order both come', async () => {
    const { servers, names, lookup, pass } = setUp();
    const known = [{ host: 'www', addresses: ['192.0.2.1'], at: start }];
    names.load(known);
    names.keep(['www']);
    names.load(known);
    assert.deepEqual(lookup('www'), ['192.0.2.1']);
    await pass(minutes(29));
    assert.deepEqual(servers.asked, []);
  });
});

describe('name servers that do not answer', () => {
  test('what was known stays; what was not has no addresses; both are asked for again after a minute', async () => {
    const { servers, names, lookup, pass, handed, warnings } = setUp();
    servers.says = { www: ['192.0.2.1'] };
    names.want(['www']);
    await pass(refreshAfter);
    servers.says = { www: 'EAI_AGAIN', new: 'EAI_AGAIN' };
    names.want(['www', 'new']);
    await settled();
    assert.deepEqual([lookup('www'), lookup('new'), handed.length], [['192.0.2.1'], [], 2]);
    await pass(milliseconds(retryAfter - 1));
    names.want(['www', 'new']);
    await settled();
    assert.equal(servers.asked.length, 3);
    servers.says = { www: ['192.0.2.7'], new: ['192.0.2.8'] };
    await pass(milliseconds(1));
    names.want(['www', 'new']);
    await settled();
    assert.deepEqual([lookup('www'), lookup('new')], [['192.0.2.7'], ['192.0.2.8']]);
    // Once the answer is there, it holds for half an hour again.
    await pass(minutes(29));
    names.want(['www', 'new']);
    await settled();
    assert.equal(servers.asked.length, 5);
    assert.equal(warnings.length, 1);
  });

  test('a look-up that hangs counts as no answer after its time, and its late answer still counts', async () => {
    const { servers, names, lookup, pass } = setUp();
    servers.says = { slow: 'hangs' };
    names.want(['slow']);
    await pass(milliseconds(lookupMax - 1));
    assert.equal(lookup('slow'), undefined);
    await pass(seconds(2));
    assert.deepEqual(lookup('slow'), []);
    servers.wakeUp();
    await pass(seconds(2));
    assert.deepEqual(lookup('slow'), ['192.0.2.99']);
  });

  test('those that hang hold no more than their share of threads; the rest wait, and come after', async () => {
    const { servers, names, lookup, pass } = setUp();
    const hosts = Array.from({ length: 20 }, (_, index) => `slow${index}`);
    servers.says = Object.fromEntries(hosts.map((host) => [host, 'hangs' as const]));
    names.want([...hosts, 'www']);
    await pass(minutes(10));
    assert.deepEqual([servers.asked.length, servers.most], [lookupsAtOnce, lookupsAtOnce]);
    servers.says = { www: ['192.0.2.1'] };
    servers.wakeUp();
    await pass(seconds(2));
    assert.deepEqual(lookup('www'), ['192.0.2.1']);
  });

  test('a stopped station hears no more of it', async () => {
    const { servers, names, pass, handed } = setUp();
    servers.says = { slow: 'hangs' };
    names.keep(['slow', 'other']);
    await settled();
    names.stop();
    servers.wakeUp();
    names.want(['another']);
    await pass(minutes(90));
    assert.deepEqual([servers.asked, handed], [['slow'], []]);
  });
});

describe('limits', () => {
  test('answers are handed over together, so many at most', async () => {
    const { names, handed, pass } = setUp();
    names.want(Array.from({ length: answersAtOnce + 20 }, (_, index) => `host${index}`));
    // Turns, not time: each answer is one.
    for (let round = 0; round < 60; round++) await settled();
    await pass(seconds(2));
    assert.deepEqual(
      handed.map(({ length }) => length),
      [answersAtOnce, 20],
    );
  });

  test('of more hosts than can be known, the one asked about longest ago is forgotten, kept ones never', () => {
    const { names, lookup } = setUp();
    names.keep(['kept']);
    const found = (host: string) => ({ host, addresses: ['192.0.2.1'], at: start });
    names.take([found('kept'), found('first'), found('second')]);
    names.take(Array.from({ length: hostsMax - 2 }, (_, index) => found(`host${index}`)));
    assert.deepEqual(lookup('first'), ['192.0.2.1']);
    names.take([found('last')]);
    assert.deepEqual(
      [lookup('second'), lookup('first'), lookup('kept')],
      [undefined, ['192.0.2.1'], ['192.0.2.1']],
    );
    names.stop();
  });
});

describe('the resolver of the system', () => {
  test('knows localhost from the hosts file', async () => {
    const found = await new Promise<readonly FoundName[]>((resolve) => {
      const log: Logger = { debug() {}, info() {}, warn() {}, error() {} };
      const names = openNames({ clock: systemClock, log, onFound: resolve });
      names.want(['localhost']);
    });
    assert.equal(found[0]?.host, 'localhost');
    const local = found[0]?.addresses ?? [];
    assert.ok(local.includes('127.0.0.1') || local.includes('::1'), local.join());
  });
});

/** Small mistakes at the commands' doors, and the words that answer them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions } from '../../src/send/options.ts';
import { send } from '../../src/send/sender.ts';

test('mauvesend: -- with a value is an unknown option, and not short for all of them', () => {
  assert.deepEqual(parseOptions(['-i', 'disk', '--=foo'], {}, 0n), {
    kind: 'error',
    detail: 'unknown option --; mauvesend -h lists the options',
  });
});

test('mauvesend: an empty destination, as of a variable that is not set, is shown', async () => {
  const failed = [{ where: '""', why: 'malformed', detail: 'an empty word names no host' }];
  assert.deepEqual(await send(new Uint8Array(1), ['']), [{ destination: '', sent: [], failed }]);
});

/** Accounts: who is removed is out, at once and for good. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openAccounts } from '../../src/station/store/sqlite-accounts.ts';
import { hours, minutes, plus } from '../../src/time.ts';
import { dialects, noon, sqlitePlace } from './samples.ts';

const later = plus(noon, hours(1));

for (const dialect of dialects) {
  describe(dialect.name, () => {
    test('users are added once, listed, and removed', async (t) => {
      const store = dialect.place(t).open();
      const { accounts } = store;
      assert.equal(await accounts.addUser('bob', null, noon), true);
      assert.equal(await accounts.addUser('alice', 'scrypt$x', noon), true);
      assert.equal(await accounts.addUser('alice', 'scrypt$y', noon), false);
      const alice = { name: 'alice', passwordHash: 'scrypt$x', createdAt: noon };
      assert.deepEqual(await accounts.findUser('alice'), alice);
      assert.deepEqual(await accounts.listUsers(), [
        alice,
        { name: 'bob', passwordHash: null, createdAt: noon },
      ]);
      assert.equal(await accounts.removeUser('alice'), true);
      assert.equal(await accounts.removeUser('alice'), false);
      assert.equal(await accounts.findUser('alice'), null);
      assert.equal(await accounts.setPassword('alice', 'scrypt$z'), false);
      await store.close();
    });

    test('tokens are found by their hash; their last use is kept to the hour', async (t) => {
      const place = dialect.place(t);
      const store = place.open();
      const { accounts } = store;
      assert.equal(await accounts.addToken('deploy', 'hash', noon), true);
      assert.equal(await accounts.addToken('deploy', 'other', noon), false);
      assert.equal(await accounts.addToken('other', 'hash', noon), false);
      await accounts.noteTokenUse('deploy', noon);
      await accounts.noteTokenUse('deploy', plus(noon, minutes(59)));
      const token = { name: 'deploy', createdAt: noon, lastUsedAt: noon };
      const reads = place.read();
      assert.deepEqual(await reads.accounts.findToken('hash'), token);
      assert.deepEqual(await accounts.listTokens(), [token]);
      await accounts.noteTokenUse('deploy', later);
      assert.equal((await accounts.findToken('hash'))?.lastUsedAt, later);
      assert.equal(await accounts.removeToken('deploy'), true);
      assert.equal(await accounts.removeToken('deploy'), false);
      assert.equal(await reads.accounts.findToken('hash'), null);
      await reads.close();
      await store.close();
    });

    test('a login link works once, and only in its time', async (t) => {
      const store = dialect.place(t).open();
      const { accounts } = store;
      await accounts.addUser('alice', null, noon);
      assert.equal(await accounts.addLoginLink('lost', 'nobody', later), false);
      await accounts.addLoginLink('good', 'alice', later);
      await accounts.addLoginLink('late', 'alice', later);
      assert.equal(await accounts.useLoginLink('good', noon), 'alice');
      assert.equal(await accounts.useLoginLink('good', noon), null);
      assert.equal(await accounts.useLoginLink('late', later), null);
      assert.equal(await accounts.useLoginLink('unknown', noon), null);
      await accounts.addLoginLink('left', 'alice', later);
      await accounts.removeUser('alice');
      assert.equal(await accounts.useLoginLink('left', noon), null);
      await store.close();
    });

    const ends = {
      'a new password': 'setPassword',
      'removing the user': 'removeUser',
      'logging out': 'removeSession',
    } as const;
    for (const [name, call] of Object.entries(ends)) {
      test(`${name} ends the session, and a request under way does not bring it back`, async (t) => {
        const place = dialect.place(t);
        const store = place.open();
        const { accounts } = store;
        await accounts.addUser('alice', 'scrypt$x', noon);
        await accounts.addUser('bob', 'scrypt$x', noon);
        await accounts.saveSession('s1', 'alice', '{"n":1}', later);
        await accounts.saveSession('s2', 'bob', '{}', later);
        await accounts.saveSession('s1', 'alice', '{"n":2}', later);
        const reads = place.read();
        assert.equal(await reads.accounts.loadSession('s1', noon), '{"n":2}');
        assert.equal(await accounts.loadSession('s1', later), null, 'it has expired');
        if (call === 'setPassword') await accounts.setPassword('alice', 'scrypt$y');
        else if (call === 'removeUser') await accounts.removeUser('alice');
        else await accounts.removeSession('s1');
        await accounts.saveSession('s1', 'alice', '{"n":3}', later);
        assert.equal(await accounts.loadSession('s1', noon), null);
        assert.equal(await reads.accounts.loadSession('s2', noon), '{}', 'nobody else is logged out');
        await reads.close();
        await store.close();
      });
    }
  });
}

test('accounts are written beside a running station', async (t) => {
  const place = sqlitePlace(t);
  const store = place.open();
  const beside = openAccounts(place.folder);
  assert.equal(await beside.accounts.addToken('deploy', 'hash', noon), true);
  assert.equal((await store.accounts.findToken('hash'))?.name, 'deploy');
  beside.close();
  await store.close();
});
